//! Binding, the way a server wants it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Binds a listening socket for [`Reactor::start`](crate::Reactor::start).
///
/// `SO_REUSEADDR` is set, so that a restart does not fail while connections of the last run are in TIME_WAIT. An IPv6
/// address listens for IPv6 alone, whatever the machine's default: for both families bind both addresses.
/// `backlog` is the number of connections that the kernel lets wait (capped by `net.core.somaxconn`).
///
/// # Errors
/// Those of `socket`, `bind` and `listen`: address in use, not ours, or not allowed.
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}
