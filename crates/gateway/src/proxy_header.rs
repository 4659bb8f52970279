//! The PROXY protocol: the header by which a balancer says whom it connects, versions 1 and 2.
//!
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>; nginx writes version 1, HAProxy and most others 2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The longest line of version 1, its CRLF included (section 2.1).
const LINE_BYTES_MAX: usize = 107;
const LINE_BEGIN: &[u8] = b"PROXY ";

/// How every header of version 2 begins (section 2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length of the rest.
const FIXED_BYTES: usize = 16;
/// Bytes after that which are taken: addresses of any family are 216 at most, the rest are type-length-values such as a TLS
/// client's name, which nobody here reads. Longer headers are malformed.
pub(crate) const REST_BYTES_MAX: usize = 4 * 1024;

/// What stands at the front of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole header of so many bytes. The client's address; `None` if the balancer speaks for itself (a health check), or
    /// does not know.
    Header(Option<SocketAddr>, usize),
    /// The beginning of one.
    Unfinished,
    /// No header, or one that cannot be.
    Malformed,
}

/// Looks for a header at the front of `input`. It keeps no state: a header that comes in parts is looked at from its
/// beginning each time, which is short.
pub(crate) fn find(input: &[u8]) -> Found {
    let begins = |with: &[u8]| input.iter().zip(with).all(|(found, wanted)| found == wanted);
    if begins(LINE_BEGIN) {
        line(input)
    } else if begins(SIGNATURE) {
        binary(input)
    } else {
        Found::Malformed
    }
}

/// Version 1: `PROXY TCP4 203.0.113.7 10.0.0.1 54321 7000\r\n`.
fn line(input: &[u8]) -> Found {
    let front = &input[..input.len().min(LINE_BYTES_MAX)];
    let Some(end) = front.windows(2).position(|pair| pair == b"\r\n") else {
        return if front.len() < LINE_BYTES_MAX { Found::Unfinished } else { Found::Malformed };
    };
    // What follows is to be ignored, even if it is no text.
    if let Some(rest) = front[..end].strip_prefix(b"PROXY UNKNOWN")
        && rest.first().is_none_or(|byte| *byte == b' ')
    {
        return Found::Header(None, end + 2);
    }
    let fields = std::str::from_utf8(&front[..end]).map(|line| line.split(' ').collect::<Vec<_>>());
    let source = match fields.as_deref() {
        Ok(["PROXY", "TCP4", addresses @ ..]) => source::<Ipv4Addr>(addresses),
        Ok(["PROXY", "TCP6", addresses @ ..]) => source::<Ipv6Addr>(addresses),
        _ => None,
    };
    source.map_or(Found::Malformed, |source| Found::Header(Some(source), end + 2))
}

/// The source address of a line, if all four fields are as they must be.
fn source<A: FromStr + Into<IpAddr>>(fields: &[&str]) -> Option<SocketAddr> {
    let [from, to, from_port, to_port] = fields else { return None };
    let port = |text: &str| -> Option<u16> {
        // A sign is no part of a port, whatever Rust's own reader thinks.
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    };
    let (from, _) = (from.parse::<A>().ok()?, to.parse::<A>().ok()?);
    let (from_port, _) = (port(from_port)?, port(to_port)?);
    Some(SocketAddr::new(from.into(), from_port))
}

/// Version 2.
fn binary(input: &[u8]) -> Found {
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else { return Found::Unfinished };
    let [.., version_and_command, family, high, low] = *fixed;
    let len = usize::from(u16::from_be_bytes([high, low]));
    // Said early: nobody need wait for the rest of what cannot be.
    let least = match (version_and_command, family) {
        // LOCAL: the family is not to be looked at.
        (0x20, _) => 0,
        // PROXY with no family, TCP over IPv4, over IPv6, a Unix stream.
        (0x21, 0x00) => 0,
        (0x21, 0x11) => 12,
        (0x21, 0x21) => 36,
        (0x21, 0x31) => 216,
        // Another version or command, or datagrams.
        _ => return Found::Malformed,
    };
    if len < least || len > REST_BYTES_MAX {
        return Found::Malformed;
    }
    let Some(rest) = rest.get(..len) else { return Found::Unfinished };
    Found::Header(if version_and_command == 0x21 { told(family, rest) } else { None }, FIXED_BYTES + len)
}

