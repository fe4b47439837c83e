variable "name" {
  description = "Full name of the service."
  type        = string
}

variable "retention_in_days" {
  description = "How long the service's logs are kept."
  type        = number
}

resource "aws_iam_role" "task" {
  name        = var.name
  description = "What ${var.name} may do"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"] }
    }]
  })
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${var.name}-dead-letter"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "work" {
  name                       = "${var.name}-work"
  visibility_timeout_seconds = 60
}

resource "aws_cloudwatch_log_group" "service" {
  name              = "/shop/${var.name}"
  retention_in_days = var.retention_in_days
}

output "role_arn" {
  description = "ARN of the role the service runs as."
  value       = aws_iam_role.task.arn
}

output "role_name" {
  description = "Name of the role the service runs as."
  value       = aws_iam_role.task.name
}

output "queue_url" {
  description = "URL of the work queue."
  value       = aws_sqs_queue.work.url
}

output "queue_arn" {
  description = "ARN of the work queue."
  value       = aws_sqs_queue.work.arn
}
