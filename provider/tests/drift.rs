//! The demo estate, changed behind terraform's back, as the data sources tell it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value as Json;
use xtask::estate;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

#[test]
fn a_check_block_says_what_drifted_and_a_data_source_what_nobody_manages() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(program) = tools::or_skip(tool) else { continue };
        let moto = estate::start().unwrap();
        let truth = estate::inject_drift(&moto).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("terraform-provider-driftmgr");
        std::fs::copy(env!("CARGO_BIN_EXE_terraform-provider-driftmgr"), binary).unwrap();
        let config = CliConfig::with_tools().unwrap().dev_override("catherinevee/driftmgr", folder.path());
        let root = RootFolder::empty(&program, &config, Some(&moto)).unwrap();
        let state = estate::directory().join("terraform.tfstate");
        let store = folder.path().join("store.db");
        let main = format!(
            r#"
terraform {{
  required_providers {{
    driftmgr = {{
      source = "catherinevee/driftmgr"
    }}
  }}
}}
provider "driftmgr" {{
  states  = ["{}"]
  store   = "{}"
  max_age = "1d"
}}
check "drift" {{
  data "driftmgr_drift" "checked" {{}}
  assert {{
    condition     = !data.driftmgr_drift.checked.drifted
    error_message = "It drifted: ${{jsonencode(data.driftmgr_drift.checked.by_kind)}}"
  }}
}}
data "driftmgr_drift" "this" {{}}
data "driftmgr_unmanaged_resources" "this" {{}}
output "drift" {{ value = data.driftmgr_drift.this }}
output "document" {{ value = jsondecode(data.driftmgr_drift.this.json) }}
output "unmanaged" {{ value = data.driftmgr_unmanaged_resources.this.resources }}
output "unmanaged_schema" {{ value = jsondecode(data.driftmgr_unmanaged_resources.this.json).schema }}
"#,
            state.display(),
            store.display()
        );
        root.write("main.tf", &main).unwrap();
        let applied = root.apply(10).unwrap();
        let outputs: Json = serde_json::from_str(&root.run(&["output", "-json"]).unwrap()).unwrap();
        let drift = &outputs["drift"]["value"];
        assert_eq!(drift["drifted"], true, "{drift}");
        assert!(drift["checked"].as_u64().unwrap() > 40, "{drift}");
        let findings = drift["findings"].as_array().unwrap();
        assert!(!findings.is_empty() && findings.iter().any(|finding| finding["fails"] == true));
        let document = &outputs["document"]["value"];
        assert_eq!(document["schema"], "driftmgr.drift/v1");
        assert_eq!(outputs["unmanaged_schema"]["value"], "driftmgr.drift/v1");
        let unmanaged = outputs["unmanaged"]["value"].as_array().unwrap();
        assert!(!unmanaged.is_empty());
        assert!(unmanaged.iter().all(|object| object["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
        let plan = root.try_run(&["plan", "-no-color"]).unwrap();
        let text = String::from_utf8_lossy(&plan.stdout).into_owned() + &String::from_utf8_lossy(&plan.stderr);
        assert!(
            text.contains("Check block assertion failed") && text.contains("It drifted: "),
            "{applied}\n{text}\n{truth}"
        );
    }
}
