# Every place a value of a variable can come from, and every form a type can have.
variable "from_default" {
  type    = string
  default = "default"
}

variable "from_environment" {
  type    = string
  default = "default"
}

variable "from_tfvars" {
  type    = string
  default = "default"
}

variable "from_tfvars_json" {
  type    = string
  default = "default"
}

variable "from_auto" {
  type    = string
  default = "default"
}

variable "from_later_auto" {
  type    = string
  default = "default"
}

variable "from_auto_json" {
  type    = string
  default = "default"
}

variable "from_file" {
  type    = string
  default = "default"
}

variable "from_argument" {
  type    = string
  default = "default"
}

variable "from_last_argument" {
  type    = string
  default = "default"
}

variable "list_in_environment" {
  type = list(number)
}

variable "any_in_environment" {
  type = any
}

variable "text_that_looks_like_a_list" {
  type = string
}

variable "converted" {
  type = object({
    number = number
    text   = string
    flag   = bool
    set    = set(string)
    list   = list(string)
    map    = map(string)
    tuple  = tuple([string, number])
  })
}

variable "optional" {
  type = object({
    name    = string
    size    = optional(number, 3)
    comment = optional(string)
    ports = optional(list(object({
      number   = number
      protocol = optional(string, "tcp")
      ranges   = optional(set(string), ["0.0.0.0/0", "::/0"])
    })), [])
    labels = optional(map(string), { by = "default" })
    nested = optional(object({
      deep = optional(object({ deeper = optional(bool, true) }), {})
    }), {})
  })
}

variable "optional_map" {
  type = map(object({
    weight = optional(number, 1)
    extra  = optional(any)
  }))
  default = {
    one = {}
    two = { weight = 2 }
    nil = { weight = null }
  }
}

variable "not_nullable" {
  type     = string
  default  = "the default"
  nullable = false
}

variable "nullable" {
  type    = string
  default = "the default"
}

variable "any" {
  default = { a = [1, "two", { three = true }], b = null }
}

variable "secret" {
  type      = string
  default   = "hunter2"
  sensitive = true
}

variable "checked" {
  type    = number
  default = 3

  validation {
    condition     = var.checked > 1 && var.checked < 10
    error_message = "It is ${var.checked}."
  }
}

locals {
  values = {
    from_default       = var.from_default
    from_environment   = var.from_environment
    from_tfvars        = var.from_tfvars
    from_tfvars_json   = var.from_tfvars_json
    from_auto          = var.from_auto
    from_later_auto    = var.from_later_auto
    from_auto_json     = var.from_auto_json
    from_file          = var.from_file
    from_argument      = var.from_argument
    from_last_argument = var.from_last_argument
    list               = var.list_in_environment
    any                = var.any_in_environment
    text               = var.text_that_looks_like_a_list
    converted          = var.converted
    optional           = var.optional
    optional_map       = var.optional_map
    not_nullable       = var.not_nullable
    nullable           = var.nullable
    untyped            = var.any
    checked            = var.checked
  }
}

resource "terraform_data" "each" {
  for_each = { for name, value in local.values : name => value if value != null }
  input    = each.value
}

resource "terraform_data" "secret" {
  input = { upper = upper(var.secret), length = length(var.secret) }
}

output "values" {
  value = local.values
}

output "secret" {
  value     = var.secret
  sensitive = true
}
