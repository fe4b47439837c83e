# Who answers for a resource follows from the module it is in.
locals {
  address = provider::driftmgr::parse_address("module.shop[\"eu\"].aws_sqs_queue.orders[0]")
  owners  = { "module.shop[\"eu\"]" = "team-shop" }
}

output "owner" {
  value = lookup(local.owners, local.address.module, "nobody")
}

output "queue" {
  value = "${local.address.type} ${local.address.name}, number ${local.address.key}"
}
