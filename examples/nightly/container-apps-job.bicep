// A nightly job in Azure Container Apps. It signs in with a managed identity of its own, which needs the role that
// `portcullis permissions --for scan --as bicep` prints, on the management group or subscriptions to be read.

@description('Where the job runs.')
param location string = resourceGroup().location

@description('The id of the Container Apps environment.')
param environmentId string

@description('The image of Portcullis.')
param image string

@description('The host of the PostgreSQL server that holds the history.')
param historyHost string

@description('The name of the storage that the environment defines for the reports.')
param reportStorage string

@secure()
@description('The password of the history.')
param historyPassword string

@secure()
@description('The address of the Teams workflow that is told of changes.')
param teamsUrl string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-portcullis'
  location: location
}

resource job 'Microsoft.App/jobs@2024-03-01' = {
  name: 'portcullis-nightly'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      triggerType: 'Schedule'
      replicaTimeout: 10800
      replicaRetryLimit: 0
      scheduleTriggerConfig: {
        cronExpression: '10 2 * * *'
        parallelism: 1
        replicaCompletionCount: 1
      }
      secrets: [
        {
          name: 'history-password'
          value: historyPassword
        }
        {
          name: 'teams-url'
          value: teamsUrl
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'scan'
          image: image
          args: [
            'scan'
            '--all-subscriptions'
            '--auth'
            'managed-identity'
            '--managed-identity'
            identity.properties.clientId
            '--notify'
            'teams=env:TEAMS_URL'
            '--format'
            'html=/reports/last-night.html'
            '--log-format'
            'json'
          ]
          env: [
            {
              name: 'PORTCULLIS_HISTORY'
              value: 'postgres://portcullis@${historyHost}/nights'
            }
            {
              name: 'PGPASSWORD'
              secretRef: 'history-password'
            }
            {
              name: 'TEAMS_URL'
              secretRef: 'teams-url'
            }
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          volumeMounts: [
            {
              volumeName: 'reports'
              mountPath: '/reports'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'reports'
          storageType: 'AzureFile'
          storageName: reportStorage
        }
      ]
    }
  }
}

output principalId string = identity.properties.principalId
