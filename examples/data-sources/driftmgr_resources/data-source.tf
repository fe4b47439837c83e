# Every queue, managed or not.
data "driftmgr_resources" "queues" {
  types = ["aws_sqs_queue"]
}

output "queues" {
  value = { for queue in data.driftmgr_resources.queues.resources : queue.arn => queue.name }
}
