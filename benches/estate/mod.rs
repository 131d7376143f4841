//! Generated estates with the proportions of real ones: bodies as the service returns them, groups shared by the
//! machines of a subnet, a tenth of the machines with a public address, half of them under just-in-time access.

use std::io::{self, Write};

/// Machines that share a subnet and its group.
const PER_SUBNET: usize = 50;
const PER_NETWORK: usize = 500;
const PER_SUBSCRIPTION: usize = 5_000;
/// Machines of one resource group, and so of one just-in-time policy.
const PER_GROUP: usize = 100;

/// Rules of each group, unless said otherwise.
const RULES: usize = 12;

/// Writes a snapshot of `machines` machines. The same number always gives the same bytes.
pub fn write(machines: usize, out: &mut dyn Write) -> io::Result<u64> {
    write_with(machines, RULES, out)
}

/// The same with groups of so many stated rules (at least five).
pub fn write_with(machines: usize, rules: usize, out: &mut dyn Write) -> io::Result<u64> {
    let mut writer = Writer {
        out,
        resources: 0,
        rules,
    };
    let subscriptions: Vec<String> = (0..machines.div_ceil(PER_SUBSCRIPTION))
        .map(|index| {
            format!(
                r#"{{"id":"{}","name":"landing-zone-{index:03}","complete":true}}"#,
                subscription(index)
            )
        })
        .collect();
    writeln!(
        writer.out,
        r#"{{"format":"portcullis-snapshot","version":1,"recorded":"2026-11-20T02:00:00Z","tool":"bench","scope":[{{"tenant":"contoso"}}],"subscriptions":[{}]}}"#,
        subscriptions.join(",")
    )?;
    for index in 0..machines.div_ceil(PER_SUBSCRIPTION) {
        let subscription = subscription(index);
        writer.line(&format!(
            r#"{{"id":"/subscriptions/{subscription}/providers/Microsoft.Security/pricings/VirtualMachines","name":"VirtualMachines","type":"Microsoft.Security/pricings","properties":{{"pricingTier":"Standard","subPlan":"P2","freeTrialRemainingTime":"PT0S","enablementTime":"2024-03-01T12:42:42.1921106Z"}}}}"#
        ))?;
    }
    for first in (0..machines).step_by(PER_NETWORK) {
        writer.network(first, machines)?;
    }
    for first in (0..machines).step_by(PER_GROUP) {
        writer.policy(first, machines)?;
    }
    for machine in 0..machines {
        writer.machine(machine)?;
    }
    let resources = writer.resources;
    writeln!(
        writer.out,
        r#"{{"format":"portcullis-snapshot-end","resources":{resources}}}"#
    )?;
    Ok(resources)
}

fn subscription(index: usize) -> String {
    format!("{index:08x}-5c1e-4f0a-9d3b-7e2a51c0ffee")
}

fn group(machine: usize) -> String {
    let subscription = subscription(machine / PER_SUBSCRIPTION);
    format!(
        "/subscriptions/{subscription}/resourceGroups/rg-workload-{:05}",
        machine / PER_GROUP
    )
}

fn network(machine: usize) -> String {
    let first = machine / PER_NETWORK * PER_NETWORK;
    format!(
        "{}/providers/Microsoft.Network/virtualNetworks/vnet-spoke-{:04}",
        group(first),
        machine / PER_NETWORK
    )
}

fn nsg(subnet: usize) -> String {
    let first = subnet * PER_SUBNET;
    format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-snet-{subnet:05}",
        group(first)
    )
}

fn address(machine: usize) -> String {
    let (network, host) = (machine / PER_NETWORK, machine % PER_NETWORK);
    format!("10.{}.{}.{}", network % 250, host / PER_SUBNET, 4 + host % PER_SUBNET)
}