/// The source address of the addresses in a header of version 2.
fn told(family: u8, rest: &[u8]) -> Option<SocketAddr> {
    let port = |at: usize| Some(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?));
    match family {
        0x11 => Some(SocketAddr::new(Ipv4Addr::from(*rest.first_chunk::<4>()?).into(), port(8)?)),
        0x21 => Some(SocketAddr::new(Ipv6Addr::from(*rest.first_chunk::<16>()?).into(), port(32)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header of version 2.
    fn header(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = (rest.len() as u16).to_be_bytes();
        [&SIGNATURE[..], &[version_and_command, family], &len, rest].concat()
    }

    fn ipv4() -> Vec<u8> {
        [&[203, 0, 113, 7, 10, 0, 0, 1][..], &54_321u16.to_be_bytes(), &7_000u16.to_be_bytes()].concat()
    }

    fn ipv6() -> Vec<u8> {
        let from: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let ports = [54_321u16.to_be_bytes(), 7_000u16.to_be_bytes()].concat();
        [&from.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &ports].concat()
    }

    /// Headers as they may be, and whom they name.
    fn good() -> Vec<(Vec<u8>, Option<&'static str>)> {
        let tlv = [4, 0, 3, b'a', b'b', b'c'];
        vec![
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 7000\r\n".to_vec(), Some("203.0.113.7:54321")),
            (b"PROXY TCP6 2001:db8::7 ::1 54321 7000\r\n".to_vec(), Some("[2001:db8::7]:54321")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN whatever follows\r\n".to_vec(), None),
            (b"PROXY UNKNOWN \xff\0\xfe\r\n".to_vec(), None),
            (header(0x21, 0x11, &ipv4()), Some("203.0.113.7:54321")),
            (header(0x21, 0x11, &[&ipv4()[..], &tlv].concat()), Some("203.0.113.7:54321")),
            (header(0x21, 0x21, &ipv6()), Some("[2001:db8::7]:54321")),
            (header(0x21, 0x21, &[&ipv6()[..], &[0; 4_000]].concat()), Some("[2001:db8::7]:54321")),
            (header(0x21, 0x31, &[b'x'; 216]), None),
            (header(0x21, 0x00, &[]), None),
            (header(0x21, 0x00, &tlv), None),
            (header(0x20, 0x00, &[]), None),
            (header(0x20, 0x11, &ipv4()), None),
            (header(0x20, 0xff, &[1, 2, 3]), None),
        ]
    }

    #[test]
    fn a_header_is_unfinished_until_its_last_byte() {
        for (bytes, source) in good() {
            for len in 0..bytes.len() {
                assert_eq!(find(&bytes[..len]), Found::Unfinished, "{len} bytes of {bytes:?}");
            }
            let expected = Found::Header(source.map(|text| text.parse().unwrap()), bytes.len());
            assert_eq!(find(&bytes), expected);
            assert_eq!(find(&[&bytes[..], b"and what follows"].concat()), expected);
        }
    }

    #[test]
    fn what_cannot_be_is_malformed() {
        let cases: &[&[u8]] = &[
            b"PROXZ ",
            b"proxy TCP4 ",
            b"\xca\xfe",
            b"GET / HTTP/1.1\r\n",
            b"PROXY TCP4\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 54321\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 7000 1\r\n",
            b"PROXY TCP4  203.0.113.7 10.0.0.1 54321 7000\r\n",
            b"PROXY TCP4 2001:db8::7 ::1 54321 7000\r\n",
            b"PROXY TCP6 203.0.113.7 10.0.0.1 54321 7000\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 +5432 7000\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 65536 7000\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 1 70000\r\n",
            b"PROXY TCP4 203.0.113.7 nowhere 1 2\r\n",
            b"PROXY UDP4 203.0.113.7 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 \xff\r\n",
            b"PROXY UNKNOWNS\r\n",
            &[b"PROXY TCP4 ", [b'1'; 96].as_slice()].concat(),
            b"\r\n\r\n\0\r\nQUIT\r",
            &header(0x11, 0x11, &ipv4()),
            &header(0x22, 0x11, &ipv4()),
            &header(0x21, 0x12, &ipv4()),
            &header(0x21, 0x41, &ipv4()),
            &header(0x21, 0x11, &ipv4()[..11]),
            &header(0x21, 0x21, &ipv6()[..35]),
            &header(0x21, 0x31, &[0; 215]),
            &header(0x20, 0x00, &[0; REST_BYTES_MAX + 1]),
        ];
        for bytes in cases {
            assert_eq!(find(bytes), Found::Malformed, "{:?}", String::from_utf8_lossy(bytes));
        }
        let length_alone = header(0x21, 0x11, &[0; REST_BYTES_MAX + 1]);
        assert_eq!(find(&length_alone[..FIXED_BYTES]), Found::Malformed, "nobody waits for what is too long");
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Found::Header(_, len) = find(&bytes) {
                prop_assert!(len <= bytes.len());
            }
        }

        /// A header with some bytes changed is a header, the beginning of one, or malformed: and whatever it is, more bytes
        /// never turn what was decided around.
        #[test]
        fn changed_headers_are_decided_once(
            which in 0..15usize,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let mut bytes = good()[which].0.clone();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let mut decided = None;
            for len in 0..=bytes.len() {
                match (decided, find(&bytes[..len])) {
                    (None, Found::Unfinished) => {}
                    (None, found) => decided = Some(found),
                    (Some(before), found) => prop_assert_eq!(before, found),
                }
                if let Some(Found::Header(_, used)) = decided {
                    prop_assert!(used <= len);
                }
            }
        }
    }
}
