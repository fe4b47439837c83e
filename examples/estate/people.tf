resource "aws_iam_user" "operator" {
  for_each = toset(["ada", "grace"])

  name = "${local.name}-${each.key}"
  path = "/operators/"
}

resource "aws_iam_policy" "read_pictures" {
  name        = "${local.name}-read-pictures"
  description = "Read the product pictures"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${aws_s3_bucket.pictures.arn}/*"]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "catalog_reads_pictures" {
  role       = module.service["catalog"].role_name
  policy_arn = aws_iam_policy.read_pictures.arn
}

resource "aws_iam_role_policy" "billing_sends" {
  name = "send-to-own-queue"
  role = module.service["billing"].role_name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = module.service["billing"].queue_arn
    }]
  })
}

resource "aws_iam_user_policy" "ada_lists_queues" {
  name = "list-queues"
  user = aws_iam_user.operator["ada"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sqs:ListQueues"
      Resource = "*"
    }]
  })
}

resource "aws_iam_user_policy_attachment" "ada_reads_pictures" {
  user       = aws_iam_user.operator["ada"].name
  policy_arn = aws_iam_policy.read_pictures.arn
}
