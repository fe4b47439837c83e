# Rules written inside the group.
resource "aws_security_group" "inline" {
  name        = "${local.name}-inline"
  description = "rules inside"
  vpc_id      = aws_vpc.main.id

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8", "192.168.0.0/16"]
    description = "tls"
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# Rules in resources of their own, of both generations.
resource "aws_security_group" "split" {
  name        = "${local.name}-split"
  description = "rules outside"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "split" {
  for_each          = { http = 80, https = 443 }
  security_group_id = aws_security_group.split.id
  description       = each.key
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "split" {
  security_group_id = aws_security_group.split.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_security_group" "old" {
  name        = "${local.name}-old"
  description = "rules of the older kind"
  vpc_id      = aws_vpc.main.id
}

resource "aws_security_group_rule" "old" {
  for_each          = { db = 5432, cache = 6379 }
  security_group_id = aws_security_group.old.id
  type              = "ingress"
  protocol          = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_blocks       = ["10.0.0.0/8", "172.16.0.0/12"]
}

resource "aws_kms_key" "main" {
  description             = "accuracy"
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "main" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_secretsmanager_secret" "main" {
  name = "${local.name}/database"
}

resource "aws_secretsmanager_secret_version" "main" {
  secret_id     = aws_secretsmanager_secret.main.id
  secret_string = "planted-secret-never-print-me"
}
