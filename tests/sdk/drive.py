"""Drives `portcullis sandbox` with Microsoft's own management SDK: where the SDK cannot, the sandbox is wrong.

    python tests/sdk/drive.py target/debug/portcullis examples/contoso
"""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import urllib.request

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.models import SecurityRule, Subnet
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from azure.mgmt.security import SecurityCenter

RETAIL = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2"
CLIENT = "00000000-5a4d-4b0c-8000-000000000001"
STEPS = []


def step(function):
    STEPS.append(function)
    return function


class Sandbox:
    """The program, its certificate, and clients that trust it."""

    def __init__(self, program, estate, *arguments):
        self.certificate = os.path.join(tempfile.mkdtemp(), "ca.pem")
        command = [program, "sandbox", "--from", estate, "--tls", "--certificate", self.certificate, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.origin = re.search(r"https://\S+", self.process.stdout.readline()).group(0)
        text = ""
        while "Ctrl-C" not in text:
            text += self.process.stdout.readline()
        self.tenant = re.search(r"AZURE_TENANT_ID=(\S+)", text).group(1)
        self.secret = re.search(r"AZURE_CLIENT_SECRET=(\S+)", text).group(1)
        self.header = re.search(r"IDENTITY_HEADER=(\S+)", text).group(1)
        self.credential = self.credential_with(self.secret)

    def credential_with(self, secret):
        return ClientSecretCredential(
            self.tenant,
            CLIENT,
            secret,
            authority=self.origin,
            disable_instance_discovery=True,
            connection_verify=self.certificate,
        )

    def client(self, kind, *arguments, subscription=RETAIL, **options):
        own = {"base_url": self.origin, "connection_verify": self.certificate, "polling_interval": 1, **options}
        own["credential_scopes"] = ["https://management.azure.com/.default"]
        arguments = (self.credential, subscription, *arguments) if subscription else (self.credential, *arguments)
        return kind(*arguments, **own)

    def control(self, method, path, body=None):
        import ssl

        context = ssl.create_default_context(cafile=self.certificate)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.origin}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, context=context) as answer:
            return json.load(answer)

    def advance(self, duration):
        return self.control("POST", "clock", {"advance": duration})

    def stop(self):
        self.process.send_signal(2)
        assert self.process.wait(timeout=10) == 0, "Ctrl-C must end it cleanly"


def refused(kind, code, call):
    """The call must be refused with this code."""
    try:
        call()
    except kind as error:
        found = error.error.code if getattr(error, "error", None) else str(error)
        assert code in found, f"{code} expected, {found} found"
        return error
    raise AssertionError(f"{code} expected")


@step
def tokens(sandbox):
    refused(ClientAuthenticationError, "AADSTS7000215", lambda: sandbox.credential_with("wrong").get_token("https://management.azure.com/.default"))
    assert sandbox.credential.get_token("https://management.azure.com/.default").token
    os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"] = f"{sandbox.origin}/msi/token", sandbox.header
    managed = ManagedIdentityCredential(connection_verify=sandbox.certificate)
    assert managed.get_token("https://management.azure.com/.default").token


@step
def resource_groups_and_resources(sandbox):
    client = sandbox.client(ResourceManagementClient)
    names = {group.name for group in client.resource_groups.list()}
    assert "rg-shop-prod" in names, names
    assert client.resource_groups.check_existence("rg-shop-prod")
    assert not client.resource_groups.check_existence("no-such-group")
    made = client.resource_groups.create_or_update("rg-made", {"location": "westeurope", "tags": {"a": "b"}})
    assert made.location == "westeurope"
    kinds = {resource.type for resource in client.resources.list()}
    assert "Microsoft.Compute/virtualMachines" in kinds
    only = list(client.resources.list(filter="resourceType eq 'Microsoft.Network/networkSecurityGroups'"))
    assert only and all(found.type == "Microsoft.Network/networkSecurityGroups" for found in only)
    client.resource_groups.begin_delete("rg-made").result()
    assert not client.resource_groups.check_existence("rg-made")


