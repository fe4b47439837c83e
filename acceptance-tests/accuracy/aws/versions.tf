# A busier estate than examples/estate: applied once and left alone, it makes `terraform plan -refresh-only` report half
# of its instances as changed. What is special about a resource is said beside it.
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.47"
    }
  }
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

locals {
  name  = "acc"
  zones = ["a", "b", "c"]
}

provider "aws" {
  region            = var.region
  s3_use_path_style = true
  max_retries       = 2

  default_tags {
    tags = {
      Project = "accuracy"
    }
  }
}

# Without default tags, `tags` is null in the state and {} after a refresh.
provider "aws" {
  alias             = "plain"
  region            = var.region
  s3_use_path_style = true
  max_retries       = 2
}
