//! A connection between two parts, through a proxy that can be told to misbehave.

use std::net::SocketAddr;

use testkit::{Proxy, Way};

/// Why nothing, or not everything, gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A black hole: connections stay, bytes wait.
    Hold,
    /// One direction waits.
    Silence(Way),
    /// Nobody answers the door.
    Refuse,
}

/// Whether the part behind the proxy is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    Up,
    /// Takes nothing new; what is there goes on.
    Draining,
    Down,
}

/// A proxy, what is behind it, and what troubles it: the worse of both shows.
pub(crate) struct Link {
    proxy: Proxy,
    behind: Behind,
    trouble: Option<Trouble>,
}

impl Link {
    pub(crate) fn to(server: SocketAddr, behind: Behind) -> Link {
        let link = Link { proxy: Proxy::start(server), behind, trouble: None };
        link.apply();
        link
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// The part came back, maybe on another port.
    pub(crate) fn aim(&self, server: SocketAddr) {
        self.proxy.aim(server);
    }

    pub(crate) fn set_behind(&mut self, behind: Behind) {
        if self.behind != behind {
            self.behind = behind;
            self.apply();
        }
    }

    pub(crate) fn set_trouble(&mut self, trouble: Option<Trouble>) {
        if self.trouble != trouble {
            self.trouble = trouble;
            self.apply();
        }
    }

    /// Cuts every connection; new ones are welcome.
    pub(crate) fn cut(&self) {
        self.proxy.cut();
    }

    fn apply(&self) {
        match (self.behind, self.trouble) {
            (Behind::Down, _) | (_, Some(Trouble::Refuse)) => self.proxy.refuse(),
            (Behind::Draining, _) => self.proxy.turn_away(),
            (Behind::Up, Some(Trouble::Hold)) => self.proxy.hold(),
            (Behind::Up, Some(Trouble::Silence(way))) => self.proxy.silence(way),
            (Behind::Up, None) => self.proxy.resume(),
        }
    }
}
