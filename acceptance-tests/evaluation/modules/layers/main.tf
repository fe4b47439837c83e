terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.other]
    }
  }
}

variable "name" {
  type = string
}

variable "size" {
  type = number
}

variable "names" {
  type = list(string)
}

variable "tags" {
  type    = map(string)
  default = {}
}

locals {
  tags = merge(var.tags, { Name = title(var.name) })
}

module "leaf" {
  source   = "./leaf"
  for_each = toset(var.names)

  name     = "${var.name}-${each.value}"
  count_of = var.size
}

resource "aws_sqs_queue" "own" {
  count = var.size

  name                       = format("%s-%02d", var.name, count.index)
  visibility_timeout_seconds = 30 * (count.index + 1)
  tags                       = local.tags
}

resource "aws_sqs_queue" "other" {
  provider = aws.other

  name = "${var.name}-other"
  tags = merge(local.tags, { first = one(slice(aws_sqs_queue.own[*].name, 0, min(1, var.size))) })
}

output "count" {
  value = length(aws_sqs_queue.own)
}

output "leaves" {
  value = [for name, leaf in module.leaf : leaf.label if name != "z"]
}
