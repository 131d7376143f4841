#!/usr/bin/env python3
"""Terraform, measured: whole processes side by side, each in turn, medians, peak memory of each process.

    cargo build --release
    python3 benches/terraform.py                       a small file, 2,000 generated files, a plan of 200 MB
    python3 benches/terraform.py --checkov .venv/bin/checkov DIRECTORY...
                                                       the same directories with checkov too

The comparison of the plan, `serde_json` parsing the same bytes into `Value`, is what `cargo bench --bench scan` compares
with; name that program with `--value` (`cargo bench --bench scan --no-run` says where it is).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """One process: seconds on the clock, seconds of processor time, peak resident memory in MB, standard output."""

    seconds: float
    processor: float
    memory: float
    out: str = ""


def run(command: list[str]) -> Run:
    """Runs one process to its end."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
        # 2 with a report: nothing to judge was read, as in a library of modules. Without one the command is wrong.
        if process.returncode not in (0, 1, 3) and not (process.returncode == 2 and text.strip()):
            sys.exit(f"{command} ended with {process.returncode}")
        processor = usage.ru_utime + usage.ru_stime
        return Run(seconds, processor, usage.ru_maxrss / 1024, text)


def medians(runs: list[Run]) -> Run:
    middle = statistics.median
    return Run(middle(r.seconds for r in runs), middle(r.processor for r in runs), max(r.memory for r in runs))


def in_turn(commands: list[list[str]], rounds: int) -> list[Run]:
    """Each command once a round, so that whatever else the machine does meets all of them."""
    all_runs = [[] for _ in commands]
    for _ in range(rounds):
        for runs, command in zip(all_runs, commands):
            runs.append(run(command))
    return [medians(runs) for runs in all_runs]


ROOT = """
provider "azurerm" {{
  features {{}}
}}

resource "azurerm_resource_group" "it" {{
  name     = "${{var.prefix}}-rg"
  location = var.location
}}

module "network" {{
  source              = "../../modules/network{module}"
  resource_group_name = azurerm_resource_group.it.name
  location            = azurerm_resource_group.it.location
  prefix              = var.prefix
  rules               = var.rules
}}

resource "azurerm_public_ip" "it" {{
  count               = var.machines
  name                = "${{var.prefix}}-ip-${{count.index}}"
  resource_group_name = azurerm_resource_group.it.name
  location            = azurerm_resource_group.it.location
  allocation_method   = "Static"
  sku                 = "Standard"
}}
"""

MACHINES = """
resource "azurerm_network_interface" "it" {
  count               = var.machines
  name                = "${var.prefix}-nic-${count.index}"
  resource_group_name = azurerm_resource_group.it.name
  location            = azurerm_resource_group.it.location

  ip_configuration {
    name                          = "ip"
    subnet_id                     = module.network.subnets["app"]
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.it[count.index].id
  }
}

resource "azurerm_linux_virtual_machine" "it" {
  count                 = var.machines
  name                  = format("%s-vm-%02d", var.prefix, count.index)
  resource_group_name   = azurerm_resource_group.it.name
  location              = azurerm_resource_group.it.location
  size                  = "Standard_B2s"
  admin_username        = "ops"
  network_interface_ids = [azurerm_network_interface.it[count.index].id]
}
"""

VARIABLES = """
variable "prefix" { type = string }
variable "location" {
  type    = string
  default = "westeurope"
}
variable "machines" {
  type    = number
  default = 2
}
variable "rules" {
  type = list(object({
    name     = string
    priority = number
    port     = string
    source   = optional(string, "VirtualNetwork")
  }))
  default = []
}
"""

NETWORK = """
locals {
  subnets = { app = 0, data = 1, ops = 2 }
}

resource "azurerm_virtual_network" "it" {
  name                = "${var.prefix}-net"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = ["10.20.0.0/16"]
}

resource "azurerm_subnet" "it" {
  for_each             = local.subnets
  name                 = each.key
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.it.name
  address_prefixes     = [cidrsubnet("10.20.0.0/16", 8, each.value)]
}
"""

GROUPS = """
resource "azurerm_network_security_group" "it" {
  for_each            = local.subnets
  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location

  dynamic "security_rule" {
    for_each = { for rule in var.rules : rule.name => rule }
    content {
      name                       = security_rule.key
      priority                   = security_rule.value.priority
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_port_range          = "*"
      destination_port_range     = security_rule.value.port
      source_address_prefix      = security_rule.value.source
      destination_address_prefix = "*"
    }
  }
}

resource "azurerm_subnet_network_security_group_association" "it" {
  for_each                  = local.subnets
  subnet_id                 = azurerm_subnet.it[each.key].id
  network_security_group_id = azurerm_network_security_group.it[each.key].id
}
"""

OUTPUTS = """
output "subnets" {
  value = { for name, subnet in azurerm_subnet.it : name => subnet.id }
}
"""

