variable "index" {
  type = number
}

variable "regions" {
  type = list(string)
}

locals {
  region = try(var.regions[var.index], "none")
}

output "label" {
  value = local.region
}

output "labels" {
  value = { for region in var.regions : upper(region) => region == local.region }
}
