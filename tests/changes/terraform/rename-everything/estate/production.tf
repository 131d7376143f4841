terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

variable "office" {
  type    = string
  default = "8.8.4.0/24"
}

locals {
  region = "westeurope"
}

resource "azurerm_resource_group" "estate" {
  name     = "rg-main"
  location = local.region
}

resource "azurerm_virtual_network" "estate" {
  name                = "vnet"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name
  address_space       = ["10.0.0.0/16"]
}

resource "azurerm_subnet" "first" {
  name                 = "default"
  resource_group_name  = azurerm_resource_group.estate.name
  virtual_network_name = azurerm_virtual_network.estate.name
  address_prefixes     = ["10.0.0.0/24"]
}

resource "azurerm_network_security_group" "gate" {
  name                = "nsg-jump"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name

  security_rule {
    name                       = "ssh"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = var.office
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

resource "azurerm_public_ip" "gate" {
  name                = "pip-jump"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_network_interface" "gate" {
  name                = "nic-jump"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name

  ip_configuration {
    name                          = "ip"
    subnet_id                     = azurerm_subnet.first.id
    private_ip_address_allocation = "Static"
    private_ip_address            = "10.0.0.4"
    public_ip_address_id          = azurerm_public_ip.gate.id
  }
}

resource "azurerm_linux_virtual_machine" "gate" {
  name                  = "jump"
  location              = local.region
  resource_group_name   = azurerm_resource_group.estate.name
  size                  = "Standard_B2s"
  admin_username        = "azureuser"
  network_interface_ids = [azurerm_network_interface.gate.id]

  admin_ssh_key {
    username   = "azureuser"
    public_key = "ssh-ed25519 AAAA"
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
}

resource "azurerm_network_interface_security_group_association" "gate" {
  network_interface_id      = azurerm_network_interface.gate.id
  network_security_group_id = azurerm_network_security_group.gate.id
}

resource "azurerm_public_ip" "plain" {
  name                = "pip-bare"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name
  allocation_method   = "Static"
  sku                 = "Basic"
}

resource "azurerm_network_interface" "plain" {
  name                = "nic-bare"
  location            = local.region
  resource_group_name = azurerm_resource_group.estate.name

  ip_configuration {
    name                          = "ip"
    subnet_id                     = azurerm_subnet.first.id
    private_ip_address_allocation = "Static"
    private_ip_address            = "10.0.0.5"
    public_ip_address_id          = azurerm_public_ip.plain.id
  }
}

resource "azurerm_linux_virtual_machine" "plain" {
  name                  = "bare"
  location              = local.region
  resource_group_name   = azurerm_resource_group.estate.name
  size                  = "Standard_B2s"
  admin_username        = "azureuser"
  network_interface_ids = [azurerm_network_interface.plain.id]

  admin_ssh_key {
    username   = "azureuser"
    public_key = "ssh-ed25519 AAAA"
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
}
