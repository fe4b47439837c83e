resource "aws_iam_role" "task" {
  for_each = toset(["api", "worker"])
  name     = "${local.name}-${each.key}"

  # Spelled otherwise than the provider writes it back.
  assume_role_policy = <<-JSON
    {
      "Version": "2012-10-17",
      "Statement": [ { "Principal": { "Service": ["ecs-tasks.amazonaws.com"] }, "Effect": "Allow", "Action": ["sts:AssumeRole"] } ]
    }
  JSON
}

resource "aws_iam_policy" "read" {
  name = "${local.name}-read"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:ListBucket", "s3:GetObject"], Resource = "*" }]
  })
}

# The roles' `managed_policy_arns` and `inline_policy` are explained by these.
resource "aws_iam_role_policy_attachment" "read" {
  for_each   = aws_iam_role.task
  role       = each.value.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy" "queue" {
  name = "queue"
  role = aws_iam_role.task["worker"].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = module.queue["jobs"].arn }]
  })
}

resource "aws_iam_user" "operator" {
  count         = 2
  name          = "${local.name}-operator-${count.index}"
  force_destroy = true
}

resource "aws_iam_group" "operators" {
  name = "${local.name}-operators"
}

resource "aws_iam_group_membership" "operators" {
  name  = "${local.name}-operators"
  group = aws_iam_group.operators.name
  users = aws_iam_user.operator[*].name
}

resource "aws_iam_group_policy_attachment" "operators" {
  group      = aws_iam_group.operators.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_instance_profile" "web" {
  name = "${local.name}-web"
  role = aws_iam_role.task["api"].name
}
