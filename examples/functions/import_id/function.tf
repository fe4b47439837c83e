# What an object is imported by is rarely its id: an attachment is named by both of its ends.
output "import_id" {
  value = provider::driftmgr::import_id("aws_iam_role_policy_attachment", {
    role       = "app"
    policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
  })
}
