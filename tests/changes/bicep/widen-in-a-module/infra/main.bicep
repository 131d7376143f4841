param officePrefix string = '8.8.4.0/24'

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

module filters 'modules/filters.bicep' = {
  name: 'filters'
  params: {
    officePrefix: officePrefix
    location: location
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
      id: filters.outputs.jump
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
