# What was looked at for these types, when, and what went wrong.
data "driftmgr_coverage" "this" {
  types = ["aws_sqs_queue", "aws_sns_topic"]
}

output "not_seen" {
  value = data.driftmgr_coverage.this.causes
}
