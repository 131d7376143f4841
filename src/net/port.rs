//! Port sets, parsed from the spellings of security rules.

use super::interval::IntervalSet;

pub type PortSet = IntervalSet<u16>;

/// SSH, RDP, WinRM over HTTP and over HTTPS.
pub const MANAGEMENT_PORTS: [u16; 4] = [22, 3389, 5985, 5986];

/// Why a text is not a port or port range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a port, a range of ports within 0 to 65535, or `*`")]
pub struct PortError(pub String);

/// Parses `22`, `20-25`, `*`, or a list of them separated by commas or blanks.
///
/// The second value is true for a list: the portal takes one, Azure Resource Manager refuses it.
pub fn parse_ports(text: &str) -> Result<(PortSet, bool), PortError> {
    let parts: Vec<&str> = text.split([',', ' ', '\t']).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(PortError(text.to_owned()));
    }
    let ranges = parts
        .iter()
        .map(|part| parse_range(part))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((PortSet::from_ranges(ranges), parts.len() > 1))
}

fn parse_range(text: &str) -> Result<(u16, u16), PortError> {
    if text == "*" || text.eq_ignore_ascii_case("any") {
        return Ok((u16::MIN, u16::MAX));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (parse_one(first), parse_one(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(PortError(text.to_owned())),
    }
}

fn parse_one(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Prints ranges as rules spell them: `22`, `20-25`, `*`.
pub(super) fn print(set: &PortSet) -> Vec<String> {
    if set.is_full() {
        return vec!["*".to_owned()];
    }
    let print = |(first, last): &(u16, u16)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    set.ranges().iter().map(print).collect()
}

impl IntervalSet<u16> {
    /// The ranges as rules spell them: `22`, `20-25`, `*`.
    pub fn spelled(&self) -> Vec<String> {
        print(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_mean_the_same() {
        for text in ["22", " 22", "22-22", "22 ,22"] {
            assert_eq!(parse_ports(text).unwrap().0, PortSet::range(22, 22), "{text}");
        }
        assert!(parse_ports("0-65535").unwrap().0.is_full());
        assert_eq!(
            parse_ports("22,3389").unwrap(),
            (PortSet::from_ranges([(22, 22), (3389, 3389)]), true)
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["70000", "", "25-20", "ssh", "-", "22-", "+22", "22-70000"] {
            assert!(parse_ports(text).is_err(), "{text}");
        }
    }
}
