//! Words of Azure that are no names: they stay, since findings depend on them.

/// Members whose texts are kept as they are, in lower case.
const MEMBERS: &[&str] = &[
    "format",
    "recorded",
    "tool",
    "type",
    "location",
    "region",
    "kind",
    "instanceid",
    "ostype",
    "operatingsystem",
    "vmsize",
    "protocol",
    "protocols",
    "ipprotocols",
    "access",
    "direction",
    "sourceportrange",
    "sourceportranges",
    "destinationportrange",
    "destinationportranges",
    "destinationports",
    "translatedport",
    "maxrequestaccessduration",
    "starttimeutc",
    "endtimeutc",
    "status",
    "statusreason",
    "provisioningstate",
    "peeringstate",
    "peeringsynclevel",
    "privateipallocationmethod",
    "publicipallocationmethod",
    "publicipaddressversion",
    "privateipaddressversion",
    "nexthoptype",
    "orchestrationmode",
    "pricingtier",
    "subplan",
    "resourcescoveragestatus",
    "deploymentstatus",
    "deploymenttype",
    "addressprefixtype",
    "networkidentifier",
    "code",
    "cause",
    "level",
    "displaystatus",
    "state",
    "tier",
    "rulecollectiontype",
    "ruletype",
    "threatintelmode",
    "membertype",
    "committime",
    "zones",
    "servicename",
];

/// Members that hold addresses or words for them.
const ADDRESSES: &[&str] = &[
    "sourceaddressprefix",
    "sourceaddressprefixes",
    "destinationaddressprefix",
    "destinationaddressprefixes",
    "allowedsourceaddressprefix",
    "allowedsourceaddressprefixes",
    "addressprefix",
    "addressprefixes",
    "sourceaddresses",
    "destinationaddresses",
];

/// Names that mean something to Azure.
const NAMES: &[&str] = &[
    "AzureFirewallSubnet",
    "AzureFirewallManagementSubnet",
    "AzureBastionSubnet",
    "GatewaySubnet",
    "RouteServerSubnet",
    "VirtualMachines",
    "default",
    "AllowVnetInBound",
    "AllowAzureLoadBalancerInBound",
    "DenyAllInBound",
    "AllowVnetOutBound",
    "AllowInternetOutBound",
    "DenyAllOutBound",
    "(not recorded)",
    "databricks",
    "kubernetes",
];

/// Beginnings of the names of rules that just-in-time access writes.
const STARTS: &[&str] = &["SecurityCenter-JITRule", "MicrosoftDefenderForCloud-JITRule"];

pub(super) fn is_kept_member(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    MEMBERS.contains(&name.as_str())
}

/// A service tag or `*`, where addresses stand; a word of a stock-keeping unit; a number.
pub(super) fn is_word(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_sku = name == "name" && matches!(text, "Basic" | "Standard" | "Gateway" | "AZFW_VNet" | "AZFW_Hub");
    let letters = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'*' | b'-' | b'_'));
    is_sku || (ADDRESSES.contains(&name.as_str()) && letters) || text.parse::<f64>().is_ok()
}

pub(super) fn is_known_name(text: &str) -> bool {
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(text))
}

/// What is kept of the name of a rule that just-in-time access wrote: `<start>_<number>_<32 digits>`.
pub(super) struct JitRule<'t> {
    pub start: &'static str,
    pub separator: char,
    pub sign: &'t str,
}

pub(super) fn jit_rule(text: &str) -> Option<JitRule<'_>> {
    let (start, rest) = STARTS
        .iter()
        .find_map(|start| Some((*start, text.strip_prefix(start)?)))?;
    let separator = rest.chars().next().filter(|first| matches!(first, '-' | '_'))?;
    let (number, digits) = rest.get(1..)?.rsplit_once(separator)?;
    let sign = if number.starts_with('-') { "-" } else { "" };
    let is_number = !number.trim_start_matches('-').is_empty()
        && number.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number && is_hex).then_some(JitRule { start, separator, sign })
}

/// Tags by which managed machines are known.
pub(super) fn is_telling_tag(name: &str) -> bool {
    name.eq_ignore_ascii_case("vendor") || name.eq_ignore_ascii_case("orchestrator")
}