MODULE_VARIABLES = """
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "prefix" { type = string }
variable "rules" { type = any }
"""

VALUES = """
prefix = "team{number}"
rules = [
  {{ name = "https", priority = 100, port = "443", source = "Internet" }},
  {{ name = "ssh", priority = 110, port = "22", source = "{source}" }},
]
"""


def repository(directory: Path, files: int) -> None:
    """Roots with values, each calling a local module: eight files of Terraform for each root."""
    for number in range(files // 8):
        root, module = directory / "roots" / f"team{number}", directory / "modules" / f"network{number}"
        root.mkdir(parents=True)
        module.mkdir(parents=True)
        (root / "main.tf").write_text(ROOT.format(module=number))
        (root / "machines.tf").write_text(MACHINES)
        (root / "variables.tf").write_text(VARIABLES)
        (root / "versions.tf").write_text('terraform {\n  required_version = ">= 1.5"\n}\n')
        source = "*" if number % 10 == 0 else "10.0.0.0/8"
        (root / "terraform.tfvars").write_text(VALUES.format(number=number, source=source))
        (module / "main.tf").write_text(NETWORK)
        (module / "groups.tf").write_text(GROUPS)
        (module / "outputs.tf").write_text(OUTPUTS)
        (module / "variables.tf").write_text(MODULE_VARIABLES)


SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"


def machine(number: int) -> list[dict]:
    """The resources of one machine as a plan shows them: what exists stays, the machine itself is new."""
    network = f"{SUBSCRIPTION}/Microsoft.Network"
    common = {"location": "westeurope", "resource_group_name": "rg", "tags": {"team": f"t{number % 97}", "env": "prod"}}
    rule = {
        "access": "Allow", "description": "", "destination_address_prefix": "*", "destination_address_prefixes": [],
        "destination_application_security_group_ids": [], "destination_port_range": "22", "destination_port_ranges": [],
        "direction": "Inbound", "name": "ssh", "priority": 100, "protocol": "Tcp",
        "source_address_prefix": "*" if number % 50 == 0 else "10.0.0.0/8", "source_address_prefixes": [],
        "source_application_security_group_ids": [], "source_port_range": "*", "source_port_ranges": [],
    }
    group = {**common, "id": f"{network}/networkSecurityGroups/nsg{number}", "name": f"nsg{number}", "timeouts": None,
             "security_rule": [rule, {**rule, "name": "https", "priority": 110, "destination_port_range": "443"}]}
    interface = {
        **common, "id": f"{network}/networkInterfaces/nic{number}", "name": f"nic{number}", "dns_servers": [],
        "ip_configuration": [{
            "name": "ip", "primary": True, "private_ip_address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "private_ip_address_allocation": "Dynamic", "private_ip_address_version": "IPv4", "public_ip_address_id": "",
            "subnet_id": f"{network}/virtualNetworks/net/subnets/app", "gateway_load_balancer_frontend_ip_configuration_id": "",
        }],
    }
    association = {
        "id": f"{interface['id']}|{group['id']}", "network_interface_id": interface["id"],
        "network_security_group_id": group["id"], "timeouts": None,
    }
    machine = {
        **common, "name": f"vm{number}", "size": "Standard_D2s_v5", "admin_username": "ops",
        "network_interface_ids": [interface["id"]], "custom_data": None, "zone": None, "priority": "Regular",
        "os_disk": [{"caching": "ReadWrite", "disk_size_gb": 64, "storage_account_type": "Premium_LRS"}],
        "source_image_reference": [{"offer": "0001-com-ubuntu-server-jammy", "publisher": "Canonical", "sku": "22_04-lts", "version": "latest"}],
    }
    return [
        change("azurerm_network_security_group", number, group, ["no-op"]),
        change("azurerm_network_interface", number, interface, ["no-op"]),
        change("azurerm_network_interface_security_group_association", number, association, ["no-op"]),
        change("azurerm_linux_virtual_machine", number, machine, ["create"]),
        change("azurerm_managed_disk", number, {**common, "name": f"disk{number}", "disk_size_gb": 256}, ["no-op"]),
    ]


def change(kind: str, number: int, values: dict, actions: list[str]) -> dict:
    new = actions == ["create"]
    return {
        "address": f"{kind}.it[{number}]", "mode": "managed", "type": kind, "name": "it", "index": number,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "change": {
            "actions": actions, "before": None if new else values, "after": values,
            "after_unknown": {"id": True} if new else {}, "before_sensitive": False if new else {}, "after_sensitive": {},
        },
    }


def plan(path: Path, megabytes: int) -> int:
    """A plan with what it plans, what it changes, what was before, and no configuration; answers how many machines."""
    network = {"id": f"{SUBSCRIPTION}/Microsoft.Network/virtualNetworks/net", "name": "net", "location": "westeurope",
               "resource_group_name": "rg", "address_space": ["10.0.0.0/8"], "subnet": []}
    subnet = {"id": f"{network['id']}/subnets/app", "name": "app", "resource_group_name": "rg",
              "virtual_network_name": "net", "address_prefixes": ["10.0.0.0/8"]}
    fixed = [change("azurerm_virtual_network", 0, network, ["no-op"]), change("azurerm_subnet", 0, subnet, ["no-op"])]
    each = len(json.dumps(machine(1000)) + json.dumps([shown(one) for one in machine(1000)]) * 2)
    machines = megabytes * 1_000_000 // each

    def resources(out, make) -> None:
        first = True
        for number in range(machines):
            for one in machine(number) + (fixed if number == 0 else []):
                out.write(("" if first else ",") + json.dumps(make(one), separators=(",", ":")))
                first = False

    with path.open("w") as out:
        out.write('{"format_version":"1.2","terraform_version":"1.9.8","planned_values":{"root_module":{"resources":[')
        resources(out, shown)
        out.write(']}},"resource_changes":[')
        resources(out, lambda one: one)
        out.write('],"prior_state":{"format_version":"1.0","terraform_version":"1.9.8","values":{"root_module":{"resources":[')
        resources(out, shown)
        out.write(']}}},"configuration":{"root_module":{}},"errored":false}')
    return machines


def shown(one: dict) -> dict:
    """A change as planned values and states show the resource."""
    kept = {key: one[key] for key in ("address", "mode", "type", "name", "index", "provider_name")}
    return {**kept, "schema_version": 1, "values": one["change"]["after"], "sensitive_values": {}}


SMALL = """resource "azurerm_network_security_group" "web" {
  name                = "web"
  location            = "westeurope"
  resource_group_name = "rg"

  security_rule {
    name                       = "ssh"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    destination_port_range     = "22"
    source_address_prefix      = "*"
    destination_address_prefix = "*"
  }
}
"""


def row(name: str, ours: Run, other: Run | None) -> None:
    theirs = "| | | | |" if other is None else (
        f"| {other.seconds:.2f} | {other.processor:.2f} | {other.memory:.0f} "
        f"| {other.seconds / ours.seconds:.0f} and {other.processor / ours.processor:.0f} times, {other.memory / ours.memory:.1f} times |"
    )
    print(f"| {name} | {ours.seconds * 1000:.1f} | {ours.processor * 1000:.1f} | {ours.memory:.0f} {theirs}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="*", type=Path)
    parser.add_argument("--portcullis", default="target/release/portcullis")
    parser.add_argument("--checkov", help="the program, in its virtual environment")
    parser.add_argument("--value", help="the program of `cargo bench --bench scan`")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--megabytes", type=int, default=200)
    arguments = parser.parse_args()
    scan = [arguments.portcullis, "scan", "--fail-on", "none"]
    checkov = [arguments.checkov, "--framework", "terraform", "--compact", "--quiet", "--soft-fail", "--skip-download", "-d"]

    def compare(name: str, path: Path, rounds: int) -> None:
        commands = [[*scan, str(path)]]
        if arguments.checkov:
            commands.append([*checkov, str(path if path.is_dir() else path.parent)])
        measured = in_turn(commands, rounds)
        row(name, measured[0], measured[1] if arguments.checkov else None)

    print("| what | portcullis ms | processor ms | MB | checkov s | processor s | MB | checkov / portcullis: time, memory |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        (work / "small").mkdir()
        (work / "small" / "main.tf").write_text(SMALL)
        # Start-up is short: more rounds tell it from noise.
        row("the program's version", in_turn([[arguments.portcullis, "--version"]], 21)[0], None)
        small = in_turn([[*scan, str(work / "small" / "main.tf")]], 21)[0]
        row("one small file, 21 rounds", small, None)
        compare("one small file", work / "small" / "main.tf", arguments.runs)
        if not arguments.directories:
            repository(work / "repository", arguments.files)
            compare(f"{arguments.files:,} generated files", work / "repository", arguments.runs)
            machines = plan(work / "plan.json", arguments.megabytes)
            ours = in_turn([[*scan, str(work / "plan.json")]], arguments.runs)[0]
            row(f"a plan of {arguments.megabytes} MB, {machines:,} machines", ours, None)
            if arguments.value:
                compared = in_turn([[arguments.value, "--measure-value", str(work / "plan.json")]], arguments.runs)[0]
                ratios = f"{ours.seconds / compared.seconds:.2f} on the clock, {ours.processor / compared.processor:.2f} of processor time"
                print(f"\nthe plan beside serde_json Value ({compared.seconds:.2f} s, {compared.memory:.0f} MB): {ratios}")
        for path in arguments.directories:
            compare(f"{path.name}, {len(list(path.rglob('*.tf'))):,} files", path, min(arguments.runs, 3))


if __name__ == "__main__":
    main()
