# A queue that some other team makes by hand.
data "driftmgr_resource" "orders" {
  type = "aws_sqs_queue"
  name = "orders"
}

check "orders_queue" {
  assert {
    condition     = data.driftmgr_resource.orders.exists
    error_message = "The queue named orders is gone."
  }
}

output "orders" {
  value = data.driftmgr_resource.orders.exists ? jsondecode(data.driftmgr_resource.orders.json).attributes : null
}
