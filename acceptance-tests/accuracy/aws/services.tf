module "queue" {
  source   = "./modules/queue"
  for_each = { jobs = 60, mails = 30 }

  name    = "${local.name}-${each.key}"
  timeout = each.value
}

resource "aws_sns_topic" "events" {
  name         = "${local.name}-events"
  display_name = "Events"
}

resource "aws_sns_topic_subscription" "jobs" {
  topic_arn = aws_sns_topic.events.arn
  protocol  = "sqs"
  endpoint  = module.queue["jobs"].arn
}

resource "aws_cloudwatch_log_group" "app" {
  for_each          = { api = 14, worker = 30 }
  name              = "/${local.name}/${each.key}"
  retention_in_days = each.value
}

resource "aws_cloudwatch_log_group" "plain" {
  provider = aws.plain
  name     = "/${local.name}/plain"
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "${local.name}-errors"
  log_group_name = aws_cloudwatch_log_group.app["api"].name
  pattern        = "ERROR"

  metric_transformation {
    name      = "Errors"
    namespace = "Accuracy"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_stream" "app" {
  name           = "app"
  log_group_name = aws_cloudwatch_log_group.app["api"].name
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "${local.name}-nightly"
  schedule_expression = "cron(0 3 * * ? *)"
}

resource "aws_cloudwatch_event_target" "nightly" {
  rule = aws_cloudwatch_event_rule.nightly.name
  arn  = module.queue["jobs"].arn
}

resource "aws_ssm_parameter" "setting" {
  for_each = { currency = "EUR", level = "info" }
  name     = "/${local.name}/${each.key}"
  type     = "String"
  value    = each.value
}

# Somebody else may change this one's value.
resource "aws_ssm_parameter" "shared" {
  name  = "/${local.name}/shared"
  type  = "String"
  value = "first"

  lifecycle {
    ignore_changes = [value]
  }
}
