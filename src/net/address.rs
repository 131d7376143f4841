//! IPv4 and IPv6 address sets, parsed from and printed as CIDR prefixes. The two families never mix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::interval::{Bound, IntervalSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// A closed range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressRange {
    V4(u32, u32),
    V6(u128, u128),
}

impl AddressRange {
    pub fn host(address: IpAddr) -> AddressRange {
        match address {
            IpAddr::V4(v4) => AddressRange::V4(v4.to_bits(), v4.to_bits()),
            IpAddr::V6(v6) => AddressRange::V6(v6.to_bits(), v6.to_bits()),
        }
    }

    /// The address, when it is only one.
    pub fn single(self) -> Option<IpAddr> {
        match self {
            AddressRange::V4(first, last) => (first == last).then(|| IpAddr::V4(Ipv4Addr::from(first))),
            AddressRange::V6(first, last) => (first == last).then(|| IpAddr::V6(Ipv6Addr::from(first))),
        }
    }

    pub fn family(self) -> Family {
        match self {
            AddressRange::V4(..) => Family::V4,
            AddressRange::V6(..) => Family::V6,
        }
    }

    pub fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (AddressRange::V4(first, last), IpAddr::V4(v4)) => (first..=last).contains(&v4.to_bits()),
            (AddressRange::V6(first, last), IpAddr::V6(v6)) => (first..=last).contains(&v6.to_bits()),
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cidrs = AddressSet::from(*self).cidrs(2);
        match cidrs.as_slice() {
            [one] => out.write_str(one),
            _ => match *self {
                AddressRange::V4(first, last) => write!(out, "{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(last)),
                AddressRange::V6(first, last) => write!(out, "{}-{}", Ipv6Addr::from(first), Ipv6Addr::from(last)),
            },
        }
    }
}

/// Why a text is not an address, prefix or range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{0}` is not an IP address")]
    NotAnAddress(String),
    #[error("prefix length `{length}` of `{text}` is not within 0 to {max}")]
    Length { text: String, length: String, max: u8 },
    #[error("the range `{0}` ends before it starts or mixes address families")]
    Range(String),
}

/// Parses an address, a CIDR prefix, or a range `a-b`.
///
/// The second value is true when host bits were set beyond the prefix length (`10.0.0.1/8`); they are masked.
pub fn parse_range(text: &str) -> Result<(AddressRange, bool), AddressError> {
    let text = text.trim();
    if let Some((first, last)) = text.split_once('-') {
        return parse_dash(text, first, last).map(|range| (range, false));
    }
    let Some((address, length)) = text.split_once('/') else {
        return Ok((AddressRange::host(parse_address(text, text)?), false));
    };
    let address = parse_address(address, text)?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    let bits = match length.parse::<u8>() {
        Ok(bits) if bits <= max && length.bytes().all(|b| b.is_ascii_digit()) => bits,
        _ => {
            return Err(AddressError::Length {
                text: text.to_owned(),
                length: length.to_owned(),
                max,
            });
        }
    };
    Ok(mask(address, bits))
}

fn parse_address(address: &str, text: &str) -> Result<IpAddr, AddressError> {
    address
        .trim()
        .parse()
        .map_err(|_| AddressError::NotAnAddress(text.to_owned()))
}

fn parse_dash(text: &str, first: &str, last: &str) -> Result<AddressRange, AddressError> {
    match (parse_address(first, text)?, parse_address(last, text)?) {
        (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => Ok(AddressRange::V4(a.to_bits(), b.to_bits())),
        (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => Ok(AddressRange::V6(a.to_bits(), b.to_bits())),
        _ => Err(AddressError::Range(text.to_owned())),
    }
}

fn mask(address: IpAddr, bits: u8) -> (AddressRange, bool) {
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let first = v4.to_bits() & !host;
            (AddressRange::V4(first, first | host), first != v4.to_bits())
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let first = v6.to_bits() & !host;
            (AddressRange::V6(first, first | host), first != v6.to_bits())
        }
    }
}

/// A set of addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressSet {
    pub v4: IntervalSet<u32>,
    pub v6: IntervalSet<u128>,
}

impl AddressSet {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn full() -> Self {
        AddressSet {
            v4: IntervalSet::full(),
            v6: IntervalSet::full(),
        }
    }

    pub fn from_ranges(ranges: impl IntoIterator<Item = AddressRange>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match range {
                AddressRange::V4(first, last) => v4.push((first, last)),
                AddressRange::V6(first, last) => v6.push((first, last)),
            }
        }
        AddressSet {
            v4: IntervalSet::from_ranges(v4),
            v6: IntervalSet::from_ranges(v6),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The maximal ranges of it, IPv4 first, ascending.
    pub fn to_ranges(&self) -> impl Iterator<Item = AddressRange> + '_ {
        let v4 = self.v4.ranges().iter();
        let v6 = self.v6.ranges().iter();
        v4.map(|(first, last)| AddressRange::V4(*first, *last))
            .chain(v6.map(|(first, last)| AddressRange::V6(*first, *last)))
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    pub fn union(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.union(&other.v4),
            v6: self.v6.union(&other.v6),
        }
    }

