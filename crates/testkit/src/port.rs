//! Ports that stay one's own.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};

/// A port of 127.0.0.1 for a server that stops and starts again.
///
/// While nothing listens on a port the kernel may give it to anybody who asks for a free one. So a socket stays bound to it
/// which never listens: whoever sets `SO_REUSEADDR`, as servers do, can listen there all the same, and the kernel gives the
/// port to nobody else. What connects meanwhile is refused. Dropping it lets go of the port.
#[derive(Debug)]
pub struct Port {
    _bound: OwnedFd,
    address: SocketAddr,
}

impl Port {
    /// One that is free.
    ///
    /// # Panics
    /// When this process may have no more sockets, or there is no port left.
    pub fn reserve() -> Port {
        // A child does not inherit it: it would keep the port after the test.
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None);
        let socket = socket.expect("a socket");
        set_socket_reuseaddr(&socket, true).expect("a new socket takes options");
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = getsockname(&socket).expect("a bound socket has an address");
        let address = SocketAddrV4::try_from(address).expect("it was bound to one of IPv4");
        Port { _bound: socket, address: address.into() }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.address.port()
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_server_listens_on_it_again_and_again_and_nobody_is_given_it() {
        let port = Port::reserve();
        for _ in 0..3 {
            assert_eq!(TcpStream::connect(port.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(port.address()).expect("it is ours");
            let client = TcpStream::connect(port.address()).expect("the server listens");
            // The server closes first: the port keeps a connection in TIME_WAIT.
            drop(listener.accept().expect("a client"));
            drop(client);
        }
        let others: Vec<TcpListener> =
            (0..2_000).map_while(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()).collect();
        assert!(others.len() > 100, "{} ports", others.len());
        assert!(others.iter().all(|other| other.local_addr().unwrap() != port.address()));
    }
}
