# Queues that somebody made by hand, and that this root takes over. A person writes this list: it alone decides which
# resources exist, before the import and after it.
locals {
  adopted_queues = toset(["orders", "payments"])
}

# What no state manages yet.
data "driftmgr_unmanaged_resources" "queues" {
  types = ["aws_sqs_queue"]
}

# The import may be driven by data: once a queue is adopted it is not unmanaged any more, and its import disappears.
import {
  for_each = {
    for queue in data.driftmgr_unmanaged_resources.queues.resources : queue.name => queue.id
    if contains(local.adopted_queues, queue.name)
  }
  to = aws_sqs_queue.adopted[each.key]
  id = each.value
}

# The resource must not be. Were its for_each the data source, an adopted queue would leave the map, and the next plan
# would destroy it.
resource "aws_sqs_queue" "adopted" {
  for_each = local.adopted_queues
  name     = each.key
}
