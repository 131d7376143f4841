param name string
param location string
param adminCidr string
param space string = '10.20.0.0/16'

resource webNsg 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'web-nsg'
  location: location
  properties: {
    securityRules: [
      {
        name: 'ssh-from-office'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceAddressPrefix: adminCidr
          destinationAddressPrefix: '*'
          destinationPortRange: '22'
        }
      }
    ]
  }

  resource denyVnet 'securityRules' = {
    name: 'deny-vnet'
    properties: {
      priority: 4000
      direction: 'Inbound'
      access: 'Deny'
      protocol: '*'
      sourcePortRange: '*'
      sourceAddressPrefix: 'VirtualNetwork'
      destinationAddressPrefix: '*'
      destinationPortRange: '*'
    }
  }
}

resource network 'Microsoft.Network/virtualNetworks@2023-09-01' = {
  name: name
  location: location
  properties: {
    addressSpace: { addressPrefixes: [space] }
    subnets: [
      {
        name: 'web'
        properties: {
          addressPrefix: cidrSubnet(space, 24, 1)
          networkSecurityGroup: { id: webNsg.id }
        }
      }
      {
        name: 'jump'
        properties: { addressPrefix: cidrSubnet(space, 24, 2) }
      }
    ]
  }
}

output webSubnet string = network.properties.subnets[0].id
output jumpSubnet string = resourceId('Microsoft.Network/virtualNetworks/subnets', name, 'jump')
