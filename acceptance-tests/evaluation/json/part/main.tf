variable "text" {}

output "text" {
  value = "part of ${var.text}"
}
