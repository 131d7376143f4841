//! Addresses under pseudonyms: a permutation of the address space that keeps prefixes, so that what lay in a network
//! lies in it still, and that maps every special part of the space to itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Redaction;

/// Parts of the IPv4 space that mean something: private, shared, link, loopback, documentation, multicast, and the
/// host's own address.
const SPECIAL_V4: &[(u32, u8)] = &[
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc000_0000, 24),
    (0xc000_0200, 24),
    (0xc058_6300, 24),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xc633_6400, 24),
    (0xcb00_7100, 24),
    (0xa83f_8110, 32),
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];

/// The same of IPv6: global unicast, unique local, link, multicast, documentation, and addresses with an IPv4 inside.
const SPECIAL_V6: &[(u128, u8)] = &[
    (0, 8),
    (0x0064_ff9b << 96, 96),
    (0x2001_0db8 << 96, 32),
    (0x2001_0000 << 96, 32),
    (0x2002 << 112, 16),
    (0x2000 << 112, 3),
    (0xfc00 << 112, 7),
    (0xfe80 << 112, 10),
    (0xff00 << 112, 8),
];

impl Redaction {
    /// An address or prefix under its pseudonym; `None` for a text that is neither.
    pub(super) fn address(&self, text: &str) -> Option<String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let replaced = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => {
                let most = length.unwrap_or(32).min(32);
                let bits = self.permute(u128::from(u32::from(address)) << 96, most, &special_v4());
                IpAddr::V4(Ipv4Addr::from(u32::try_from(bits >> 96).ok()?))
            }
            IpAddr::V6(address) => {
                let most = length.unwrap_or(128).min(128);
                IpAddr::V6(Ipv6Addr::from(self.permute(u128::from(address), most, SPECIAL_V6)))
            }
        };
        Some(match length {
            Some(length) => format!("{replaced}/{length}"),
            None => replaced.to_string(),
        })
    }

    /// Turns each bit over or not, as the bits before it decide.
    fn permute(&self, bits: u128, most: u8, special: &[(u128, u8)]) -> u128 {
        let mut turned = bits;
        for at in 0..most {
            let before = leading(bits, at);
            if is_fixed(before, at, special) {
                continue;
            }
            let digest = self.digest("bit", &format!("{at}/{before:x}/{}", special.len()));
            if digest.first().is_some_and(|byte| byte & 1 == 1) {
                turned ^= 1 << (127 - u32::from(at));
            }
        }
        turned
    }
}

fn special_v4() -> Vec<(u128, u8)> {
    let wide = |(bits, length): &(u32, u8)| (u128::from(*bits) << 96, *length);
    SPECIAL_V4.iter().map(wide).collect()
}

/// The first bits of an address, the rest nought.
fn leading(bits: u128, count: u8) -> u128 {
    match count {
        0 => 0,
        count => bits & (u128::MAX << (128 - u32::from(count.min(128)))),
    }
}

/// Whether a special part lies below these bits, so that the next one must stay.
fn is_fixed(before: u128, at: u8, special: &[(u128, u8)]) -> bool {
    special.iter().any(|(bits, length)| {
        let whole = *length == 32 && *bits == u128::from(0xa83f_8110_u32) << 96;
        leading(*bits, at) == before && (at < *length || whole)
    })
}

/// The prefixes of a range `a-b`; `None` for a text that is no range of addresses.
pub(super) fn range(text: &str) -> Option<Vec<String>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (
        first.trim().parse::<Ipv4Addr>().ok()?,
        last.trim().parse::<Ipv4Addr>().ok()?,
    );
    let (mut first, last) = (u64::from(u32::from(first)), u64::from(u32::from(last)));
    let mut prefixes = Vec::new();
    while first <= last {
        let mut size = if first == 0 {
            1 << 32
        } else {
            first & first.wrapping_neg()
        };
        while first + size - 1 > last {
            size >>= 1;
        }
        let address = Ipv4Addr::from(u32::try_from(first).ok()?);
        prefixes.push(format!("{address}/{}", 32 - size.trailing_zeros()));
        first += size;
    }
    Some(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> u32 {
        u32::from(
            text.split('/')
                .next()
                .and_then(|text| text.parse::<Ipv4Addr>().ok())
                .expect("an address"),
        )
    }

    #[test]
    fn prefixes_and_parts_of_the_space_are_kept() {
        let redaction = Redaction::new().expect("keys");
        let of = |text: &str| redaction.address(text).expect("an address");
        assert_eq!(of("10.1.2.3"), of("10.1.2.3"));
        assert!(of("10.1.2.3").starts_with("10."));
        assert!(of("192.168.7.0/24").starts_with("192.168."));
        assert_eq!(of("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(of("10.0.0.0/8"), "10.0.0.0/8");
        assert_eq!(of("168.63.129.16"), "168.63.129.16");
        assert_eq!(
            number(&of("10.20.30.0/24")) >> 8,
            number(&of("10.20.30.99")) >> 8,
            "lies in it still"
        );
        assert_ne!(number(&of("10.20.30.0/24")) >> 8, number(&of("10.20.31.99")) >> 8);
        for public in ["8.8.8.8", "20.1.2.3", "52.0.0.1", "171.1.1.1", "193.9.9.9"] {
            let shown: Ipv4Addr = of(public).parse().expect("an address");
            assert!(
                !shown.is_private() && !shown.is_link_local() && !shown.is_loopback() && !shown.is_multicast(),
                "{shown}"
            );
        }
        assert!(of("2001:db8:1::/48").starts_with("2001:db8:"));
        assert_eq!(redaction.address("22"), None);
    }

    #[test]
    fn ranges_become_prefixes() {
        assert_eq!(
            range("10.0.0.0-10.0.0.4"),
            Some(vec!["10.0.0.0/30".to_owned(), "10.0.0.4/32".to_owned()])
        );
        assert_eq!(range("0.0.0.0-255.255.255.255"), Some(vec!["0.0.0.0/0".to_owned()]));
        assert_eq!(range("22-23"), None);
    }
}
