using 'main.bicep'

param prefix = 'shop'
param adminCidr = '198.51.100.0/24'
param sshKey = az.getSecret('00000000-0000-0000-0000-000000000000', 'keys', 'shop', 'ssh')
