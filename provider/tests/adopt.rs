//! `examples/adopt-in-terraform` works in a real terraform with the real AWS provider: apply, import, look again, plan,
//! and nothing to destroy. In OpenTofu the same, by identity in place of the id.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use xtask::moto::Moto;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

#[test]
fn what_is_adopted_stays() {
    let needed = [Tool::Moto, Tool::Aws];
    if needed.into_iter().any(|tool| tools::or_skip(tool).is_none()) {
        return;
    }
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(program) = tools::or_skip(tool) else { continue };
        let moto = Moto::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let platform = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
        // Each CLI looks below its own registry's name.
        for host in ["registry.terraform.io", "registry.opentofu.org"] {
            let place = folder.path().join("mirror").join(host).join("catherinevee/driftmgr/0.1.0").join(platform);
            std::fs::create_dir_all(&place).unwrap();
            let binary = env!("CARGO_BIN_EXE_terraform-provider-driftmgr");
            std::fs::copy(binary, place.join("terraform-provider-driftmgr_v0.1.0")).unwrap();
        }
        let config = CliConfig::with_tools().unwrap().mirror(&folder.path().join("mirror"));
        let example = xtask::repository().join("examples/adopt-in-terraform");
        let root = RootFolder::copy_of(&example, &program, &config, Some(&moto)).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = root.command(&program);
            command.args(arguments).env("DRIFTMGR_STORE", folder.path().join("store.db"));
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {text}");
            text
        };

        // The root as it was before anybody thought of adopting.
        let adopt = root.path().join("adopt.tf");
        let text = std::fs::read_to_string(&adopt).unwrap();
        std::fs::remove_file(&adopt).unwrap();
        run(&["init", "-no-color", "-input=false"]);
        run(&["apply", "-no-color", "-input=false", "-auto-approve"]);
        // Somebody makes topics by hand, more than the list adopts.
        let mut boto = Command::new(moto.python());
        moto.configure(&mut boto);
        let script =
            "import boto3\nfor name in ['orders', 'payments', 'scratch']: boto3.client('sns').create_topic(Name=name)";
        assert!(boto.args(["-c", script]).status().unwrap().success());

        // Terraform takes an identity from 1.12 on, and so does the OpenTofu of the tests.
        let by_identity =
            text.replace("=> topic.id", "=> topic.identity").replace("  id = each.value", "  identity = each.value");
        assert_ne!(by_identity, text);
        std::fs::write(&adopt, if tool == Tool::Tofu { by_identity } else { text }).unwrap();
        let plan = run(&["plan", "-no-color", "-input=false"]);
        assert!(plan.contains("Plan: 2 to import, 0 to add, "), "{plan}");
        assert!(plan.contains("0 to destroy"), "{plan}");
        let applied = run(&["apply", "-no-color", "-input=false", "-auto-approve"]);
        assert!(applied.contains("2 imported, 0 added, ") && applied.contains("0 destroyed"), "{applied}");

        // Look again: the store is thrown away, so the next answer is a new one.
        std::fs::remove_file(folder.path().join("store.db.published")).unwrap();
        let plan = run(&["plan", "-no-color", "-input=false", "-detailed-exitcode"]);
        assert!(plan.contains("No changes"), "{plan}");
        let state = run(&["state", "list"]);
        assert!(state.contains("aws_sns_topic.adopted[\"orders\"]"), "{state}");
        assert!(!state.contains("scratch"), "{state}");
    }
}
