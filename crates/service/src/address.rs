//! Addresses of clients, as limits count them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a client comes from: an IPv4 address, or the /64 of an IPv6 address, which is one household's to number as it
/// likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Household {
    /// An address.
    V4(Ipv4Addr),
    /// The first four groups of one.
    V6([u16; 4]),
}

impl From<IpAddr> for Household {
    fn from(address: IpAddr) -> Household {
        match address.to_canonical() {
            IpAddr::V4(address) => Household::V4(address),
            IpAddr::V6(address) => Household::V6(network(address)),
        }
    }
}

fn network(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Household {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_household_is_one_origin() {
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::7"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
    }
}