@step
def machines_in_pages(sandbox):
    client = sandbox.client(ComputeManagementClient)
    pages = list(client.virtual_machines.list_all().by_page())
    machines = [machine for page in pages for machine in page]
    assert len(machines) > 5 and len({machine.id for machine in machines}) == len(machines)
    found = client.virtual_machines.get("rg-shop-prod", machines_of(machines, "rg-shop-prod")[0].name, expand="instanceView")
    assert found.instance_view.statuses and found.network_profile.network_interfaces
    refused(ResourceNotFoundError, "ResourceNotFound", lambda: client.virtual_machines.get("rg-shop-prod", "nobody"))
    refused(ResourceNotFoundError, "ResourceGroupNotFound", lambda: client.virtual_machines.get("rg-nobody", "nobody"))


def machines_of(machines, group):
    return [machine for machine in machines if f"/resourceGroups/{group}/".lower() in machine.id.lower()]


@step
def resource_graph(sandbox):
    client = sandbox.client(ResourceGraphClient, subscription=None)
    query = "Resources | where type =~ 'Microsoft.Network/networkInterfaces' | project id, name | order by id asc"
    rows, token = [], None
    while True:
        options = QueryRequestOptions(top=7, skip_token=token, result_format="objectArray")
        answer = client.resources(QueryRequest(query=query, options=options))
        rows += answer.data
        token = answer.skip_token
        if not token:
            break
    assert len(rows) == answer.total_records == len({row["id"] for row in rows})
    bad = QueryRequest(query="Resources | mv-expand tags")
    error = refused(HttpResponseError, "BadRequest", lambda: client.resources(bad))
    assert "ParserFailure" in str(error.response.text())


@step
def rules_are_written_and_deleted(sandbox):
    client = sandbox.client(NetworkManagementClient)
    rule = lambda priority: SecurityRule(
        protocol="Tcp",
        access="Allow",
        direction="Inbound",
        priority=priority,
        source_address_prefix="203.0.113.0/24",
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range="22",
    )
    at = ("rg-shop-prod", "nsg-shop-web", "AllowSshFromOffice")
    before = client.network_security_groups.get(*at[:2])
    made = client.security_rules.begin_create_or_update(*at, rule(310)).result()
    assert made.provisioning_state == "Succeeded" and made.priority == 310
    after = client.network_security_groups.get(*at[:2])
    assert after.etag != before.etag and at[2] in {rule.name for rule in after.security_rules}
    twin = ("rg-shop-prod", "nsg-shop-web", "Twin")
    refused(HttpResponseError, "SecurityRuleConflict", lambda: client.security_rules.begin_create_or_update(*twin, rule(310)))
    refused(HttpResponseError, "SecurityRuleInvalidPriority", lambda: client.security_rules.begin_create_or_update(*twin, rule(99)))
    client.security_rules.begin_delete(*at).result()
    refused(ResourceNotFoundError, "ResourceNotFound", lambda: client.security_rules.get(*at))
    client.security_rules.begin_delete(*at).result()


@step
def groups_with_etags(sandbox):
    client = sandbox.client(NetworkManagementClient)
    made = client.network_security_groups.begin_create_or_update("rg-shop-prod", "nsg-made", {"location": "westeurope"}).result()
    assert len(made.default_security_rules) == 6 and not made.security_rules
    stale = {"If-Match": 'W/"00000000-0000-0000-0000-000000000000"'}
    refused(
        HttpResponseError,
        "PreconditionFailed",
        lambda: client.network_security_groups.begin_create_or_update(
            "rg-shop-prod", "nsg-made", {"location": "westeurope"}, headers=stale
        ),
    )
    tagged = client.network_security_groups.update_tags("rg-shop-prod", "nsg-made", {"tags": {"owner": "us"}})
    assert tagged.tags == {"owner": "us"}
    client.network_security_groups.begin_delete("rg-shop-prod", "nsg-made").result()
    names = {group.name for group in client.network_security_groups.list("rg-shop-prod")}
    assert "nsg-made" not in names and "nsg-shop-web" in names


