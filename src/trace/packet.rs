//! The one packet that is followed, and who can have sent it. Must not know what filters it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::ServiceTag;
use crate::net::Protocol;

/// A packet that opens a connection, as the machine's groups see it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'q> {
    pub source: IpAddr,
    pub membership: Membership<'q>,
    pub source_port: u16,
    pub protocol: Protocol,
    /// On the machine.
    pub port: u16,
}

/// Which service tags the source belongs to, apart from those that the estate itself defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'q> {
    /// No list of tags is in the input, so any public address may be in any of them.
    Unread,
    /// None of them.
    Outside,
    /// This one, and perhaps others.
    Of(&'q ServiceTag),
}

/// Blocks that are no public space: the expansions of the `Internet` tag that Azure shows leave them out.
const SPECIAL: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Where ranges behind a gateway are expected to lie.
const PRIVATE: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Addresses from which nothing arrives over a network.
const NOBODY: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

const PLATFORM_V4: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Where health probes come from.
pub const PLATFORM: IpAddr = IpAddr::V4(PLATFORM_V4);
const PLATFORM_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x1234, 0x5678, 0x9abc);

fn starts(bits: u128, width: u32, first: u128, length: u32) -> bool {
    // A prefix of no bits holds everything; a shift by the whole width would overflow.
    (bits ^ first).checked_shr(width - length).unwrap_or(0) == 0
}

fn lies_in(address: Ipv4Addr, blocks: &[(Ipv4Addr, u32)]) -> bool {
    let within =
        |(first, length): &(Ipv4Addr, u32)| starts(address.to_bits().into(), 32, first.to_bits().into(), *length);
    blocks.iter().any(within)
}

fn starts_v6(address: Ipv6Addr, first: u16, length: u32) -> bool {
    starts(address.to_bits(), 128, u128::from(first) << 112, length)
}

/// Public address space, whoever has it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !lies_in(v4, SPECIAL),
        IpAddr::V6(v6) => starts_v6(v6, 0x2000, 3),
    }
}

/// Space that a network behind a gateway may have.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => lies_in(v4, PRIVATE),
        IpAddr::V6(v6) => starts_v6(v6, 0xfc00, 7),
    }
}

/// The platform's own address: health probes and agents, never a client.
pub fn is_platform(address: IpAddr) -> bool {
    address == IpAddr::V4(PLATFORM_V4) || address == IpAddr::V6(PLATFORM_V6)
}

/// No packet comes from such an address over a network.
pub fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => lies_in(v4, NOBODY),
        IpAddr::V6(v6) => v6.to_bits() <= 1 || starts_v6(v6, 0xfe80, 10) || starts_v6(v6, 0xff00, 8),
    }
}

/// Where any of the above begins or has just ended.
pub fn landmarks() -> impl Iterator<Item = IpAddr> {
    let v4 = SPECIAL.iter().chain(PRIVATE).chain(NOBODY).flat_map(|(first, length)| {
        let size = 1u32.checked_shl(32 - length).unwrap_or(0);
        [*first, Ipv4Addr::from_bits(first.to_bits().wrapping_add(size))]
    });
    let v6 = [0x2000u16, 0x4000, 0xfc00, 0xfe00, 0xfe80, 0xfec0, 0xff00]
        .map(|first| IpAddr::V6(Ipv6Addr::from_bits(u128::from(first) << 112)));
    let platform = [PLATFORM_V4, Ipv4Addr::from_bits(PLATFORM_V4.to_bits() + 1)];
    let low = [Ipv6Addr::from_bits(0), Ipv6Addr::from_bits(2), PLATFORM_V6].map(IpAddr::V6);
    v4.chain(platform).map(IpAddr::V4).chain(v6).chain(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_what_the_documentation_says() {
        let is = |text: &str| {
            let address: IpAddr = text.parse().unwrap();
            (is_public(address), is_private(address), is_nobody(address))
        };
        assert_eq!(is("8.8.8.8"), (true, false, false));
        assert_eq!(is("172.31.0.100"), (false, true, false));
        assert_eq!(is("172.32.0.0"), (true, false, false));
        assert_eq!(is("224.0.0.1"), (false, false, true));
        assert_eq!(is("192.0.2.1"), (false, false, false));
        assert_eq!(is("2001:db8::1"), (true, false, false));
        assert_eq!(is("fd00::4"), (false, true, false));
        assert_eq!(is("::1"), (false, false, true));
        assert_eq!(is("fe80::1234:5678:9abc"), (false, false, true));
        assert!(is_platform("168.63.129.16".parse().unwrap()));
    }
}
