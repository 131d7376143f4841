param office string = '8.8.4.0/24'

var region = 'westeurope'

resource estate 'Microsoft.Network/virtualNetworks@2023-09-01' = {
  name: 'vnet'
  location: region
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

resource filter 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'nsg-jump'
  location: region
  properties: {
    securityRules: [
      {
        name: 'ssh'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: office
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

resource gateAddress 'Microsoft.Network/publicIPAddresses@2023-09-01' = {
  name: 'pip-jump'
  location: region
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource gateInterface 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'nic-jump'
  location: region
  properties: {
    networkSecurityGroup: {
      id: filter.id
    }
    ipConfigurations: [
      {
        name: 'ip'
        properties: {
          privateIPAllocationMethod: 'Static'
          privateIPAddress: '10.0.0.4'
          subnet: {
            id: estate.properties.subnets[0].id
          }
          publicIPAddress: {
            id: gateAddress.id
          }
        }
      }
    ]
  }
}

resource gate 'Microsoft.Compute/virtualMachines@2023-09-01' = {
  name: 'jump'
  location: region
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
          id: gateInterface.id
        }
      ]
    }
  }
}

resource plainAddress 'Microsoft.Network/publicIPAddresses@2023-09-01' = {
  name: 'pip-bare'
  location: region
  sku: {
    name: 'Basic'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource plainInterface 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'nic-bare'
  location: region
  properties: {
    ipConfigurations: [
      {
        name: 'ip'
        properties: {
          privateIPAllocationMethod: 'Static'
          privateIPAddress: '10.0.0.5'
          subnet: {
            id: estate.properties.subnets[0].id
          }
          publicIPAddress: {
            id: plainAddress.id
          }
        }
      }
    ]
  }
}

resource plain 'Microsoft.Compute/virtualMachines@2023-09-01' = {
  name: 'bare'
  location: region
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
          id: plainInterface.id
        }
      ]
    }
  }
}