    pub fn intersection(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.intersection(&other.v4),
            v6: self.v6.intersection(&other.v6),
        }
    }

    pub fn difference(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.difference(&other.v4),
            v6: self.v6.difference(&other.v6),
        }
    }

    pub fn complement(&self) -> Self {
        AddressSet {
            v4: self.v4.complement(),
            v6: self.v6.complement(),
        }
    }

    pub fn intersects(&self, other: &Self) -> bool {
        self.v4.intersects(&other.v4) || self.v6.intersects(&other.v6)
    }

    /// Whether any address of the range is in the set.
    pub fn intersects_range(&self, range: AddressRange) -> bool {
        match range {
            AddressRange::V4(first, last) => self.v4.intersects_range(first, last),
            AddressRange::V6(first, last) => self.v6.intersects_range(first, last),
        }
    }

    pub fn is_superset(&self, other: &Self) -> bool {
        self.v4.is_superset(&other.v4) && self.v6.is_superset(&other.v6)
    }

    /// Only the addresses of one family.
    pub fn only(&self, family: Family) -> Self {
        match family {
            Family::V4 => AddressSet {
                v4: self.v4.clone(),
                v6: IntervalSet::empty(),
            },
            Family::V6 => AddressSet {
                v4: IntervalSet::empty(),
                v6: self.v6.clone(),
            },
        }
    }

    /// How many addresses; saturates at `u128::MAX`.
    pub fn count(&self) -> u128 {
        self.v4.count().saturating_add(self.v6.count())
    }

    /// The minimal list of CIDR prefixes, IPv4 first, ascending; at most `limit` of them.
    pub fn cidrs(&self, limit: usize) -> Vec<String> {
        let v4 = self
            .v4
            .ranges()
            .iter()
            .flat_map(|(first, last)| Cidrs::new(*first, *last, 32));
        let v6 = self
            .v6
            .ranges()
            .iter()
            .flat_map(|(first, last)| Cidrs::new(*first, *last, 128));
        let v4 = v4.map(|(address, bits)| print_v4(address, bits));
        let v6 = v6.map(|(address, bits)| print_v6(address, bits));
        v4.chain(v6).take(limit).collect()
    }

    /// How long the minimal list of CIDR prefixes is.
    pub fn cidr_count(&self) -> usize {
        let v4 = self.v4.ranges().iter();
        let v4 = v4.map(|(first, last)| prefixes_of((*first).into(), Some(u128::from(*last) + 1)));
        let v6 = self.v6.ranges().iter();
        let v6 = v6.map(|(first, last)| prefixes_of(*first, last.checked_add(1)));
        v4.chain(v6).sum()
    }

    pub fn is_full(&self) -> bool {
        self.v4.is_full() && self.v6.is_full()
    }
}

impl From<AddressRange> for AddressSet {
    fn from(range: AddressRange) -> Self {
        Self::from_ranges([range])
    }
}

fn print_v4(address: u32, bits: u32) -> String {
    let mut text = String::with_capacity("255.255.255.255/32".len());
    for (index, part) in address.to_be_bytes().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        push_number(&mut text, part);
    }
    if bits < 32 {
        text.push('/');
        push_number(&mut text, u8::try_from(bits).unwrap_or(0));
    }
    text
}

/// Formatting through `fmt` takes longer than finding the prefix.
fn push_number(text: &mut String, number: u8) {
    let digit = |number: u8| char::from(b'0' + number % 10);
    if number >= 100 {
        text.push(digit(number / 100));
    }
    if number >= 10 {
        text.push(digit(number / 10));
    }
    text.push(digit(number));
}

fn print_v6(address: u128, bits: u32) -> String {
    let address = Ipv6Addr::from(address);
    if bits == 128 {
        address.to_string()
    } else {
        format!("{address}/{bits}")
    }
}

/// How many prefixes make up the addresses from `first` to just before `end`; no end is that of the address space.
///
/// Below the highest bit in which both differ, prefixes grow up to the boundary between them and shrink behind it: one
/// for each bit of the distances.
fn prefixes_of(first: u128, end: Option<u128>) -> usize {
    let Some(end) = end else {
        return if first == 0 {
            1
        } else {
            first.wrapping_neg().count_ones() as usize
        };
    };
    let Some(highest) = (first ^ end).checked_ilog2() else {
        return 0;
    };
    let boundary = (end >> highest) << highest;
    (boundary.wrapping_sub(first).count_ones() + end.wrapping_sub(boundary).count_ones()) as usize
}

