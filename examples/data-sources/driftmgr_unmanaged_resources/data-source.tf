# What exists and no state of ours manages.
data "driftmgr_unmanaged_resources" "this" {
  states = ["terraform.tfstate"]
  types  = ["aws_sqs_queue", "aws_sns_topic"]
}

output "unmanaged" {
  value = [for object in data.driftmgr_unmanaged_resources.this.resources : "${object.type} ${object.id}"]
}
