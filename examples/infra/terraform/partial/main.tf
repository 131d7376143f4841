provider "azurerm" {
  features {}
}

variable "subnet_id" {
  type        = string
  description = "A subnet of the team that runs the network"
}

variable "support_cidr" {
  type = string
}

resource "azurerm_network_security_group" "batch" {
  name                = "batch-nsg"
  location            = "westeurope"
  resource_group_name = "batch-rg"

  security_rule {
    name                       = "support"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = var.support_cidr
    destination_address_prefix = "*"
    destination_port_range     = "3389"
  }
}

resource "azurerm_network_interface" "batch" {
  name                = "batch-nic"
  location            = "westeurope"
  resource_group_name = "batch-rg"

  ip_configuration {
    name                          = "primary"
    subnet_id                     = var.subnet_id
    private_ip_address_allocation = "Dynamic"
  }
}

resource "azurerm_network_interface_security_group_association" "batch" {
  network_interface_id      = azurerm_network_interface.batch.id
  network_security_group_id = azurerm_network_security_group.batch.id
}

resource "azurerm_windows_virtual_machine" "batch" {
  name                  = "batch"
  location              = "westeurope"
  resource_group_name   = "batch-rg"
  size                  = "Standard_B2s"
  admin_username        = "azureuser"
  admin_password        = var.password
  network_interface_ids = [azurerm_network_interface.batch.id]

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
}

variable "password" {
  type      = string
  sensitive = true
}
