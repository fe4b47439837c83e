# Every plan says what drifted, without failing.
check "drift" {
  data "driftmgr_drift" "this" {
    states = ["terraform.tfstate"]
  }

  assert {
    condition = !data.driftmgr_drift.this.drifted
    error_message = join("\n", [
      for finding in data.driftmgr_drift.this.findings : "${finding.kind} ${finding.address}: ${finding.reason}"
    ])
  }

  assert {
    condition     = data.driftmgr_drift.this.complete
    error_message = join("\n", data.driftmgr_drift.this.causes)
  }
}
