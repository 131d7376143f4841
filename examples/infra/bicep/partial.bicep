@description('A subnet of the team that runs the network')
param subnetId string
param supportCidr string

resource nsg 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'batch-nsg'
  location: 'westeurope'
  properties: {
    securityRules: [
      {
        name: 'support'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceAddressPrefix: supportCidr
          destinationAddressPrefix: '*'
          destinationPortRange: '3389'
        }
      }
    ]
  }
}

resource nic 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'batch-nic'
  location: 'westeurope'
  properties: {
    networkSecurityGroup: { id: nsg.id }
    ipConfigurations: [
      { name: 'primary', properties: { subnet: { id: subnetId } } }
    ]
  }
}

resource batch 'Microsoft.Compute/virtualMachines@2024-03-01' = {
  name: 'batch'
  location: 'westeurope'
  properties: {
    osProfile: {
      computerName: 'batch'
      adminUsername: 'azureuser'
      windowsConfiguration: {}
    }
    networkProfile: {
      networkInterfaces: [{ id: nic.id }]
    }
  }
}
