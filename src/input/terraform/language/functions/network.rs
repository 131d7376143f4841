//! Functions of address prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Arguments, Function, MANY, Outcome, function};
use crate::input::terraform::language::evaluate::Fault;
use crate::input::terraform::language::value::Value;
use num_bigint::BigInt;

pub const FUNCTIONS: &[Function] = &[
    function("cidrhost", 2, 2, host),
    function("cidrnetmask", 1, 1, netmask),
    function("cidrsubnet", 3, 3, subnet),
    function("cidrsubnets", 1, MANY, subnets),
];

struct Prefix {
    /// The first address, in the low bits.
    base: u128,
    length: u32,
    /// 32 or 128.
    bits: u32,
}

fn parse(text: &str) -> Option<Prefix> {
    let (address, length) = text.split_once('/')?;
    let (base, bits) = match four(address) {
        Some(base) => (u128::from(base), 32),
        None => (u128::from(address.parse::<Ipv6Addr>().ok()?), 128),
    };
    let length: u32 = length.parse().ok().filter(|length| *length <= bits)?;
    let host = bits - length;
    let base = if host >= 128 { 0 } else { (base >> host) << host };
    Some(Prefix { base, length, bits })
}

/// Numbers with leading zeros are decimal, as they always were for Terraform.
fn four(text: &str) -> Option<u32> {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| {
        let digits = !part.is_empty() && part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|number| digits && *number < 256)
    };
    let numbers: Vec<u32> = parts.iter().map(number).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [a, b, c, d] => Some((a << 24) | (b << 16) | (c << 8) | d),
        _ => None,
    }
}

fn shown(address: u128, bits: u32) -> String {
    match u32::try_from(address) {
        Ok(address) if bits == 32 => IpAddr::V4(Ipv4Addr::from(address)).to_string(),
        _ => IpAddr::V6(Ipv6Addr::from(address)).to_string(),
    }
}

fn prefix(arguments: &Arguments<'_, '_>) -> Result<Prefix, Fault> {
    let text = arguments.text(0)?;
    parse(&text).ok_or_else(|| arguments.wrong(0, "a prefix such as `10.0.0.0/16` is required"))
}

fn integer(arguments: &Arguments<'_, '_>, at: usize) -> Result<BigInt, Fault> {
    let number = arguments.number(at)?;
    number
        .to_integer()
        .ok_or_else(|| arguments.wrong(at, "a whole number is required"))
}

/// How many addresses or networks so many bits tell apart.
fn count(bits: u32) -> BigInt {
    BigInt::from(1) << bits
}

fn host(arguments: &Arguments<'_, '_>) -> Outcome {
    let prefix = prefix(arguments)?;
    let wanted = integer(arguments, 1)?;
    let all = count(prefix.bits - prefix.length);
    let at = if wanted < BigInt::from(0) {
        &all + &wanted
    } else {
        wanted
    };
    let offset = u128::try_from(&at).ok().filter(|_| at < all);
    let offset = offset.ok_or_else(|| arguments.refuse("the prefix has not so many hosts"))?;
    Ok(Value::from(shown(prefix.base + offset, prefix.bits)))
}

fn netmask(arguments: &Arguments<'_, '_>) -> Outcome {
    let prefix = prefix(arguments)?;
    if prefix.bits != 32 {
        return Err(arguments.refuse("IPv6 prefixes have no netmask"));
    }
    let mask = u32::MAX.checked_shl(32 - prefix.length).unwrap_or(0);
    Ok(Value::from(shown(u128::from(mask), 32)))
}

fn subnet(arguments: &Arguments<'_, '_>) -> Outcome {
    let prefix = prefix(arguments)?;
    let added = u32::try_from(arguments.whole(1)?).ok();
    let length = added.and_then(|added| prefix.length.checked_add(added));
    let Some((added, length)) = added.zip(length.filter(|length| *length <= prefix.bits)) else {
        return Err(arguments.wrong(1, "the prefix has not so many bits left"));
    };
    let wanted = integer(arguments, 2)?;
    let all = count(added);
    let number = u128::try_from(&wanted).ok().filter(|_| wanted < all);
    let number = number.ok_or_else(|| arguments.wrong(2, "there are not so many networks"))?;
    let shift = prefix.bits - length;
    let base = prefix.base + number.checked_shl(shift).unwrap_or(0);
    Ok(Value::from(format!("{}/{length}", shown(base, prefix.bits))))
}

/// One behind the other, each on a boundary of its own size.
fn subnets(arguments: &Arguments<'_, '_>) -> Outcome {
    let prefix = prefix(arguments)?;
    let mut next = BigInt::from(prefix.base);
    let end = BigInt::from(prefix.base) + count(prefix.bits - prefix.length);
    let mut out = Vec::new();
    for at in 1..arguments.values.len() {
        let added = u32::try_from(arguments.whole(at)?).ok().filter(|added| *added >= 1);
        let length = added.and_then(|added| prefix.length.checked_add(added));
        let Some(length) = length.filter(|length| *length <= prefix.bits) else {
            return Err(arguments.wrong(at, "the prefix has not so many bits left"));
        };
        let size = count(prefix.bits - length);
        let rest = &next % &size;
        if rest != BigInt::from(0) {
            next += &size - rest;
        }
        let Some(base) = u128::try_from(&next).ok().filter(|_| next < end) else {
            return Err(arguments.wrong(at, "there is not enough room left in the prefix"));
        };
        out.push(Value::from(format!("{}/{length}", shown(base, prefix.bits))));
        next += size;
    }
    Ok(Value::list(out))
}
