//! The pairs of a real provider and a real server: terraform creates the root in the server, its plan is clean, and what
//! each list of drifts claims is what terraform sees.

#[path = "pairs/kubernetes.rs"]
mod kubernetes;
#[path = "pairs/rabbitmq.rs"]
mod rabbitmq;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use xtask::drifts::{self, Drift, Kind, Object};
use xtask::pairs::{Pair, Running};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools;

/// Plans the root, and gives what is to be done with each resource.
fn planned(root: &RootFolder<'_>) -> BTreeMap<String, Vec<String>> {
    root.run(&["plan", "-no-color", "-input=false", "-out=plan"]).expect("terraform plan");
    let plan: Value = serde_json::from_str(&root.run(&["show", "-json", "plan"]).expect("a plan")).expect("JSON");
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    changes
        .iter()
        .map(|change| {
            let actions = change["change"]["actions"].as_array().expect("actions");
            let actions = actions.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            (change["address"].as_str().expect("an address").to_owned(), actions)
        })
        .collect()
}

/// Makes every change of a pair's list, as many at once as do not touch the same object, and compares what terraform
/// plans with what the list claims; objects that nobody manages are imported by the ids it gives. Each round has a server of its own: some changes no apply can undo.
fn check_drifts(pair: Pair) {
    let Some(program) = terraform_with(pair.tools()) else { return };
    let mut left = pair.drifts().expect("a list of drifts");
    let of_kind = |kind| left.iter().filter(|drift| drift.kind == kind).count();
    let n_noises = of_kind(Kind::Noise);
    assert!(left.len() - n_noises >= 12 && n_noises >= 6, "{} drifts, {n_noises} noises", left.len() - n_noises);
    for kind in [Kind::Changed, Kind::Missing, Kind::Unmanaged] {
        assert!(of_kind(kind) >= 3, "{kind:?}");
    }
    while !left.is_empty() {
        let drawn: Vec<Drift> = drifts::draw(&left, 1, usize::MAX, usize::MAX).into_iter().cloned().collect();
        let Running { root, server, environment } = pair.start(&program).expect("the pair starts");
        for drift in &drawn {
            drifts::inject(server.as_ref(), drift).expect("the change is made");
        }
        let plan = planned(&root);
        for drift in &drawn {
            for address in &drift.addresses {
                let actions = plan.get(address).unwrap_or_else(|| panic!("{:?}: no {address} in the plan", drift.name));
                let is_as_claimed = match drift.kind {
                    Kind::Changed => actions.iter().any(|action| action == "update" || action == "delete"),
                    Kind::Missing => actions == &["create"],
                    Kind::Unmanaged | Kind::Noise => actions == &["no-op"],
                };
                assert!(is_as_claimed, "{:?}: {address}: {actions:?}", drift.name);
            }
        }
        let touched: BTreeSet<&String> = drawn.iter().flat_map(|drift| &drift.addresses).collect();
        for (address, actions) in &plan {
            assert!(
                touched.contains(address) || actions == &["no-op"],
                "{address}: {actions:?}, and nobody touched it"
            );
        }
        let objects: Vec<&Object> = drawn.iter().flat_map(|drift| &drift.objects).collect();
        if !objects.is_empty() {
            check_ids(pair, &objects, &program, environment);
        }
        let names: BTreeSet<&String> = drawn.iter().map(|drift| &drift.name).collect();
        left.retain(|drift| !names.contains(&drift.name));
    }
}

/// Imports objects that were created by hand, by the ids that the list gives.
fn check_ids(pair: Pair, objects: &[&Object], program: &Path, environment: Vec<(String, String)>) {
    let config = CliConfig::with_tools().expect("the tools' directory");
    let root = RootFolder::empty(program, &config, None).expect("an empty root").with_environment(environment);
    let (source, name) = pair.provider();
    let mut text = format!("terraform {{\n  required_providers {{\n    {name} = {{ source = {source:?} }}\n  }}\n}}\n");
    for (index, object) in objects.iter().enumerate() {
        text.push_str(&format!("resource \"{}\" \"n{index}\" {{}}\n", object.resource_type));
    }
    root.write("main.tf", &text).expect("a root module");
    root.init().expect("terraform init");
    for (index, object) in objects.iter().enumerate() {
        let address = format!("{}.n{index}", object.resource_type);
        root.run(&["import", "-no-color", "-input=false", &address, &object.id]).expect("the object is imported");
    }
}

fn is_running(process_id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Returns terraform or tofu, where all these tools are there too.
fn terraform_with(needed: &[tools::Tool]) -> Option<PathBuf> {
    for &tool in needed {
        tools::or_skip(tool)?;
    }
    match tools::terraform_or_tofu() {
        Ok(program) => Some(program),
        Err(error) => {
            tools::skip(&format!("{error:#}"));
            None
        }
    }
}
