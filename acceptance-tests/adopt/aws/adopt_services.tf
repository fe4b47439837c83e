resource "aws_sqs_queue" "regional" {
  for_each                   = toset(["orders", "payments", "refunds", "returns"])
  name                       = each.key
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  tags                       = local.tags
}

resource "aws_sqs_queue" "ordered" {
  name                        = "ledger.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  kms_master_key_id           = aws_kms_key.data.id
}

resource "aws_sns_topic" "alerts" {
  name              = "alerts"
  kms_master_key_id = aws_kms_key.data.id
  tags              = local.tags
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.alerts.arn
    }]
  })
}

resource "aws_sns_topic_subscription" "filtered" {
  topic_arn            = aws_sns_topic.alerts.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.regional["orders"].arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ severity = ["high", "critical"], source = [{ prefix = "shop." }] })
}

resource "aws_sns_platform_application" "app" {
  name                = "app"
  platform            = "GCM"
  platform_credential = "planted-secret-never-print-me"
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  policy_name = "events"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "arn:aws:logs:${var.region}:123456789012:log-group:/events/*"
    }]
  })
}

resource "aws_cloudwatch_log_subscription_filter" "errors" {
  name            = "errors"
  log_group_name  = aws_cloudwatch_log_group.app["worker"].name
  filter_pattern  = "{ $.level = \"error\" }"
  destination_arn = aws_lambda_function.resize.arn
}

resource "aws_cloudwatch_log_destination" "central" {
  name       = "central"
  role_arn   = aws_iam_role.app["index"].arn
  target_arn = "arn:aws:kinesis:${var.region}:123456789012:stream/central"
}

resource "aws_cloudwatch_event_bus" "shop" {
  name = "shop"
  tags = local.tags
}

resource "aws_cloudwatch_event_rule" "orders" {
  name           = "orders"
  description    = "Orders that were paid"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  event_pattern  = jsonencode({ source = ["shop.orders"], "detail-type" = ["OrderPaid"] })
}

resource "aws_cloudwatch_event_target" "orders" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "queue"
  arn            = aws_sqs_queue.regional["orders"].arn

  input_transformer {
    input_paths    = { id = "$.detail.id" }
    input_template = "{\"order\": <id>}"
  }
}

resource "aws_cloudwatch_event_archive" "shop" {
  name             = "shop"
  event_source_arn = aws_cloudwatch_event_bus.shop.arn
  retention_days   = 30
}

resource "aws_cloudwatch_event_connection" "partner" {
  name               = "partner"
  authorization_type = "API_KEY"

  auth_parameters {
    api_key {
      key   = "x-api-key"
      value = "planted-secret-never-print-me"
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "partner" {
  name                             = "partner"
  invocation_endpoint              = "https://partner.example.com/orders"
  http_method                      = "POST"
  invocation_rate_limit_per_second = 20
  connection_arn                   = aws_cloudwatch_event_connection.partner.arn
}

resource "aws_cloudwatch_event_permission" "partner" {
  principal      = "210987654321"
  statement_id   = "partner"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
}

resource "aws_ssm_parameter" "secret" {
  name        = "/shop/token"
  description = "Token of the partner"
  type        = "SecureString"
  value       = "planted-secret-never-print-me"
  key_id      = aws_kms_key.data.key_id
  tags        = local.tags
}

resource "aws_ssm_parameter" "list" {
  name  = "/shop/countries"
  type  = "StringList"
  value = "de,pt,nl"
}

resource "aws_ssm_document" "restart" {
  name            = "restart"
  document_type   = "Command"
  document_format = "YAML"
  content         = <<-DOC
    schemaVersion: '2.2'
    description: Restart the worker
    mainSteps:
      - action: aws:runShellScript
        name: restart
        inputs:
          runCommand:
            - systemctl restart worker
  DOC
}

resource "aws_ssm_maintenance_window" "sunday" {
  name     = "sunday"
  schedule = "cron(0 2 ? * SUN *)"
  duration = 3
  cutoff   = 1
}
