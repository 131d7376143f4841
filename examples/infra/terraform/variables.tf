variable "location" {
  type    = string
  default = "westeurope"
}

variable "prefix" {
  type = string
}

variable "web_count" {
  type    = number
  default = 2
}

variable "admin_cidr" {
  type = string
}

variable "ssh_key" {
  type      = string
  sensitive = true
}
