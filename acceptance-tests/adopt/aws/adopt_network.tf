# More of the same estate as acceptance-tests/accuracy/aws, whose files lie beside these when it is applied: the types
# that a cloud somebody inherits is made of, as a person writes them.

locals {
  tags = {
    Team        = "platform"
    Environment = "production"
    CostCenter  = "4711"
  }
}

resource "aws_vpc" "edge" {
  cidr_block                       = "10.60.0.0/16"
  assign_generated_ipv6_cidr_block = true
  enable_dns_support               = true
  tags                             = merge(local.tags, { Name = "edge" })
}

resource "aws_subnet" "edge" {
  for_each                = { a = 0, b = 1 }
  vpc_id                  = aws_vpc.edge.id
  availability_zone       = "${var.region}${each.key}"
  cidr_block              = cidrsubnet(aws_vpc.edge.cidr_block, 8, each.value)
  map_public_ip_on_launch = true

  tags = {
    Name                     = "edge-${each.key}"
    "kubernetes.io/role/elb" = "1"
  }
}

resource "aws_egress_only_internet_gateway" "edge" {
  vpc_id = aws_vpc.edge.id
  tags   = { Name = "edge" }
}

resource "aws_internet_gateway" "edge" {
  vpc_id = aws_vpc.edge.id
  tags   = { Name = "edge" }
}

resource "aws_eip" "nat" {
  for_each = aws_subnet.edge
  domain   = "vpc"
  tags     = { Name = "nat-${each.key}" }
}

resource "aws_nat_gateway" "edge" {
  for_each      = aws_subnet.edge
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = each.value.id
  tags          = { Name = "edge-${each.key}" }
}

resource "aws_route_table" "edge" {
  vpc_id = aws_vpc.edge.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.edge.id
  }

  tags = { Name = "edge" }
}

resource "aws_main_route_table_association" "edge" {
  vpc_id         = aws_vpc.edge.id
  route_table_id = aws_route_table.edge.id
}

resource "aws_network_acl" "edge" {
  vpc_id = aws_vpc.edge.id
}

resource "aws_network_acl_rule" "edge" {
  for_each       = { 100 = 80, 110 = 443 }
  network_acl_id = aws_network_acl.edge.id
  rule_number    = each.key
  egress         = false
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = each.value
  to_port        = each.value
}

resource "aws_vpc_ipv4_cidr_block_association" "edge" {
  vpc_id     = aws_vpc.edge.id
  cidr_block = "10.61.0.0/16"
}

resource "aws_vpc_dhcp_options_association" "edge" {
  vpc_id          = aws_vpc.edge.id
  dhcp_options_id = aws_vpc_dhcp_options.main.id
}

resource "aws_vpc_peering_connection" "edge" {
  vpc_id      = aws_vpc.edge.id
  peer_vpc_id = aws_vpc.main.id
  auto_accept = true
  tags        = { Name = "edge to main" }
}

resource "aws_vpc_endpoint" "queue" {
  vpc_id             = aws_vpc.edge.id
  service_name       = "com.amazonaws.${var.region}.sqs"
  vpc_endpoint_type  = "Interface"
  subnet_ids         = [aws_subnet.edge["a"].id]
  security_group_ids = [aws_security_group.web.id]
}

resource "aws_vpc_endpoint_route_table_association" "s3" {
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
  route_table_id  = aws_route_table.split.id
}

resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5

  entry {
    cidr        = "203.0.113.0/24"
    description = "Hamburg"
  }

  entry {
    cidr        = "198.51.100.0/25"
    description = "Porto"
  }

  tags = local.tags
}

resource "aws_ec2_transit_gateway" "hub" {
  description     = "hub"
  amazon_side_asn = 64600
  tags            = { Name = "hub" }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "edge" {
  subnet_ids         = [for subnet in aws_subnet.edge : subnet.id]
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  vpc_id             = aws_vpc.edge.id
  tags               = { Name = "edge" }
}

resource "aws_ec2_transit_gateway_route_table" "hub" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  tags               = { Name = "hub" }
}

resource "aws_ec2_transit_gateway_route" "blackhole" {
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.hub.id
  destination_cidr_block         = "10.99.0.0/16"
  blackhole                      = true
}

resource "aws_customer_gateway" "hamburg" {
  bgp_asn    = 65010
  ip_address = "203.0.113.17"
  type       = "ipsec.1"
  tags       = { Name = "Hamburg" }
}

resource "aws_vpn_gateway" "edge" {
  vpc_id          = aws_vpc.edge.id
  amazon_side_asn = 64700
  tags            = { Name = "edge" }
}

resource "aws_vpn_connection" "hamburg" {
  vpn_gateway_id      = aws_vpn_gateway.edge.id
  customer_gateway_id = aws_customer_gateway.hamburg.id
  type                = "ipsec.1"
  tags                = { Name = "Hamburg" }
}

resource "aws_flow_log" "edge" {
  vpc_id                   = aws_vpc.edge.id
  traffic_type             = "REJECT"
  log_destination_type     = "s3"
  log_destination          = aws_s3_bucket.logs.arn
  max_aggregation_interval = 60
}

# Two groups that name each other.
resource "aws_security_group" "web" {
  name        = "web"
  description = "Web servers"
  vpc_id      = aws_vpc.edge.id
  tags        = { Name = "web" }
}

resource "aws_security_group" "database" {
  name        = "database"
  description = "Managed by the platform team; it's \"private\""
  vpc_id      = aws_vpc.edge.id
  tags        = { Name = "database" }
}

resource "aws_security_group_rule" "web_to_database" {
  security_group_id        = aws_security_group.web.id
  type                     = "egress"
  protocol                 = "tcp"
  from_port                = 5432
  to_port                  = 5432
  source_security_group_id = aws_security_group.database.id
}

resource "aws_security_group_rule" "database_from_web" {
  security_group_id        = aws_security_group.database.id
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = 5432
  to_port                  = 5432
  source_security_group_id = aws_security_group.web.id
  description              = "PostgreSQL"
}

resource "aws_security_group" "cluster" {
  name        = "cluster"
  description = "Members talk to each other"
  vpc_id      = aws_vpc.edge.id

  ingress {
    from_port = 0
    to_port   = 0
    protocol  = "-1"
    self      = true
  }

  ingress {
    from_port       = 8080
    to_port         = 8081
    protocol        = "tcp"
    security_groups = [aws_security_group.web.id]
    prefix_list_ids = [aws_ec2_managed_prefix_list.offices.id]
  }

  tags = { Name = "cluster" }
}
