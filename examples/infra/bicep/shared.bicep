@export()
type sshKeyType = string

@export()
@description('What the rule for a port is called')
func portName(port string) string => 'allow-${port}'