/// The fewest blocks that make up a closed range: the first value of each, and how many bits its values share.
pub fn blocks<T: Bound + TryFrom<u128>>(first: T, last: T) -> impl Iterator<Item = (T, u8)> {
    let width = T::MAX.to_u128().count_ones();
    Cidrs::new(first, last, width).map(|(first, length)| (first, u8::try_from(length).unwrap_or(u8::MAX)))
}

/// Splits a closed range into the fewest prefixes: at each step the largest aligned block that still fits.
struct Cidrs<T> {
    next: Option<T>,
    last: T,
    width: u32,
}

impl<T> Cidrs<T> {
    fn new(first: T, last: T, width: u32) -> Self {
        Cidrs {
            next: Some(first),
            last,
            width,
        }
    }
}

impl<T: Bound + TryFrom<u128>> Iterator for Cidrs<T> {
    type Item = (T, u32);

    fn next(&mut self) -> Option<(T, u32)> {
        let first = self.next?;
        let (from, to) = (first.to_u128(), self.last.to_u128());
        if from > to {
            return None;
        }
        let aligned = from.trailing_zeros().min(self.width);
        let room = (to - from).checked_add(1).map_or(self.width, |size| size.ilog2());
        let host_bits = aligned.min(room);
        let step = 1u128.checked_shl(host_bits);
        let following = step.and_then(|step| from.checked_add(step)).filter(|next| *next <= to);
        self.next = following.and_then(|next| T::try_from(next).ok());
        Some((first, self.width - host_bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> AddressSet {
        AddressSet::from_ranges(texts.iter().map(|text| parse_range(text).unwrap().0))
    }

    #[test]
    fn a_bare_address_is_one_host_and_never_nothing() {
        assert_eq!(set(&["203.0.113.5"]).count(), 1);
        assert_eq!(set(&["2001:db8::1"]).cidrs(9), ["2001:db8::1"]);
    }

    #[test]
    fn halves_make_the_whole() {
        assert_eq!(set(&["0.0.0.0/1", "128.0.0.0/1"]), set(&["0.0.0.0/0"]));
        assert_eq!(set(&["::/1", "8000::/1"]).cidrs(9), ["::/0"]);
    }

    #[test]
    fn host_bits_are_masked_and_told() {
        assert_eq!(
            parse_range("50.206.209.68/27"),
            Ok((parse_range("50.206.209.64/27").unwrap().0, true))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "10.0.0.0/40",
            "010.0.0.1",
            "any",
            "",
            "10.0.0.0/+8",
            "10.0.0.9-10.0.0.1",
            "1.2.3.4-::1",
            "::/129",
        ] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes_are_counted_as_they_are_listed() {
        let mut ends: Vec<u32> = (0..40).chain(u32::MAX - 40..=u32::MAX).collect();
        ends.extend((0..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1, 0x5a5a_0000 | 1 << bit]));
        for first in &ends {
            for last in ends.iter().filter(|last| first <= last) {
                let v4 = AddressSet::from(AddressRange::V4(*first, *last));
                assert_eq!(v4.cidr_count(), Cidrs::new(*first, *last, 32).count(), "{first}-{last}");
                // The same at the end of the longer address space.
                let high = u128::MAX << 32;
                let (first, last) = (high | u128::from(*first), high | u128::from(*last));
                let v6 = AddressSet::from(AddressRange::V6(first, last));
                assert_eq!(
                    v6.cidr_count(),
                    Cidrs::new(first, last, 128).count(),
                    "{first:x}-{last:x}"
                );
            }
        }
        assert_eq!(AddressSet::full().cidr_count(), 2);
    }

    #[test]
    fn numbers_print_as_the_library_prints_them() {
        for address in [0, 1, 0x0a0b_0c0d, 0x6364_6509, 0xc7c8_c9ff, u32::MAX] {
            assert_eq!(print_v4(address, 32), Ipv4Addr::from(address).to_string());
            assert_eq!(print_v4(address, 9), format!("{}/9", Ipv4Addr::from(address)));
        }
    }

    #[test]
    fn ranges_print_as_the_fewest_prefixes() {
        assert_eq!(
            set(&["10.0.0.1-10.0.0.6"]).cidrs(9),
            ["10.0.0.1", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6"]
        );
        assert_eq!(set(&["0.0.0.0-255.255.255.254"]).cidr_count(), 32);
        assert_eq!(set(&["0.0.0.0/0"]).cidrs(9), ["0.0.0.0/0"]);
        assert_eq!(set(&["255.255.255.255"]).cidrs(9), ["255.255.255.255"]);
    }
}
