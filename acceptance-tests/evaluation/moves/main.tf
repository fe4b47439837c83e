# Blocks about what was and what is to come: moved, import, removed and check.
resource "terraform_data" "renamed" {
  for_each = toset(["a", "b"])
  input    = "renamed ${each.key}"
}

moved {
  from = terraform_data.old
  to   = terraform_data.renamed["a"]
}

moved {
  from = terraform_data.plain
  to   = module.inner.terraform_data.within
}

resource "terraform_data" "imported" {
  input = "imported"
}

import {
  to = terraform_data.imported
  id = "imported-id"
}

removed {
  from = terraform_data.gone

  lifecycle {
    destroy = false
  }
}

module "inner" {
  source = "./inner"

  text       = terraform_data.renamed["b"].input
  depends_on = [terraform_data.imported]
}

check "inner" {
  assert {
    condition     = module.inner.text == "RENAMED B"
    error_message = "It is ${module.inner.text}."
  }
}

output "text" {
  value = module.inner.text
}
