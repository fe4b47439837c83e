# Topics that somebody made by hand, and that this root takes over. A person writes this list: it alone decides which
# resources exist, before the import and after it.
locals {
  adopted_topics = toset(["orders", "payments"])
}

# What no state manages yet.
data "driftmgr_unmanaged_resources" "topics" {
  types = ["aws_sns_topic"]
}

# The import may be driven by data: once a topic is adopted it is not unmanaged any more, and its import disappears.
import {
  for_each = {
    for topic in data.driftmgr_unmanaged_resources.topics.resources : topic.name => topic.id
    if contains(local.adopted_topics, topic.name)
  }
  to = aws_sns_topic.adopted[each.key]
  id = each.value # from terraform and OpenTofu 1.12 on also: identity = each.value, with topic.identity above
}

# The resource must not be. Were its for_each the data source, an adopted topic would leave the map, and the next plan
# would destroy it.
resource "aws_sns_topic" "adopted" {
  for_each = local.adopted_topics
  name     = each.key
}
