# Expressions: operators, conditions, comprehensions, splats, templates, and what happens to null, unknown and sensitive.
resource "terraform_data" "source" {
  input = { known = "yes", list = [1, 2] }
}

variable "secret" {
  default   = "hidden"
  sensitive = true
}

variable "nothing" {
  default = null
}

locals {
  numbers = {
    sum       = 0.1 + 0.2
    large     = 123456789012345678901234567890 * 10
    quotient  = 10 / 4
    third     = 1 / 3
    remainder = -7 % 3
    negative  = -(3 - 5)
    exponent  = 1.5e3
    text      = "7" + 1
  }
  logic = {
    and     = true && !false
    or      = false || "true"
    equal   = { a = [1, "2"] } == { a = [1, "2"] }
    types   = 1 == "1"
    order   = 2 < 10 && "2" != 2
    null_is = var.nothing == null
  }
  conditions = {
    unified = true ? 1 : "x"
    lists   = false ? ["a"] : ["b", "c"]
    objects = true ? { a = 1, b = "x" } : { a = 2, b = "y" }
    null    = var.nothing == null ? "none" : var.nothing
    lazy    = length([]) > 0 ? [][0] : "empty"
  }
  fruits = [{ name = "apple", count = 3, tags = ["red"] }, { name = "pear", count = 0, tags = ["green", "soft"] }]
  comprehensions = {
    tuple    = [for index, fruit in local.fruits : "${index}:${fruit.name}" if fruit.count > 0]
    object   = { for fruit in local.fruits : upper(fruit.name) => fruit.count }
    grouped  = { for word in ["ant", "ape", "bee"] : substr(word, 0, 1) => word... }
    of_map   = [for key, value in { b = 2, a = 1 } : "${key}=${value}"]
    of_set   = [for value in toset(["z", "y", "z"]) : value]
    nested   = { for outer in ["x", "y"] : outer => [for inner in range(2) : "${outer}${inner}"] }
    shadowed = [for local in ["a"] : local]
  }
  splats = {
    attribute = local.fruits[*].name
    deep      = local.fruits[*].tags[*]
    legacy    = local.fruits.*.count
    of_null   = var.nothing[*]
    of_one    = "single" [*]
    index     = local.fruits[*].tags[0]
  }
  templates = {
    plain    = "a ${1 + 1} b"
    escaped  = "$${not} %%{if}"
    control  = "%{if length(local.fruits) > 1}many%{else}few%{endif}"
    loop     = "%{for index, fruit in local.fruits}${index > 0 ? ", " : ""}${fruit.name}%{endfor}"
    stripped = "  ${~" x "~}  y"
    heredoc  = <<-EOT
      first ${upper("line")}
        indented
      %{~for fruit in local.fruits}
      - ${fruit.name}
      %{~endfor}
      last
    EOT
    raw      = <<EOT
  kept as it is \n
EOT
    unicode  = "e\u0301 is ${length("e\u0301")}"
    number   = "${1.50} ${true} ${1e10}"
  }
  duplicates = { (format("%s", "a")) = 1, "b" = 2, b = 3 }
  unknowns = {
    id      = terraform_data.source.id
    text    = "id-${terraform_data.source.id}"
    beside  = [terraform_data.source.id, "known"]
    map     = { known = 1, unknown = terraform_data.source.id }
    choice  = terraform_data.source.id == "x" ? "a" : "b"
    is_null = terraform_data.source.id == null
    length  = length([terraform_data.source.id, "x"])
    input   = terraform_data.source.input.known
    output  = terraform_data.source.output
  }
  secrets = {
    text = "x${var.secret}"
    open = nonsensitive(length(var.secret))
    list = [var.secret, "open"]
  }
  circle_free = { a = local.numbers.sum, b = local.circle_of }
  circle_of   = keys(local.logic)
  index       = { by_key = local.duplicates["b"], by_number = ["a", "b"][1], text = local.fruits["1"].name }
}

resource "terraform_data" "each" {
  for_each = {
    numbers        = local.numbers
    logic          = local.logic
    conditions     = local.conditions
    comprehensions = local.comprehensions
    splats         = local.splats
    templates      = local.templates
    duplicates     = local.duplicates
    unknowns       = local.unknowns
    index          = local.index
    circle_free    = local.circle_free
  }
  input            = each.value
  triggers_replace = [each.key, length(each.value)]
}

resource "terraform_data" "counted" {
  count = length(local.fruits)
  input = "${local.fruits[count.index].name} ${count.index + 1}/${length(local.fruits)}"
}

resource "terraform_data" "refers" {
  input = {
    all   = terraform_data.counted[*].input
    first = terraform_data.counted[0].input
    keyed = [for key, one in terraform_data.each : key if one.triggers_replace != null]
    deep  = terraform_data.each["numbers"].input.sum
    count = length(terraform_data.counted)
  }

  lifecycle {
    precondition {
      condition     = length(local.fruits) > 0
      error_message = "There are no fruits."
    }
    replace_triggered_by = [terraform_data.counted]
  }
}

resource "terraform_data" "secrets" {
  input = local.secrets
}

output "numbers" {
  value = local.numbers
}

output "unknowns" {
  value = local.unknowns
}

output "secrets" {
  value     = local.secrets
  sensitive = true

  precondition {
    condition     = local.secrets.open == 6
    error_message = "It has another length."
  }
}