@step
def what_is_in_use_stays(sandbox):
    client = sandbox.client(NetworkManagementClient)
    refused(
        HttpResponseError,
        "InUseNetworkSecurityGroupCannotBeDeleted",
        lambda: client.network_security_groups.begin_delete("rg-shop-prod", "nsg-shop-web"),
    )
    network = next(network for network in client.virtual_networks.list_all() if network.name == "vnet-shop")
    group = network.id.split("/")[4]
    used = next(subnet.name for subnet in network.subnets if subnet.network_security_group)
    refused(HttpResponseError, "InUseSubnetCannotBeDeleted", lambda: client.subnets.begin_delete(group, "vnet-shop", used))
    made = client.subnets.begin_create_or_update(group, "vnet-shop", "snet-made", Subnet(address_prefix="10.20.250.0/28")).result()
    assert made.name == "snet-made" and made.provisioning_state == "Succeeded"
    client.subnets.begin_delete(group, "vnet-shop", "snet-made").result()
    interface = next(iter(client.network_interfaces.list_all()))
    refused(HttpResponseError, "NicInUse", lambda: client.network_interfaces.begin_delete(interface.id.split("/")[4], interface.name))


@step
def other_lists(sandbox):
    client = sandbox.client(NetworkManagementClient)
    for listed in (client.public_ip_addresses, client.load_balancers, client.route_tables, client.virtual_networks):
        assert list(listed.list_all()), listed
    assert list(client.network_security_groups.list_all())
    for kind in (client.azure_firewalls, client.ip_groups, client.application_security_groups):
        list(getattr(kind, "list_all", kind.list)())
    platform = sandbox.client(NetworkManagementClient, subscription="7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11")
    policies = list(platform.firewall_policies.list_all())
    assert policies
    groups = list(platform.firewall_policy_rule_collection_groups.list(policies[0].id.split("/")[4], policies[0].name))
    assert groups and groups[0].rule_collections


@step
def just_in_time(sandbox):
    client = sandbox.client(SecurityCenter)
    network = sandbox.client(NetworkManagementClient)
    compute = sandbox.client(ComputeManagementClient)
    policies = list(client.jit_network_access_policies.list())
    assert policies and policies[0].kind == "Basic"
    guarded = {machine.id.lower() for policy in policies for machine in policy.virtual_machines}
    machine = next(
        machine
        for machine in compute.virtual_machines.list_all()
        if machine.id.lower() not in guarded and "rg-shop-prod" in machine.id and machine.location == "westeurope"
    )
    port = {"number": 22, "protocol": "*", "allowedSourceAddressPrefix": "203.0.113.0/24", "maxRequestAccessDuration": "PT3H"}
    body = {"kind": "Basic", "properties": {"virtualMachines": [{"id": machine.id, "ports": [port]}]}}
    at = ("rg-shop-prod", "westeurope", "sdk")
    made = client.jit_network_access_policies.create_or_update(*at, body)
    assert made.name == "sdk"
    sandbox.advance("PT1M")
    made = client.jit_network_access_policies.get(*at)
    assert made.provisioning_state == "Succeeded"
    rules = jit_rules(network, machine)
    assert [rule.access for rule in rules] == ["Deny"], rules
    end = lambda hours: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).isoformat()
    ask = lambda number, source, hours=2: client.jit_network_access_policies.initiate(
        *at,
        {
            "virtualMachines": [
                {"id": machine.id, "ports": [{"number": number, "endTimeUtc": end(hours), "allowedSourceAddressPrefix": source}]}
            ],
            "justification": "the SDK asks",
        },
    )
    refused(HttpResponseError, "InvalidInitiateInput", lambda: ask(3389, "203.0.113.7"))
    refused(HttpResponseError, "InvalidInitiateInput", lambda: ask(22, "198.51.100.1"))
    asked = ask(22, "203.0.113.7")
    assert asked.virtual_machines[0].ports[0].status == "Initiating"
    sandbox.advance("PT1M")
    opened = [rule for rule in jit_rules(network, machine) if rule.access == "Allow"]
    assert opened and opened[0].source_address_prefix == "203.0.113.7" and opened[0].priority < 1000
    sandbox.advance("PT3H")
    assert all(rule.access == "Deny" for rule in jit_rules(network, machine))
    history = client.jit_network_access_policies.get(*at).requests
    port = history[-1].virtual_machines[0].ports[0]
    assert (port.status, port.status_reason) == ("Revoked", "Expired"), port
    client.jit_network_access_policies.delete(*at)
    assert not jit_rules(network, machine)
    refused(ResourceNotFoundError, "PolicyNotFound", lambda: ask(22, "203.0.113.7", 24))


