// The shop: web servers behind the subnet's group, a jump host with an address of its own.
import { sshKeyType, portName } from 'shared.bicep'

param location string = 'westeurope'
param prefix string

@minValue(1)
param webCount int = 2

@description('Who administers the machines')
param adminCidr string

@secure()
param sshKey sshKeyType

var vnet = '${prefix}-vnet'
var ports = [
  '22'
  '443'
]

module network 'modules/network.bicep' = {
  name: '${prefix}-network'
  params: {
    name: vnet
    location: location
    adminCidr: adminCidr
  }
}

resource jumpNsg 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {
  name: 'jump-nsg'
  location: location
  properties: {
    securityRules: [
      for (port, index) in ports: {
        name: portName(port)
        properties: {
          priority: 200 + index
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceAddressPrefix: 'Internet'
          destinationAddressPrefix: '*'
          destinationPortRange: port
        }
      }
    ]
  }
}

resource jumpIp 'Microsoft.Network/publicIPAddresses@2023-09-01' = {
  name: 'jump-ip'
  location: location
  sku: { name: 'Standard' }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource jumpNic 'Microsoft.Network/networkInterfaces@2023-09-01' = {
  name: 'jump-nic'
  location: location
  properties: {
    networkSecurityGroup: { id: jumpNsg.id }
    ipConfigurations: [
      {
        name: 'primary'
        properties: {
          subnet: { id: network.outputs.jumpSubnet }
          publicIPAddress: { id: jumpIp.id }
        }
      }
    ]
  }
}

resource jump 'Microsoft.Compute/virtualMachines@2024-03-01' = {
  name: 'jump'
  location: location
  properties: {
    hardwareProfile: { vmSize: 'Standard_B2s' }
    osProfile: {
      computerName: 'jump'
      adminUsername: 'azureuser'
      linuxConfiguration: {
        disablePasswordAuthentication: true
        ssh: { publicKeys: [{ path: '/home/azureuser/.ssh/authorized_keys', keyData: sshKey }] }
      }
    }
    networkProfile: {
      networkInterfaces: [{ id: jumpNic.id }]
    }
  }
}

resource webNics 'Microsoft.Network/networkInterfaces@2023-09-01' = [
  for number in range(1, webCount): {
    name: 'web-${number}-nic'
    location: location
    properties: {
      ipConfigurations: [
        {
          name: 'primary'
          properties: { subnet: { id: network.outputs.webSubnet } }
        }
      ]
    }
  }
]

resource webs 'Microsoft.Compute/virtualMachines@2024-03-01' = [
  for (number, index) in range(1, webCount): {
    name: 'web-${number}'
    location: location
    properties: {
      hardwareProfile: { vmSize: 'Standard_B2s' }
      osProfile: {
        computerName: 'web-${number}'
        adminUsername: 'azureuser'
        linuxConfiguration: { disablePasswordAuthentication: true }
      }
      networkProfile: {
        networkInterfaces: [{ id: webNics[index].id }]
      }
    }
  }
]

resource policy 'Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01' = {
  name: '${location}/default'
  kind: 'Basic'
  properties: {
    virtualMachines: [
      {
        id: webs[0].id
        ports: [
          for number in [22, 3389, 5985, 5986]: {
            number: number
            protocol: 'TCP'
            allowedSourceAddressPrefix: adminCidr
            maxRequestAccessDuration: 'PT3H'
          }
        ]
      }
    ]
  }
}
