resource "aws_instance" "web" {
  count = var.n_web_servers

  ami                    = var.image_id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.private[["a", "b", "c"][count.index % 3]].id
  vpc_security_group_ids = [aws_security_group.web.id]

  tags = {
    Name = "${local.name}-web-${count.index}"
    Role = "web"
  }
}

resource "aws_ecr_repository" "image" {
  for_each = toset(["web", "thumbnailer"])

  name                 = "${local.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
}

resource "aws_lambda_function" "thumbnailer" {
  function_name = "${local.name}-thumbnailer"
  description   = "Makes thumbnails of new product pictures"
  package_type  = "Image"
  image_uri     = "${aws_ecr_repository.image["thumbnailer"].repository_url}:1"
  role          = module.service["catalog"].role_arn
  memory_size   = 256
  timeout       = 30

  image_config {
    command = ["thumbnailer.handler"]
  }

  environment {
    variables = {
      BUCKET = aws_s3_bucket.pictures.bucket
    }
  }
}

resource "aws_lambda_permission" "pictures_call_thumbnailer" {
  statement_id  = "pictures-call"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.thumbnailer.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = aws_s3_bucket.pictures.arn
}
