resource "aws_s3_bucket" "pictures" {
  bucket = "${local.name}-pictures"

  tags = {
    Content = "public"
  }
}

resource "aws_s3_bucket" "exports" {
  bucket = "${local.name}-exports"
}

resource "aws_dynamodb_table" "carts" {
  name         = "${local.name}-carts"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "customer"
  range_key    = "product"

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "product"
    type = "S"
  }
}

resource "aws_kms_key" "main" {
  description             = "Encrypts the shop's data"
  deletion_window_in_days = 7
  enable_key_rotation     = true
}

resource "aws_kms_alias" "main" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_ssm_parameter" "setting" {
  for_each = {
    currency  = "EUR"
    log_level = "info"
  }

  name        = "/${local.name}/${each.key}"
  description = "Setting ${each.key} of the shop"
  type        = "String"
  value       = each.value
}

resource "aws_ssm_parameter" "database_password" {
  name   = "/${local.name}/database/password"
  type   = "SecureString"
  key_id = aws_kms_key.main.key_id
  value  = var.database_password
}
