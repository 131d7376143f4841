variable "name" {
  type = string
}

variable "location" {
  type = string
}

variable "resource_group_name" {
  type = string
}

variable "admin_cidr" {
  type = string
}

variable "space" {
  type    = string
  default = "10.20.0.0/16"
}

resource "azurerm_network_security_group" "web" {
  name                = "web-nsg"
  location            = var.location
  resource_group_name = var.resource_group_name
}

resource "azurerm_network_security_rule" "ssh" {
  name                        = "ssh-from-office"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.web.name
  priority                    = 100
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_port_range           = "*"
  source_address_prefix       = var.admin_cidr
  destination_address_prefix  = "*"
  destination_port_range      = "22"
}

resource "azurerm_network_security_rule" "deny" {
  name                        = "deny-vnet"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.web.name
  priority                    = 4000
  direction                   = "Inbound"
  access                      = "Deny"
  protocol                    = "*"
  source_port_range           = "*"
  source_address_prefix       = "VirtualNetwork"
  destination_address_prefix  = "*"
  destination_port_range      = "*"
}

resource "azurerm_virtual_network" "this" {
  name                = var.name
  location            = var.location
  resource_group_name = var.resource_group_name
  address_space       = [var.space]
}

resource "azurerm_subnet" "this" {
  for_each             = { web = 1, jump = 2 }
  name                 = each.key
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [cidrsubnet(var.space, 8, each.value)]
}

resource "azurerm_subnet_network_security_group_association" "web" {
  subnet_id                 = azurerm_subnet.this["web"].id
  network_security_group_id = azurerm_network_security_group.web.id
}

output "subnets" {
  value = { for name, subnet in azurerm_subnet.this : name => subnet.id }
}
