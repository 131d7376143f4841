//! The documented facts of each kind of subject: what conditions may speak of, with types.
//! The table is the contract between rule files and `facts`; a test holds the two together.

use crate::rule::SubjectKind;
use crate::rule::fact::FactType::{Bool, Double, Int, List, Map, Record, Text};
use crate::rule::fact::{FactType, Field};

/// The root facts of a subject.
pub fn roots(kind: SubjectKind) -> &'static [Field] {
    match kind {
        SubjectKind::Vm => VM_ROOTS,
        SubjectKind::SecurityRule => SECURITY_RULE_ROOTS,
        SubjectKind::JitEntry => JIT_ENTRY_ROOTS,
        SubjectKind::Waiver => &[],
    }
}

const fn field(name: &'static str, ty: FactType, about: &'static str) -> Field {
    Field { name, ty, about }
}

const TEXTS: FactType = List(&Text);
const INTS: FactType = List(&Int);

const VM_ROOTS: &[Field] = &[
    field("vm", Record(VM), "the machine"),
    field("jit", Record(JIT), "just-in-time access of the machine"),
    field(
        "nsg",
        Record(NSG),
        "the network security groups that filter the machine",
    ),
    field(
        "firewall",
        Record(FIREWALL),
        "the Azure Firewalls in front of the machine",
    ),
    field(
        "defender",
        Record(DEFENDER),
        "Microsoft Defender for Cloud on the machine",
    ),
    field(
        "exposures",
        List(&Record(EXPOSURE)),
        "one entry for each way in, address and analysed port",
    ),
];

const VM: &[Field] = &[
    field("id", Text, "ARM id"),
    field("name", Text, "short name"),
    field("subscription", Text, "subscription id"),
    field("resource_group", Text, "name of the resource group"),
    field("region", Text, "region in its short form, such as westeurope"),
    field("os", Text, "linux, windows, or unknown to the input"),
    field(
        "power",
        Text,
        "running, deallocated, stopped ...; unknown to the input unless recorded",
    ),
    field("classic", Bool, "true for a machine of the classic deployment model"),
    field("scale_set", Bool, "true for a member of a scale set"),
    field("has_nic", Bool, "true when at least one network interface is attached"),
    field(
        "public_ips",
        TEXTS,
        "public addresses of its own (name of the resource where the address is not assigned)",
    ),
    field("tags", Map(&Text), "tags"),
];

const JIT: &[Field] = &[
    field("enabled", Bool, "true when any policy has an entry for the machine"),
    field(
        "ports",
        INTS,
        "ports that the machine's entries protect, over all policies",
    ),
    field(
        "entries",
        List(&Record(ENTRY)),
        "the machine's entries, one for each policy",
    ),
    field(
        "shadowed",
        List(&Record(SHADOWED)),
        "customer Allow rules that keep a protected port open although JIT is on and no request is active",
    ),
    field("supported", Bool, "true when JIT can be enabled here"),
    field(
        "unsupported_reasons",
        TEXTS,
        "why JIT cannot be enabled here, one sentence each",
    ),
];

const SHADOWED: &[Field] = &[
    field("port", Int, "the protected port that stays open"),
    field("nsg", Text, "name of the group"),
    field("rule", Text, "name of the Allow rule that decides"),
    field("priority", Int, "its priority"),
];

const ENTRY: &[Field] = &[
    field("policy", Text, "name of the policy"),
    field("policy_id", Text, "ARM id of the policy"),
    field("region", Text, "location of the policy"),
    field("vm", Text, "name of the machine"),
    field("vm_id", Text, "ARM id of the machine as the policy spells it"),
    field("vm_exists", Bool, "true when the machine is in the input"),
    field(
        "gone",
        TEXTS,
        "what the entry names that no longer exists, one sentence each",
    ),
    field("ports", List(&Record(JIT_PORT)), "protected ports"),
    field("active_requests", Int, "openings that have not ended"),
];

const JIT_PORT: &[Field] = &[
    field("number", Int, "port"),
    field("protocol", Text, "tcp, udp or *"),
    field("any_source", Bool, "true when any address may be requested"),
    field("sources", TEXTS, "prefixes that may be requested"),
    field("max_minutes", Int, "longest opening that may be requested, in minutes"),
];

const NSG: &[Field] = &[
    field(
        "assigned",
        Bool,
        "true when a group filters the subnet or the interface of at least one address",
    ),
    field(
        "unfiltered",
        Bool,
        "true when at least one address of the machine has no group on subnet or interface",
    ),
    field("names", TEXTS, "names of the groups"),
    field(
        "layers",
        List(&Record(LAYER)),
        "each group that filters an address of the machine, outermost first",
    ),
];

const LAYER: &[Field] = &[
    field("layer", Text, "subnet or nic"),
    field("nsg", Text, "name of the group"),
    field("nsg_id", Text, "ARM id of the group"),
    field(
        "allows",
        List(&Record(ALLOW)),
        "inbound TCP Allow rules that mention an analysed port, one entry for each rule and port",
    ),
];

const ALLOW: &[Field] = &[
    field("port", Int, "the analysed port"),
    field("rule", Text, "name of the rule"),
    field("priority", Int, "its priority"),
    field(
        "default_rule",
        Bool,
        "true for Azure's default rules, such as AllowVnetInBound",
    ),
    field(
        "jit_rule",
        Bool,
        "true for a rule that JIT wrote for an approved request",
    ),
    field(
        "any_source",
        Bool,
        "true when the sources cover every IPv4 or every IPv6 address",
    ),
    field(
        "internet",
        Bool,
        "true when the sources contain public addresses or a public service tag",
    ),
    field(
        "for_machine",
        Bool,
        "true when the destination covers an address of this machine",
    ),
    field(
        "effective",
        Bool,
        "true when, after priorities and all layers, this rule lets at least one source through to this machine",
    ),
];

