variable "office_prefix" {
  type = string
}

variable "group" {
  type = string
}

variable "location" {
  type = string
}

resource "azurerm_network_security_group" "jump" {
  name                = "nsg-jump"
  location            = var.location
  resource_group_name = var.group

  security_rule {
    name                       = "ssh"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = var.office_prefix
    destination_address_prefix = "*"
    destination_port_range     = "22"
  }

  security_rule {
    name                       = "no-rdp"
    priority                   = 200
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = "Internet"
    destination_address_prefix = "*"
    destination_port_range     = "3389"
  }

  security_rule {
    name                       = "rdp"
    priority                   = 300
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = "8.8.8.0/24"
    destination_address_prefix = "*"
    destination_port_range     = "3389"
  }
}

output "jump" {
  value = azurerm_network_security_group.jump.id
}
