# Modules in modules, repeated by count and for_each, with values and providers passed down and outputs handed up.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

provider "aws" {
  alias                       = "west"
  region                      = local.regions["west"]
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  default_tags {
    tags = { by = "west" }
  }
}

variable "layers" {
  type = map(object({
    size  = optional(number, 2)
    names = optional(list(string), ["a", "b"])
  }))
  default = {
    core = { size = 1 }
    edge = { names = ["x", "y", "z"] }
  }
}

locals {
  regions = { west = "eu-west-1", north = "eu-north-1" }
  ids     = { for name, layer in module.layers : name => layer.count }
}

module "layers" {
  source   = "./layers"
  for_each = var.layers

  name  = each.key
  size  = each.value.size
  names = each.value.names
  tags  = { layer = each.key, of = length(var.layers) }

  providers = {
    aws       = aws
    aws.other = aws.west
  }
}

module "fan" {
  source = "./fan"
  count  = length(local.regions)

  index   = count.index
  regions = values(local.regions)
}

module "absent" {
  source = "./fan"
  count  = 0

  index   = 9
  regions = []
}

module "named" {
  source = "./named"

  inputs = merge(module.fan[0].labels, { second = one(module.fan[1][*].label) })
  absent = module.absent[*].label
}

resource "terraform_data" "all" {
  input = {
    ids    = local.ids
    labels = module.fan[*].label
    leaves = flatten([for layer in module.layers : layer.leaves])
    keys   = keys(module.layers)
    named  = module.named.outputs
    paths  = module.named.paths
  }
}

output "layers" {
  value = { for name, layer in module.layers : name => layer.leaves }
}

output "fan" {
  value = module.fan
}
