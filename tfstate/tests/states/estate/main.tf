# The estate whose state is committed beside this directory: every shape an address can have, made by the builtin
# provider alone. `tests/terraform.rs` makes it again.
resource "terraform_data" "plain" {
  input = { size = 12345678901234567890, ratio = 0.1, name = "é \u2028 <&>", secret = sensitive("s3cr3t-value") }
}

resource "terraform_data" "counted" {
  count = 11
  input = count.index
}

resource "terraform_data" "keyed" {
  for_each = toset([
    "", "plain", "with space", "quote\"inside", "back\\slash", "new\nline", "tab\there", "$${template}", "%%{directive}",
    "$single", "$$", "$", "%", "ümlaut", "日本", "😀", "nul-ish\u0001", "zero\u200bwidth", "nbsp\u00a0", "a.b[0]", "]", "10", "9",
    "line\u2028separator", "private\ue000use", "combining\u0301", "{", "/", "#", "'", "`",
  ])
  input = each.key
}

resource "terraform_data" "tainted" {
  provisioner "local-exec" {
    command    = "exit 1"
    on_failure = fail
  }
}

data "terraform_remote_state" "other" {
  backend = "local"
  config = {
    path = "${path.module}/other.tfstate"
  }
}

module "one" {
  source = "./child"
}

module "counted" {
  source = "./child"
  count  = 2
}

module "keyed" {
  source   = "./child"
  for_each = toset(["a", "b.c", "\"q\""])
}

check "size" {
  assert {
    condition     = terraform_data.plain.output.ratio < 0
    error_message = "The ratio is not negative."
  }
}

output "secret" {
  value     = terraform_data.plain.output.secret
  sensitive = true
}

output "numbers" {
  value = [terraform_data.plain.output.size, 0.1, 1e30]
}

output "nothing" {
  value = null
}
