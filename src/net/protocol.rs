//! IP protocols of security rules, as a small set.

/// A protocol that a rule can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Esp,
    Ah,
}

impl Protocol {
    pub const ALL: [Protocol; 5] = [
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Icmp,
        Protocol::Esp,
        Protocol::Ah,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Icmp => "icmp",
            Protocol::Esp => "esp",
            Protocol::Ah => "ah",
        }
    }
}

/// A set of protocols; `any` covers those without a name too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProtocolSet(u8);

impl ProtocolSet {
    pub const EMPTY: ProtocolSet = ProtocolSet(0);
    pub const ANY: ProtocolSet = ProtocolSet(u8::MAX);

    pub fn only(protocol: Protocol) -> Self {
        ProtocolSet(1 << protocol as u8)
    }

    pub fn with(self, protocol: Protocol) -> Self {
        ProtocolSet(self.0 | 1 << protocol as u8)
    }

    pub fn union(self, other: Self) -> Self {
        ProtocolSet(self.0 | other.0)
    }

    pub fn contains(self, protocol: Protocol) -> bool {
        self.0 & (1 << protocol as u8) != 0
    }

    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_superset(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// `tcp`, `tcp+udp`, or `*`.
    pub fn spelled(self) -> String {
        if self == Self::ANY {
            return "*".to_owned();
        }
        let names: Vec<&str> = Protocol::ALL
            .into_iter()
            .filter(|p| self.contains(*p))
            .map(Protocol::as_str)
            .collect();
        names.join("+")
    }

    /// Parses the spellings of all surfaces: any case; `*`, `Any` and `All` mean every protocol.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" || text.eq_ignore_ascii_case("any") || text.eq_ignore_ascii_case("all") {
            return Some(Self::ANY);
        }
        let named = Protocol::ALL
            .into_iter()
            .find(|protocol| text.eq_ignore_ascii_case(protocol.as_str()));
        named.map(Self::only)
    }
}