const FIREWALL: &[Field] = &[
    field("protects", Bool, "true when by_route or by_network holds"),
    field(
        "by_route",
        Bool,
        "true when the default route of the machine's subnet leads to an Azure Firewall",
    ),
    field(
        "by_network",
        Bool,
        "true when an Azure Firewall stands in the machine's own virtual network",
    ),
    field(
        "on_route",
        TEXTS,
        "names of the firewalls that the default routes lead to",
    ),
    field(
        "in_network",
        TEXTS,
        "names of the firewalls in the machine's own virtual network",
    ),
    field(
        "policy_managed",
        Bool,
        "true when such a firewall is run by a firewall policy or stands in a virtual hub (JIT cannot manage it)",
    ),
    field("names", TEXTS, "names of those firewalls"),
    field(
        "allows",
        List(&Record(FIREWALL_ALLOW)),
        "NAT and network Allow rules that reach an analysed port of this machine",
    ),
];

const FIREWALL_ALLOW: &[Field] = &[
    field("port", Int, "the analysed port (after translation)"),
    field("firewall", Text, "name of the firewall"),
    field("collection", Text, "name of the rule collection"),
    field("rule", Text, "name of the rule"),
    field("kind", Text, "nat or network"),
];

const DEFENDER: &[Field] = &[
    field(
        "plan",
        Text,
        "free, P1 or P2: Defender for Servers as it applies to this machine",
    ),
    field("jit_included", Bool, "true when that plan carries JIT (P2)"),
    field(
        "assessment",
        Text,
        "Defender's own verdict, where recorded: Healthy, Unhealthy or NotApplicable",
    ),
    field("assessment_cause", Text, "the cause code of that verdict"),
];

const EXPOSURE: &[Field] = &[
    field("port", Int, "port on the machine"),
    field(
        "front_port",
        Int,
        "port outside, where something translates it; else the same as port",
    ),
    field(
        "outside",
        Text,
        "where a client outside knocks: at 203.0.113.7, or behind 203.0.113.7:50022 of `lb-web`; empty on private ways",
    ),
    field("way", Text, "public_ip, load_balancer, firewall_dnat or private"),
    field(
        "class",
        Text,
        "closed, private, undetermined, no_return_path, azure_tenants, narrow or wide",
    ),
    field("public", Bool, "true when public addresses surely get through"),
    field("any", Bool, "true when every public address of the family gets through"),
    field("addresses", Double, "how many addresses surely get through"),
    field("target", Text, "interface and ip configuration"),
    field(
        "jit_opening",
        Bool,
        "true when surely only rules of just-in-time access let it through, for a request that has not ended",
    ),
    field("sentence", Text, "the exposure in one sentence"),
];

const SECURITY_RULE_ROOTS: &[Field] = &[field(
    "rule",
    Record(SECURITY_RULE),
    "one stated rule of a network security group",
)];

const SECURITY_RULE: &[Field] = &[
    field("id", Text, "ARM id"),
    field("name", Text, "name"),
    field("nsg", Text, "name of its group"),
    field("priority", Int, "100 to 4096"),
    field("direction", Text, "inbound or outbound"),
    field("access", Text, "allow or deny"),
    field("protocol", Text, "tcp, udp, icmp, esp, ah or *"),
    field(
        "attached",
        Bool,
        "true when the group is attached to a subnet or an interface",
    ),
    field(
        "before_machine",
        Bool,
        "true when a machine of the input stands behind its group, and is judged itself",
    ),
    field(
        "partial",
        Bool,
        "true when only some rules of its group are in the input, so that another may come first",
    ),
    field(
        "machines_elsewhere",
        Bool,
        "true when the input is a part, such as a template: machines that it does not state may stand behind the group",
    ),
    field(
        "openings",
        List(&Record(OPENING)),
        "what it opens to public addresses after the rules before it, one entry for each analysed port, when no machine of \
         the input stands behind its group",
    ),
    field("any_port", Bool, "true when the destination ports are all ports"),
    field("ports", TEXTS, "destination ports as ranges"),
    field("analysed_ports", INTS, "the analysed ports among them"),
    field(
        "any_source",
        Bool,
        "true when the sources cover every IPv4 or every IPv6 address",
    ),
    field(
        "internet",
        Bool,
        "true when the sources contain public addresses or a public service tag",
    ),
    field("sources", TEXTS, "sources as stated"),
    field(
        "shadowed",
        Bool,
        "true when rules before it decide every packet it matches",
    ),
    field("shadowed_by", TEXTS, "names of the rules that decide in its place"),
    field(
        "redundant",
        Bool,
        "true when it decides something, and rules behind it would decide the same without it",
    ),
    field(
        "redundant_by",
        TEXTS,
        "names of the rules that would decide the same without it",
    ),
    field("jit_rule", Bool, "true when JIT wrote it (by its name)"),
    field(
        "jit_request_active",
        Bool,
        "true when a request that explains this JIT rule has not ended",
    ),
];

const OPENING: &[Field] = &[
    field("port", Int, "the analysed port"),
    field("class", Text, "azure_tenants, narrow or wide"),
];

const JIT_ENTRY_ROOTS: &[Field] = &[field("entry", Record(ENTRY), "the entry of one machine in one policy")];
