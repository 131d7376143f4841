# The shop: web servers behind the subnet's group, a jump host with an address of its own.
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
    azapi = {
      source  = "azure/azapi"
      version = "~> 2.0"
    }
  }
}

provider "azurerm" {
  features {}
}

locals {
  group = "${var.prefix}-rg"
  ports = ["22", "443"]
}

resource "azurerm_resource_group" "shop" {
  name     = local.group
  location = var.location
}

module "network" {
  source = "./network"

  name                = "${var.prefix}-vnet"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
  admin_cidr          = var.admin_cidr
}

resource "azurerm_network_security_group" "jump" {
  name                = "jump-nsg"
  location            = azurerm_resource_group.shop.location
  resource_group_name = azurerm_resource_group.shop.name

  dynamic "security_rule" {
    for_each = local.ports
    content {
      name                       = "allow-${security_rule.value}"
      priority                   = 200 + security_rule.key
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_port_range          = "*"
      source_address_prefix      = "Internet"
      destination_address_prefix = "*"
      destination_port_range     = security_rule.value
    }
  }
}

resource "azurerm_public_ip" "jump" {
  name                = "jump-ip"
  location            = azurerm_resource_group.shop.location
  resource_group_name = azurerm_resource_group.shop.name
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_network_interface" "jump" {
  name                = "jump-nic"
  location            = azurerm_resource_group.shop.location
  resource_group_name = azurerm_resource_group.shop.name

  ip_configuration {
    name                          = "primary"
    subnet_id                     = module.network.subnets["jump"]
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.jump.id
  }
}

resource "azurerm_network_interface_security_group_association" "jump" {
  network_interface_id      = azurerm_network_interface.jump.id
  network_security_group_id = azurerm_network_security_group.jump.id
}

resource "azurerm_linux_virtual_machine" "jump" {
  name                  = "jump"
  location              = azurerm_resource_group.shop.location
  resource_group_name   = azurerm_resource_group.shop.name
  size                  = "Standard_B2s"
  admin_username        = "azureuser"
  network_interface_ids = [azurerm_network_interface.jump.id]

  admin_ssh_key {
    username   = "azureuser"
    public_key = var.ssh_key
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
}

resource "azurerm_network_interface" "web" {
  count               = var.web_count
  name                = "web-${count.index + 1}-nic"
  location            = azurerm_resource_group.shop.location
  resource_group_name = azurerm_resource_group.shop.name

  ip_configuration {
    name                          = "primary"
    subnet_id                     = module.network.subnets["web"]
    private_ip_address_allocation = "Dynamic"
  }
}

resource "azurerm_linux_virtual_machine" "web" {
  count                 = var.web_count
  name                  = "web-${count.index + 1}"
  location              = azurerm_resource_group.shop.location
  resource_group_name   = azurerm_resource_group.shop.name
  size                  = "Standard_B2s"
  admin_username        = "azureuser"
  network_interface_ids = [element(azurerm_network_interface.web[*].id, count.index)]

  admin_ssh_key {
    username   = "azureuser"
    public_key = var.ssh_key
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
}

resource "azapi_resource" "jit" {
  type      = "Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01"
  parent_id = "${azurerm_resource_group.shop.id}/providers/Microsoft.Security/locations/${var.location}"
  name      = "default"

  body = {
    kind = "Basic"
    properties = {
      virtualMachines = [
        {
          id = azurerm_linux_virtual_machine.web[0].id
          ports = [
            for port in [22, 3389, 5985, 5986] : {
              number                     = port
              protocol                   = "TCP"
              allowedSourceAddressPrefix = var.admin_cidr
              maxRequestAccessDuration   = "PT3H"
            }
          ]
        }
      ]
    }
  }
}