def jit_rules(network, machine):
    """The rules that name the machine, in all groups of its resource group."""
    groups = network.network_security_groups.list_all()
    rules = [rule for group in groups for rule in group.security_rules]
    named = [rule for rule in rules if f"of VM '{machine.name}'." in (rule.description or "")]
    return [rule for rule in named if "'sdk'" in rule.description]


@step
def roles_and_assignments(sandbox):
    client = sandbox.client(AuthorizationManagementClient)
    scope = f"/subscriptions/{RETAIL}"
    alice = "a11ce000-0000-4000-8000-000000000009"
    reader = next(role for role in client.role_definitions.list(scope, filter="roleName eq 'Reader'"))
    assert reader.role_type == "BuiltInRole" and reader.permissions[0].actions == ["*/read"]
    name = "00000000-0000-4000-8000-0000000000f1"
    stated = {"properties": {"roleDefinitionId": reader.id, "principalId": alice, "principalType": "User"}}
    made = client.role_assignments.create(scope, name, stated)
    assert made.scope == scope and made.principal_id == alice
    refused(
        HttpResponseError,
        "RoleAssignmentExists",
        lambda: client.role_assignments.create(scope, name.replace("f1", "f2"), stated),
    )
    held = list(client.role_assignments.list_for_subscription(filter=f"principalId eq '{alice}'"))
    assert [assignment.name for assignment in held] == [name]
    assert client.role_assignments.delete(scope, name).name == name
    assert not list(client.role_assignments.list_for_scope(scope, filter=f"assignedTo('{alice}')"))
    group = f"{scope}/resourceGroups/rg-shop-prod"
    assert next(iter(client.permissions.list_for_resource_group("rg-shop-prod"))).actions == ["*"], group


@step
def events(sandbox):
    client = sandbox.client(MonitorManagementClient)
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).isoformat()
    found = list(client.activity_logs.list(filter=f"eventTimestamp ge '{since}' and resourceProvider eq 'Microsoft.Security'"))
    asked = [event for event in found if event.operation_name.value.lower().endswith("/initiate/action")]
    granted = [event for event in asked if event.status.value == "Succeeded"]
    assert granted and granted[0].caller == CLIENT and granted[0].correlation_id
    assert any(event.status.value == "Failed" and "statusMessage" in event.properties for event in asked)


@step
def plans_and_assessments(sandbox):
    client = sandbox.client(SecurityCenter)
    scope = f"subscriptions/{RETAIL}"
    assert any(plan.name == "VirtualMachines" for plan in client.pricings.list(scope).value)
    assert list(client.assessments.list(scope))


def main():
    program, estate = sys.argv[1], sys.argv[2]
    sandbox = Sandbox(program, estate, "--page-size", "7")
    failed = 0
    try:
        for run in STEPS:
            try:
                run(sandbox)
                print("ok", run.__name__, flush=True)
            except Exception:  # the steps do not depend on one another
                failed += 1
                print("FAILED", run.__name__, flush=True)
                traceback.print_exc()
    finally:
        sandbox.stop()
    print(f"{len(STEPS) - failed} of {len(STEPS)} steps")
    sys.exit(failed > 0)


main()
