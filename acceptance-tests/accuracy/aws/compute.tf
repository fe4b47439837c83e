resource "aws_instance" "web" {
  count                  = 2
  ami                    = "ami-12c6146b"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.private[count.index].id
  vpc_security_group_ids = [aws_security_group.split.id]

  tags = {
    Name = "${local.name}-web-${count.index}"
  }
}

resource "aws_launch_template" "web" {
  provider      = aws.plain
  name          = "${local.name}-web"
  image_id      = "ami-12c6146b"
  instance_type = "t3.micro"

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "from-template" }
  }
}

resource "aws_key_pair" "admin" {
  key_name   = "${local.name}-admin"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl admin@example.com"
}

resource "aws_lambda_function" "thumbs" {
  function_name = "${local.name}-thumbs"
  package_type  = "Image"
  image_uri     = "${aws_ecr_repository.image["api"].repository_url}:1"
  role          = aws_iam_role.task["worker"].arn
  memory_size   = 256

  image_config {
    command = ["thumbs.handler"]
  }

  environment {
    variables = {
      LEVEL = "info"
    }
  }
}

resource "aws_lambda_permission" "events" {
  statement_id  = "events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.thumbs.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.events.arn
}
