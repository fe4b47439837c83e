variable "inputs" {
  type = map(any)
}

variable "absent" {
}

output "outputs" {
  value = { inputs = var.inputs, absent = var.absent, n_absent = length(var.absent) }
}

output "paths" {
  value = { module = path.module, root = path.root, workspace = terraform.workspace }
}
