# Added to the estate of ../../accuracy/aws: leaves that come and go, and arguments that refer to others.

resource "aws_ssm_parameter" "spare" {
  for_each = toset(["a", "b", "c", "d", "e", "f", "kept"])
  name     = "/${local.name}/spare/${each.key}"
  type     = "String"
  value    = "spare"
}

resource "aws_cloudwatch_log_group" "spare" {
  for_each = toset(["a", "b", "c", "d", "e", "f", "kept"])
  name     = "/${local.name}/spare/${each.key}"
}

resource "aws_sqs_queue" "spare" {
  for_each = toset(["a", "b", "c", "d", "e", "f", "kept"])
  name     = "${local.name}-spare-${each.key}"
}

resource "aws_sns_topic" "spare" {
  name = "${local.name}-spare"
}

resource "aws_iam_user" "spare" {
  name = "${local.name}-spare"
}

resource "aws_cloudwatch_log_group" "source" {
  name              = "/${local.name}/source"
  retention_in_days = 60
}

resource "aws_ssm_parameter" "follows" {
  name        = "/${local.name}/follows"
  type        = "String"
  value       = tostring(aws_cloudwatch_log_group.source.retention_in_days)
  description = "as long as the log"
}

resource "aws_sns_topic" "source" {
  name         = "${local.name}-source"
  display_name = "Source"
}

resource "aws_ssm_parameter" "title" {
  name  = "/${local.name}/title"
  type  = "String"
  value = "About ${aws_sns_topic.source.display_name}"
}

resource "aws_cloudwatch_event_rule" "title" {
  name                = "${local.name}-title"
  description         = aws_ssm_parameter.title.value
  schedule_expression = "rate(1 day)"
}
