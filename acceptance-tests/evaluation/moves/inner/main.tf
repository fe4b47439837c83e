variable "text" {
  type = string

  validation {
    condition     = length(var.text) > 2
    error_message = "Too short."
  }
}

resource "terraform_data" "within" {
  input = upper(var.text)

  lifecycle {
    postcondition {
      condition     = self.input != ""
      error_message = "Empty."
    }
  }
}

output "text" {
  value = upper(var.text)
}
