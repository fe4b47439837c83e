# Blocks against real schemas: dynamic ones, nested ones, arguments that are written as blocks, and what terraform keeps
# for itself.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region                      = var.region
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  dynamic "default_tags" {
    for_each = var.tags == null ? [] : [var.tags]
    content {
      tags = default_tags.value
    }
  }
}

variable "region" {
  default = "eu-central-1"
}

variable "tags" {
  type    = map(string)
  default = { team = "platform" }
}

variable "rules" {
  type = list(object({
    port  = number
    to    = optional(number)
    cidrs = optional(list(string), ["10.0.0.0/8"])
    about = optional(string)
  }))
  default = [
    { port = 22 },
    { port = 8000, to = 8099, about = "a range", cidrs = ["10.1.0.0/16", "10.2.0.0/16"] },
  ]
}

variable "indexes" {
  default = {
    by_owner = { hash = "owner", range = "created" }
    by_state = { hash = "state", range = null }
  }
}

locals {
  keys = distinct(concat(["id"], flatten([for index in var.indexes : compact([index.hash, index.range])])))
}

resource "aws_security_group" "rules" {
  name        = "rules"
  description = "written as blocks"

  dynamic "ingress" {
    for_each = var.rules
    iterator = rule
    content {
      from_port   = rule.value.port
      to_port     = coalesce(rule.value.to, rule.value.port)
      protocol    = "tcp"
      cidr_blocks = rule.value.cidrs
      description = rule.value.about == null ? "rule ${rule.key}" : rule.value.about
    }
  }

  egress = [{
    from_port        = 0
    to_port          = 0
    protocol         = "-1"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = []
    prefix_list_ids  = []
    security_groups  = []
    self             = false
    description      = ""
  }]

  timeouts {
    create = "${5 * 2}m"
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [tags["Touched"], description]
  }
}

resource "aws_security_group" "none" {
  name = "none"

  dynamic "ingress" {
    for_each = []
    content {
      from_port = 1
      to_port   = 1
      protocol  = "tcp"
    }
  }
}

resource "aws_dynamodb_table" "table" {
  name         = "table"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = local.keys[0]

  dynamic "attribute" {
    for_each = toset(local.keys)
    content {
      name = attribute.key
      type = attribute.value == "created" ? "N" : "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.indexes
    content {
      name            = replace(global_secondary_index.key, "_", "-")
      hash_key        = global_secondary_index.value.hash
      range_key       = global_secondary_index.value.range
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = length(var.indexes) > 1
  }
}

resource "aws_s3_bucket" "logs" {
  bucket        = "logs-${lower(substr(sha1(var.region), 0, 8))}"
  force_destroy = "true"
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.bucket

  dynamic "rule" {
    for_each = { short = 7, long = 365 }
    content {
      id     = rule.key
      status = "Enabled"

      filter {
        dynamic "and" {
          for_each = rule.key == "long" ? [rule.value] : []
          content {
            prefix                   = "keep/"
            object_size_greater_than = and.value * 10
            tags                     = { keep = tostring(rule.value) }
          }
        }
      }

      expiration {
        days = rule.value
      }

      dynamic "transition" {
        for_each = [for index, class in ["STANDARD_IA", "GLACIER"] : { class = class, after = 30 * (index + 1) } if rule.value > 60]
        content {
          days          = transition.value.after
          storage_class = transition.value.class
        }
      }
    }
  }
}

data "aws_iam_policy_document" "reads" {
  dynamic "statement" {
    for_each = { for index, rule in var.rules : "Port${rule.port}" => rule.cidrs }
    content {
      sid       = statement.key
      actions   = ["s3:Get*", "s3:List*"]
      resources = formatlist("arn:aws:s3:::%s/*", ["logs", statement.key])

      condition {
        test     = "IpAddress"
        variable = "aws:SourceIp"
        values   = statement.value
      }
    }
  }
}

resource "aws_iam_role" "reader" {
  name = "reader"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = [for service in ["lambda", "ec2"] : "${service}.amazonaws.com"] }
    }]
  })
  tags = merge(var.tags, { Rules = length(var.rules) })
}

resource "aws_iam_role_policy" "reader" {
  name   = "reads"
  role   = aws_iam_role.reader.name
  policy = data.aws_iam_policy_document.reads.json
}

resource "aws_lambda_function" "reads" {
  function_name = "reads-${aws_iam_role.reader.name}"
  role          = "arn:aws:iam::123456789012:role/${aws_iam_role.reader.name}"
  runtime       = "python3.13"
  handler       = "index.handler"
  s3_bucket     = aws_s3_bucket.logs.bucket
  s3_key        = "${path.module}/reads.zip"
  memory_size   = max(128, 64 * length(var.rules))

  environment {
    variables = { for rule in var.rules : "PORT_${rule.port}" => try(rule.to, "none") == null ? "one" : "range" }
  }
}

output "keys" {
  value = local.keys
}

output "ingress" {
  value = [for rule in var.rules : "${rule.port}-${coalesce(rule.to, rule.port)}"]
}
