module "service" {
  source = "./modules/service"
  for_each = {
    billing = { retention_in_days = 90 }
    catalog = { retention_in_days = 14 }
  }

  name              = "${local.name}-${each.key}"
  retention_in_days = each.value.retention_in_days
}

resource "aws_sns_topic" "orders" {
  name         = "${local.name}-orders"
  display_name = "Orders of the shop"
}

resource "aws_sns_topic_subscription" "billing_hears_of_orders" {
  topic_arn = aws_sns_topic.orders.arn
  protocol  = "sqs"
  endpoint  = module.service["billing"].queue_arn
}

resource "aws_sns_topic" "cost_alarms" {
  provider = aws.us_east_1

  name = "${local.name}-cost-alarms"
}

resource "aws_cloudwatch_log_group" "edge" {
  provider = aws.us_east_1

  name              = "/aws/cloudfront/${local.name}"
  retention_in_days = 30
}
