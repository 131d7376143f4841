prefix     = "shop"
admin_cidr = "198.51.100.0/24"
