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
