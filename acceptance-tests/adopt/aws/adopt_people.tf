data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "app" {
  for_each             = toset(["resize", "index", "mail"])
  name                 = "app-${each.key}"
  path                 = "/app/"
  description          = "Runs ${each.key}"
  max_session_duration = 7200
  assume_role_policy   = data.aws_iam_policy_document.lambda.json
  tags                 = local.tags
}

resource "aws_iam_policy" "app" {
  name        = "app"
  path        = "/app/"
  description = "What every app may do"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Read", Effect = "Allow", Action = ["s3:GetObject"], Resource = "${aws_s3_bucket.logs.arn}/*" },
      {
        Sid       = "Own"
        Effect    = "Allow"
        Action    = "iam:*AccessKey*"
        Resource  = "arn:aws:iam::*:user/$${aws:username}"
        Condition = { StringEquals = { "aws:RequestedRegion" = [var.region] } }
      },
    ]
  })

  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "app" {
  for_each   = aws_iam_role.app
  role       = each.value.name
  policy_arn = aws_iam_policy.app.arn
}

resource "aws_iam_user" "deployer" {
  name = "deployer"
  path = "/machines/"
  tags = merge(local.tags, { "contact@example.com" = "ops, 24/7" })
}

resource "aws_iam_user_policy" "deployer" {
  name = "deploy"
  user = aws_iam_user.deployer.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["lambda:UpdateFunctionCode"], Resource = aws_lambda_function.resize.arn }]
  })
}

resource "aws_iam_user_policy_attachment" "deployer" {
  user       = aws_iam_user.deployer.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_user_group_membership" "deployer" {
  user   = aws_iam_user.deployer.name
  groups = [aws_iam_group.machines.name]
}

resource "aws_iam_user_ssh_key" "deployer" {
  username   = aws_iam_user.deployer.name
  encoding   = "SSH"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl deployer@example.com"
}

resource "aws_iam_access_key" "deployer" {
  user = aws_iam_user.deployer.name
}

resource "aws_iam_user_login_profile" "operator" {
  user                    = aws_iam_user.operator[0].name
  password_reset_required = true
}

resource "aws_iam_group" "machines" {
  name = "machines"
  path = "/machines/"
}

resource "aws_iam_group_policy" "machines" {
  name  = "machines"
  group = aws_iam_group.machines.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = ["iam:*"], Resource = "*" }]
  })
}

resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://token.actions.example.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
  tags            = local.tags
}

# moto can't tag it.
resource "aws_iam_saml_provider" "office" {
  provider = aws.plain
  name     = "office"

  saml_metadata_document = <<-XML
    <?xml version="1.0" encoding="UTF-8"?>
    <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://login.example.com/office">
      <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
        <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
        <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://login.example.com/office/logout"/>
        <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://login.example.com/office/sso/post"/>
        <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://login.example.com/office/sso/redirect"/>
      </md:IDPSSODescriptor>
      <md:ContactPerson contactType="technical">
        <md:GivenName>Platform team</md:GivenName>
        <md:EmailAddress>platform@example.com</md:EmailAddress>
      </md:ContactPerson>
    </md:EntityDescriptor>
  XML
}

resource "aws_iam_account_alias" "shop" {
  account_alias = "shop-production"
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = 16
  require_lowercase_characters   = true
  require_numbers                = true
  require_uppercase_characters   = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
}

resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
}

resource "aws_kms_key" "data" {
  description         = "Data at rest"
  enable_key_rotation = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Root"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::123456789012:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
    ]
  })

  tags = local.tags
}

resource "aws_kms_key" "signing" {
  description              = "Signatures"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "RSA_2048"
  deletion_window_in_days  = 14
}

resource "aws_kms_alias" "service" {
  for_each      = { data = aws_kms_key.data.key_id, signing = aws_kms_key.signing.key_id }
  name          = "alias/shop/${each.key}"
  target_key_id = each.value
}

resource "aws_kms_grant" "resize" {
  name              = "resize"
  key_id            = aws_kms_key.data.key_id
  grantee_principal = aws_iam_role.app["resize"].arn
  operations        = ["Encrypt", "Decrypt", "GenerateDataKey"]
}

resource "aws_kms_key_policy" "main" {
  key_id = aws_kms_key.main.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "All", Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }]
  })
}

resource "aws_secretsmanager_secret" "api" {
  name                    = "shop/api"
  description             = "Keys of others"
  recovery_window_in_days = 7
  kms_key_id              = aws_kms_key.data.arn
  tags                    = local.tags
}

resource "aws_secretsmanager_secret_version" "api" {
  secret_id     = aws_secretsmanager_secret.api.id
  secret_string = jsonencode({ user = "shop", password = "planted-secret-never-print-me" })
}

resource "aws_secretsmanager_secret_policy" "api" {
  secret_arn = aws_secretsmanager_secret.api.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Apps"
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.app["mail"].arn }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}
