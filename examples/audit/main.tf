# A root of its own that audits another one: what drifted, what nobody manages, and how much of the account was seen.
# It manages nothing, so its plan is safe to run anywhere, on every pull request.
terraform {
  required_providers {
    driftmgr = {
      source = "catherinevee/driftmgr"
    }
  }
}

variable "state" {
  description = "The state to audit: a path, a folder or an s3:// URL"
  type        = string
}

provider "driftmgr" {
  states = [var.state]
}

data "driftmgr_drift" "this" {}

data "driftmgr_unmanaged_resources" "this" {}

check "drift" {
  assert {
    condition     = !data.driftmgr_drift.this.drifted
    error_message = "Drifted: ${join(", ", [for finding in data.driftmgr_drift.this.findings : finding.address if finding.fails])}"
  }
}

output "drift" {
  value = data.driftmgr_drift.this.by_kind
}

output "unmanaged" {
  value = { for object in data.driftmgr_unmanaged_resources.this.resources : object.type => object.id... }
}

output "as_of" {
  value = data.driftmgr_drift.this.as_of
}
