variable "name" {
}

variable "count_of" {
  type = string
}

resource "terraform_data" "leaf" {
  count = var.count_of
  input = "${var.name}/${count.index}"
}

output "label" {
  value = join(",", [for index in range(var.count_of) : "${var.name}#${index}"])
}
