variable "name" {
  type = string
}

variable "timeout" {
  type = number
}

resource "aws_sqs_queue" "dead" {
  name = "${var.name}-dead"
}

resource "aws_sqs_queue" "work" {
  name                       = var.name
  visibility_timeout_seconds = var.timeout
}

resource "aws_sqs_queue_policy" "work" {
  queue_url = aws_sqs_queue.work.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = "sqs:SendMessage", Resource = aws_sqs_queue.work.arn }]
  })
}

output "arn" {
  value = aws_sqs_queue.work.arn
}

output "name" {
  value = aws_sqs_queue.work.name
}
