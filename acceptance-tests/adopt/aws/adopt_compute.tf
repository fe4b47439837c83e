resource "aws_network_interface" "worker" {
  subnet_id       = aws_subnet.edge["a"].id
  private_ips     = ["10.60.0.50"]
  security_groups = [aws_security_group.web.id]
  description     = "the address others know"
  tags            = { Name = "worker" }
}

resource "aws_instance" "worker" {
  ami                    = "ami-12c6146b"
  instance_type          = "t3.small"
  subnet_id              = aws_subnet.edge["b"].id
  vpc_security_group_ids = [aws_security_group.web.id, aws_security_group.cluster.id]
  key_name               = aws_key_pair.admin.key_name
  iam_instance_profile   = aws_iam_instance_profile.web.name
  ebs_optimized          = true

  user_data = <<-EOT
    #!/bin/bash
    set -eu
    for file in /etc/worker/*.conf; do
      echo "reading $${file##*/} at 100%%{nothing}"
    done
  EOT

  metadata_options {
    http_tokens = "required"
  }

  tags = merge(local.tags, { Name = "worker" })
}

resource "aws_ebs_volume" "worker" {
  availability_zone = "${var.region}b"
  size              = 20
  type              = "gp3"
  iops              = 3500
  throughput        = 200
  encrypted         = true
  kms_key_id        = aws_kms_key.data.arn
  tags              = { Name = "worker" }
}

resource "aws_volume_attachment" "worker" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.worker.id
  instance_id = aws_instance.worker.id
}

resource "aws_ebs_snapshot" "worker" {
  volume_id   = aws_ebs_volume.worker.id
  description = "before the migration"
  tags        = { Name = "worker" }
}

resource "aws_eip" "worker" {
  domain = "vpc"
  tags   = { Name = "worker" }
}

resource "aws_eip_association" "worker" {
  allocation_id = aws_eip.worker.id
  instance_id   = aws_instance.worker.id
}

resource "aws_launch_template" "batch" {
  name                   = "batch"
  description            = "Nightly batch"
  image_id               = "ami-12c6146b"
  instance_type          = "c6i.large"
  key_name               = aws_key_pair.admin.key_name
  vpc_security_group_ids = [aws_security_group.web.id]
  user_data              = base64encode("#!/bin/sh\necho batch\n")

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 30
      volume_type           = "gp3"
      delete_on_termination = true
      encrypted             = true
    }
  }

  iam_instance_profile {
    name = aws_iam_instance_profile.web.name
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "batch" })
  }

  tags = local.tags
}

resource "aws_lambda_function" "resize" {
  function_name = "resize"
  description   = "Makes pictures smaller"
  package_type  = "Image"
  image_uri     = "${aws_ecr_repository.image["worker"].repository_url}:1"
  role          = aws_iam_role.app["resize"].arn
  timeout       = 30
  memory_size   = 512
  publish       = true

  image_config {
    command = ["resize.handler"]
  }

  environment {
    variables = {
      BUCKET      = aws_s3_bucket.logs.bucket
      SIZES       = jsonencode([320, 640, 1280])
      DB_PASSWORD = "planted-secret-never-print-me"
      TEMPLATE    = "$${name} costs %%{price}"
    }
  }

  tags = local.tags
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What customers see"
  function_name    = aws_lambda_function.resize.function_name
  function_version = aws_lambda_function.resize.version
}

resource "aws_lambda_function_url" "resize" {
  function_name      = aws_lambda_function.resize.function_name
  authorization_type = "NONE"

  cors {
    allow_origins = ["https://example.com"]
    allow_methods = ["GET", "POST"]
    max_age       = 3600
  }
}

resource "aws_lambda_event_source_mapping" "resize" {
  event_source_arn = module.queue["jobs"].arn
  function_name    = aws_lambda_function.resize.arn
  batch_size       = 5
}

resource "aws_lambda_function_event_invoke_config" "resize" {
  function_name                = aws_lambda_function.resize.function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 1
}

resource "aws_cloudformation_stack" "legacy" {
  name = "legacy"

  parameters = {
    QueueName = "legacy-queue"
  }

  template_body = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Parameters               = { QueueName = { Type = "String" } }
    Resources                = { Queue = { Type = "AWS::SQS::Queue", Properties = { QueueName = { Ref = "QueueName" } } } }
  })

  tags = local.tags
}
