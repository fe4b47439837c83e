terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.47"
    }
  }
}

provider "aws" {
  region = var.region

  # An emulator serves buckets by path; a real account accepts both.
  s3_use_path_style = true
  max_retries       = 2

  default_tags {
    tags = local.default_tags
  }
}

# Some AWS services live in us-east-1 only, so most real roots have a second region.
provider "aws" {
  alias             = "us_east_1"
  region            = "us-east-1"
  s3_use_path_style = true
  max_retries       = 2

  default_tags {
    tags = local.default_tags
  }
}
