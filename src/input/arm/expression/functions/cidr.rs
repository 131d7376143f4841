//! Address arithmetic on prefixes, IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::super::evaluate::{Fault, Outcome};
use super::super::value::Value;
use super::Arguments;

/// A prefix; the address without its host bits.
struct Prefix {
    network: u128,
    length: u32,
    /// 32 or 128.
    bits: u32,
}

impl Prefix {
    fn read(text: &str) -> Result<Prefix, Fault> {
        let wrong = || Fault::new(format!("`{text}` is no address prefix"));
        let (address, length) = text.trim().split_once('/').ok_or_else(wrong)?;
        let (value, bits) = match address.parse::<IpAddr>().map_err(|_| wrong())? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let length = length
            .parse::<u32>()
            .ok()
            .filter(|length| *length <= bits)
            .ok_or_else(wrong)?;
        let mut prefix = Prefix {
            network: value,
            length,
            bits,
        };
        prefix.network &= !prefix.hosts();
        Ok(prefix)
    }

    /// The bits of hosts, all set.
    fn hosts(&self) -> u128 {
        ones(self.bits - self.length)
    }

    fn show(&self, value: u128) -> String {
        if self.bits == 32 {
            Ipv4Addr::from(u32::try_from(value & u128::from(u32::MAX)).unwrap_or(u32::MAX)).to_string()
        } else {
            Ipv6Addr::from(value).to_string()
        }
    }

    fn last(&self) -> u128 {
        self.network | self.hosts()
    }

    /// IPv4 keeps its first and last address for itself where there is room.
    fn reserves(&self) -> bool {
        self.bits == 32 && self.length < 31
    }
}

fn ones(count: u32) -> u128 {
    if count >= 128 { u128::MAX } else { (1u128 << count) - 1 }
}

pub(super) fn parse(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments.text(0)?)?;
    let reserved = u128::from(prefix.reserves());
    let mask = ones(prefix.bits) & !prefix.hosts();
    let mut members: Vec<(Arc<str>, Value)> = vec![
        (Arc::from("network"), prefix.show(prefix.network).into()),
        (Arc::from("netmask"), prefix.show(mask).into()),
    ];
    if prefix.bits == 32 {
        members.push((Arc::from("broadcast"), prefix.show(prefix.last()).into()));
    }
    members.extend([
        (Arc::from("firstUsable"), prefix.show(prefix.network + reserved).into()),
        (Arc::from("lastUsable"), prefix.show(prefix.last() - reserved).into()),
        (Arc::from("cidr"), i64::from(prefix.length).into()),
    ]);
    Ok(Value::object(members))
}

pub(super) fn subnet(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments.text(0)?)?;
    let length = u32::try_from(arguments.int(1)?).ok();
    let length = length.filter(|length| (prefix.length..=prefix.bits).contains(length));
    let length = length.ok_or_else(|| Fault::new("`cidrSubnet` takes a prefix length within the network"))?;
    let index = u128::try_from(arguments.int(2)?).ok();
    let index = index.filter(|index| *index <= ones(length - prefix.length));
    let index = index.ok_or_else(|| Fault::new("`cidrSubnet` has no subnet of this index"))?;
    let offset = index.checked_shl(prefix.bits - length).unwrap_or(0);
    Ok(format!("{}/{length}", prefix.show(prefix.network | offset)).into())
}

/// The first usable host has index 0.
pub(super) fn host(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments.text(0)?)?;
    let index = u128::try_from(arguments.int(1)?).ok();
    // IPv6 skips the address of the network as well.
    let first = u128::from(prefix.length < prefix.bits && (prefix.bits == 128 || prefix.reserves()));
    let most = prefix.hosts() - u128::from(prefix.reserves());
    let offset = index
        .and_then(|index| index.checked_add(first))
        .filter(|offset| *offset <= most);
    let offset = offset.ok_or_else(|| Fault::new("`cidrHost` has no host of this index"))?;
    Ok(prefix.show(prefix.network + offset).into())
}
