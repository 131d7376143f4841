param officePrefix string = '9.9.9.0/24'

var location = 'westeurope'

resource network 'Microsoft.Network/virtualNetworks@2023-09-01' = {
  name: 'vnet'
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'default'
        properties: {
          addressPrefix: '10.0.0.0/24'
        }
      }
    ]
  }
}

resource group 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'nsg-jump'
  location: location
  properties: {
    securityRules: [
      {
        name: 'ssh'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: officePrefix
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '22'
        }
      }
      {
        name: 'no-rdp'
        properties: {
          priority: 200
          direction: 'Inbound'
          access: 'Deny'
          protocol: 'Tcp'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '3389'
        }
      }
      {
        name: 'rdp'
        properties: {
          priority: 300
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: '8.8.8.0/24'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '3389'
        }
      }
    ]
  }
}

resource jumpAddress 'Microsoft.Network/publicIPAddresses@2023-09-01' = {
  name: 'pip-jump'
  location: location
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource jumpInterface 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'nic-jump'
  location: location
  properties: {
    networkSecurityGroup: {
      id: group.id
    }
    ipConfigurations: [
      {
        name: 'ip'
        properties: {
          privateIPAllocationMethod: 'Static'
          privateIPAddress: '10.0.0.4'
          subnet: {
            id: network.properties.subnets[0].id
          }
          publicIPAddress: {
            id: jumpAddress.id
          }
        }
      }
    ]
  }
}

resource jump 'Microsoft.Compute/virtualMachines@2023-09-01' = {
  name: 'jump'
  location: location
  properties: {
    storageProfile: {
      osDisk: {
        osType: 'Linux'
        createOption: 'FromImage'
      }
    }
    networkProfile: {
      networkInterfaces: [
        {
          id: jumpInterface.id
        }
      ]
    }
  }
}

resource bareAddress 'Microsoft.Network/publicIPAddresses@2023-09-01' = {
  name: 'pip-bare'
  location: location
  sku: {
    name: 'Basic'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource bareInterface 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'nic-bare'
  location: location
  properties: {
    ipConfigurations: [
      {
        name: 'ip'
        properties: {
          privateIPAllocationMethod: 'Static'
          privateIPAddress: '10.0.0.5'
          subnet: {
            id: network.properties.subnets[0].id
          }
          publicIPAddress: {
            id: bareAddress.id
          }
        }
      }
    ]
  }
}

resource bare 'Microsoft.Compute/virtualMachines@2023-09-01' = {
  name: 'bare'
  location: location
  properties: {
    storageProfile: {
      osDisk: {
        osType: 'Linux'
        createOption: 'FromImage'
      }
    }
    networkProfile: {
      networkInterfaces: [
        {
          id: bareInterface.id
        }
      ]
    }
  }
}
