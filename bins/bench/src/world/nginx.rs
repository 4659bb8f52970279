//! A private nginx in front of the nodes, with the configuration that the project ships.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
};

use testkit::Port;

use super::{NGINX_SOURCE, Program, installed, wait_until_ready};
use crate::error::BenchError;

/// What operators run.
const CONFIGURATION: &str = include_str!("../../../../scripts/nginx.conf.template");

/// Where distributions put modules.
const MODULE_FOLDERS: [&str; 3] =
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules"];

/// An nginx of one process, so that it ends as a whole.
pub(crate) struct Nginx {
    _program: Program,
    port: Port,
}

impl Nginx {
    pub(super) fn start(folder: &Path, nodes: &[SocketAddr]) -> Result<Nginx, BenchError> {
        let port = Port::reserve();
        let addr = port.address();
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder).map_err(BenchError::io("nginx folder"))?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(&folder, addr, nodes)?).map_err(BenchError::io("nginx.conf"))?;
        let mut program = Program::start(&installed("nginx")?, "nginx", &folder, |command| {
            command.arg("-p").arg(&folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(&file);
            // A worker process would outlive a master that is killed.
            command.args(["-g", "daemon off; master_process off;"]);
        })?;
        wait_until_ready(&mut program, || TcpStream::connect(addr).is_ok())?;
        Ok(Nginx { _program: program, port })
    }

    /// Where clients connect.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.address()
    }
}

fn configuration(folder: &Path, addr: SocketAddr, nodes: &[SocketAddr]) -> Result<String, BenchError> {
    let servers: Vec<String> =
        nodes.iter().map(|node| format!("server {node} max_fails=2 fail_timeout=5s;")).collect();
    let code = CONFIGURATION.lines().filter(|line| !line.trim_start().starts_with('#'));
    Ok(code
        .collect::<Vec<_>>()
        .join("\n")
        .replace("@MODULES@", &module_folder()?.to_string_lossy())
        .replace("@FOLDER@", &folder.to_string_lossy())
        .replace("@LISTEN@", &addr.to_string())
        .replace("@WORKERS@", "1")
        .replace("@NODES@", &servers.join("\n"))
        .replace("proxy_pass nodes;", &format!("proxy_pass nodes;\n        proxy_bind {NGINX_SOURCE};")))
}

fn module_folder() -> Result<PathBuf, BenchError> {
    let mut folders = MODULE_FOLDERS.iter().map(PathBuf::from);
    folders.find(|folder| folder.join("ngx_stream_module.so").is_file()).ok_or_else(|| BenchError::Start {
        program: "nginx".into(),
        why: "its stream module is not installed (libnginx-mod-stream)".into(),
    })
}