struct Writer<'w> {
    out: &'w mut dyn Write,
    resources: u64,
    /// Stated rules of each group.
    rules: usize,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.resources += 1;
        writeln!(self.out, "{text}")
    }

    fn network(&mut self, first: usize, machines: usize) -> io::Result<()> {
        let id = network(first);
        let last = (first + PER_NETWORK).min(machines);
        let mut subnets = Vec::new();
        for (index, at) in (first..last).step_by(PER_SUBNET).enumerate() {
            let subnet = at / PER_SUBNET;
            self.nsg(subnet)?;
            subnets.push(format!(
                r#"{{"name":"snet-{index:02}","id":"{id}/subnets/snet-{index:02}","etag":"W/\"5c1e\"","type":"Microsoft.Network/virtualNetworks/subnets","properties":{{"provisioningState":"Succeeded","addressPrefix":"10.{}.{index}.0/24","networkSecurityGroup":{{"id":"{}"}},"serviceEndpoints":[{{"service":"Microsoft.Storage","locations":["*"],"provisioningState":"Succeeded"}}],"delegations":[],"privateEndpointNetworkPolicies":"Disabled","privateLinkServiceNetworkPolicies":"Enabled"}}}}"#,
                first / PER_NETWORK % 250,
                nsg(subnet)
            ));
        }
        let number = first / PER_NETWORK;
        self.line(&format!(
            r#"{{"id":"{id}","name":"vnet-spoke-{number:04}","etag":"W/\"5c1e\"","type":"Microsoft.Network/virtualNetworks","location":"westeurope","tags":{{"owner":"network@contoso.example"}},"properties":{{"provisioningState":"Succeeded","resourceGuid":"{}","addressSpace":{{"addressPrefixes":["10.{}.0.0/16"]}},"subnets":[{}],"virtualNetworkPeerings":[{{"id":"{id}/virtualNetworkPeerings/to-hub","name":"to-hub","type":"Microsoft.Network/virtualNetworks/virtualNetworkPeerings","properties":{{"provisioningState":"Succeeded","peeringState":"Connected","remoteVirtualNetwork":{{"id":"/subscriptions/{}/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub"}},"allowVirtualNetworkAccess":true,"allowForwardedTraffic":true,"allowGatewayTransit":false,"useRemoteGateways":false,"remoteAddressSpace":{{"addressPrefixes":["10.254.0.0/16"]}},"remoteVirtualNetworkAddressSpace":{{"addressPrefixes":["10.254.0.0/16"]}}}}}}],"enableDdosProtection":false}}}}"#,
            subscription(number),
            number % 250,
            subnets.join(","),
            subscription(0),
        ))
    }

    fn nsg(&mut self, subnet: usize) -> io::Result<()> {
        let id = nsg(subnet);
        let open = match subnet % 20 {
            0 => "Internet",
            1 => "203.0.113.0/24",
            2 => "AzureCloud",
            _ => "10.254.0.0/24",
        };
        let mut rules = vec![
            rule(
                &id,
                "allow-bastion",
                200,
                "Allow",
                "10.254.1.0/26",
                r#""destinationPortRanges":["22","3389"],"#,
            ),
            rule(
                &id,
                "allow-admin",
                300,
                "Allow",
                open,
                r#""destinationPortRange":"22","#,
            ),
            rule(
                &id,
                "allow-https",
                310,
                "Allow",
                "Internet",
                r#""destinationPortRange":"443","#,
            ),
            rule(
                &id,
                "allow-monitoring",
                320,
                "Allow",
                "10.254.2.0/24",
                r#""destinationPortRanges":["9100-9110","161"],"#,
            ),
            rule(
                &id,
                "deny-vnet",
                4000,
                "Deny",
                "VirtualNetwork",
                r#""destinationPortRange":"*","#,
            ),
        ];
        for number in (0..).take(self.rules.saturating_sub(rules.len())) {
            let ports = format!(r#""destinationPortRange":"{}","#, 8000 + number);
            rules.push(rule(
                &id,
                &format!("allow-app-{number}"),
                400 + number,
                "Allow",
                "10.0.0.0/8",
                &ports,
            ));
        }
        let defaults = [
            (
                "AllowVnetInBound",
                65000,
                "Allow",
                "Inbound",
                "VirtualNetwork",
                "VirtualNetwork",
            ),
            (
                "AllowAzureLoadBalancerInBound",
                65001,
                "Allow",
                "Inbound",
                "AzureLoadBalancer",
                "*",
            ),
            ("DenyAllInBound", 65500, "Deny", "Inbound", "*", "*"),
            (
                "AllowVnetOutBound",
                65000,
                "Allow",
                "Outbound",
                "VirtualNetwork",
                "VirtualNetwork",
            ),
            ("AllowInternetOutBound", 65001, "Allow", "Outbound", "*", "Internet"),
            ("DenyAllOutBound", 65500, "Deny", "Outbound", "*", "*"),
        ];
        let defaults: Vec<String> = defaults
            .iter()
            .map(|(name, priority, access, direction, source, target)| {
                format!(
                    r#"{{"name":"{name}","id":"{id}/defaultSecurityRules/{name}","etag":"W/\"5c1e\"","type":"Microsoft.Network/networkSecurityGroups/defaultSecurityRules","properties":{{"provisioningState":"Succeeded","description":"","protocol":"*","sourcePortRange":"*","destinationPortRange":"*","sourceAddressPrefix":"{source}","destinationAddressPrefix":"{target}","access":"{access}","priority":{priority},"direction":"{direction}","sourcePortRanges":[],"destinationPortRanges":[],"sourceAddressPrefixes":[],"destinationAddressPrefixes":[]}}}}"#
                )
            })
            .collect();
        self.line(&format!(
            r#"{{"id":"{id}","name":"nsg-snet-{subnet:05}","etag":"W/\"5c1e\"","type":"Microsoft.Network/networkSecurityGroups","location":"westeurope","properties":{{"provisioningState":"Succeeded","resourceGuid":"{}","securityRules":[{}],"defaultSecurityRules":[{}]}}}}"#,
            subscription(subnet),
            rules.join(","),
            defaults.join(",")
        ))
    }

    fn policy(&mut self, first: usize, machines: usize) -> io::Result<()> {
        let group = group(first);
        let ports: Vec<String> = [22, 3389, 5985, 5986]
            .iter()
            .map(|port| format!(r#"{{"number":{port},"protocol":"*","allowedSourceAddressPrefix":"*","maxRequestAccessDuration":"PT3H"}}"#))
            .collect();
        let last = (first + PER_GROUP).min(machines);
        let entries: Vec<String> = (first..last)
            .filter(|machine| machine.is_multiple_of(2))
            .map(|machine| {
                format!(
                    r#"{{"id":"{group}/providers/Microsoft.Compute/virtualMachines/vm-{machine:07}","ports":[{}]}}"#,
                    ports.join(",")
                )
            })
            .collect();
        self.line(&format!(
            r#"{{"kind":"Basic","id":"{group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default","name":"default","type":"Microsoft.Security/locations/jitNetworkAccessPolicies","location":"westeurope","properties":{{"virtualMachines":[{}],"requests":[],"provisioningState":"Succeeded"}}}}"#,
            entries.join(",")
        ))
    }

    fn machine(&mut self, machine: usize) -> io::Result<()> {
        let group = group(machine);
        let vm = format!("{group}/providers/Microsoft.Compute/virtualMachines/vm-{machine:07}");
        let nic = format!("{group}/providers/Microsoft.Network/networkInterfaces/vm-{machine:07}-nic");
        let ip = format!("{group}/providers/Microsoft.Network/publicIPAddresses/vm-{machine:07}-pip");
        let system = if machine.is_multiple_of(3) { "Windows" } else { "Linux" };
        self.line(&format!(
            r#"{{"name":"vm-{machine:07}","id":"{vm}","type":"Microsoft.Compute/virtualMachines","location":"westeurope","tags":{{"owner":"team-{:03}@contoso.example","environment":"production","costCenter":"CC-{:04}"}},"zones":["1"],"properties":{{"vmId":"{}","hardwareProfile":{{"vmSize":"Standard_D4s_v5"}},"provisioningState":"Succeeded","storageProfile":{{"imageReference":{{"publisher":"Canonical","offer":"ubuntu-24_04-lts","sku":"server","version":"latest","exactVersion":"24.04.202610010"}},"osDisk":{{"osType":"{system}","name":"vm-{machine:07}_OsDisk_1","createOption":"FromImage","caching":"ReadWrite","managedDisk":{{"storageAccountType":"Premium_LRS","id":"{group}/providers/Microsoft.Compute/disks/vm-{machine:07}_OsDisk_1"}},"deleteOption":"Delete","diskSizeGB":64}},"dataDisks":[],"diskControllerType":"SCSI"}},"osProfile":{{"computerName":"vm-{machine:07}","adminUsername":"operations","linuxConfiguration":{{"disablePasswordAuthentication":true,"provisionVMAgent":true,"patchSettings":{{"patchMode":"AutomaticByPlatform","assessmentMode":"AutomaticByPlatform"}}}},"secrets":[],"allowExtensionOperations":true,"requireGuestProvisionSignal":true}},"securityProfile":{{"uefiSettings":{{"secureBootEnabled":true,"vTpmEnabled":true}},"securityType":"TrustedLaunch"}},"networkProfile":{{"networkInterfaces":[{{"id":"{nic}","properties":{{"deleteOption":"Delete","primary":true}}}}]}},"diagnosticsProfile":{{"bootDiagnostics":{{"enabled":true}}}},"timeCreated":"2026-02-11T09:12:33.1234567+00:00","extended":{{"instanceView":{{"powerState":{{"code":"PowerState/running","displayStatus":"VM running","level":"Info"}},"computerName":"vm-{machine:07}","osName":"ubuntu","osVersion":"24.04"}}}}}}}}"#,
            machine % 400,
            machine % 9000,
            subscription(machine),
        ))?;
        let subnet = format!(
            "{}/subnets/snet-{:02}",
            network(machine),
            machine % PER_NETWORK / PER_SUBNET
        );
        let public = machine.is_multiple_of(10);
        let reference = if public {
            format!(r#","publicIPAddress":{{"id":"{ip}"}}"#)
        } else {
            String::new()
        };
        self.line(&format!(
            r#"{{"name":"vm-{machine:07}-nic","id":"{nic}","etag":"W/\"5c1e\"","type":"Microsoft.Network/networkInterfaces","location":"westeurope","tags":{{"owner":"team-{:03}@contoso.example"}},"properties":{{"provisioningState":"Succeeded","resourceGuid":"{}","ipConfigurations":[{{"name":"ipconfig1","id":"{nic}/ipConfigurations/ipconfig1","etag":"W/\"5c1e\"","type":"Microsoft.Network/networkInterfaces/ipConfigurations","properties":{{"provisioningState":"Succeeded","privateIPAddress":"{}","privateIPAllocationMethod":"Dynamic","subnet":{{"id":"{subnet}"}},"primary":true,"privateIPAddressVersion":"IPv4"{reference}}}}}],"dnsSettings":{{"dnsServers":[],"appliedDnsServers":[],"internalDomainNameSuffix":"x1y2z3.ax.internal.cloudapp.net"}},"macAddress":"00-0D-3A-00-00-00","vnetEncryptionSupported":false,"enableIPForwarding":false,"disableTcpStateTracking":false,"enableAcceleratedNetworking":true,"virtualMachine":{{"id":"{vm}"}},"hostedWorkloads":[],"tapConfigurations":[],"nicType":"Standard","allowPort25Out":true,"auxiliaryMode":"None","auxiliarySku":"None"}}}}"#,
            machine % 400,
            subscription(machine),
            address(machine),
        ))?;
        if public {
            self.line(&format!(
                r#"{{"name":"vm-{machine:07}-pip","id":"{ip}","etag":"W/\"5c1e\"","type":"Microsoft.Network/publicIPAddresses","location":"westeurope","sku":{{"name":"Standard","tier":"Regional"}},"properties":{{"provisioningState":"Succeeded","resourceGuid":"{}","ipAddress":"20.{}.{}.{}","publicIPAddressVersion":"IPv4","publicIPAllocationMethod":"Static","idleTimeoutInMinutes":4,"ipTags":[],"ipConfiguration":{{"id":"{nic}/ipConfigurations/ipconfig1"}},"ddosSettings":{{"protectionMode":"VirtualNetworkInherited"}}}}}}"#,
                subscription(machine),
                machine / 65_536 % 256,
                machine / 256 % 256,
                machine % 256,
            ))?;
        }
        let (code, cause) = if machine.is_multiple_of(2) {
            ("Healthy", r#","cause":"JitIsEnabled""#)
        } else {
            ("Unhealthy", "")
        };
        self.line(&format!(
            r#"{{"id":"{vm}/providers/Microsoft.Security/assessments/805651bc-6ecd-4c73-9b55-97a19d0582d0","name":"805651bc-6ecd-4c73-9b55-97a19d0582d0","type":"Microsoft.Security/assessments","properties":{{"resourceDetails":{{"source":"Azure","id":"{vm}"}},"displayName":"Management ports of virtual machines should be protected with just-in-time network access control","status":{{"code":"{code}"{cause},"firstEvaluationDate":"2026-03-12T09:07:18.6759138Z","statusChangeDate":"2026-06-12T09:07:18.6759138Z"}},"additionalData":{{}}}}}}"#
        ))
    }
}

fn rule(nsg: &str, name: &str, priority: u32, access: &str, source: &str, ports: &str) -> String {
    format!(
        r#"{{"name":"{name}","id":"{nsg}/securityRules/{name}","etag":"W/\"5c1e\"","type":"Microsoft.Network/networkSecurityGroups/securityRules","properties":{{"provisioningState":"Succeeded","protocol":"Tcp","sourcePortRange":"*",{ports}"sourceAddressPrefix":"{source}","destinationAddressPrefix":"*","access":"{access}","priority":{priority},"direction":"Inbound","sourcePortRanges":[],"sourceAddressPrefixes":[],"destinationAddressPrefixes":[]}}}}"#
    )
}
