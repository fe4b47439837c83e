terraform {
  # import blocks with for_each
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
    driftmgr = {
      source = "catherinevee/driftmgr"
    }
  }
}

provider "aws" {}

provider "driftmgr" {
  # What is managed: this root's own state. Name every state of the account here.
  states = ["terraform.tfstate"]
}

# Something this root has always managed.
resource "aws_sns_topic" "alarms" {
  name = "alarms"
}
