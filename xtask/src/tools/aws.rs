//! Builds the `hashicorp/aws` provider, reduced to the services the estate needs.
//!
//! Whole, the provider takes half an hour of CPU time and 9 GB of memory to build. Its services are packages that two
//! generated lists name; a copy of the module with fewer names in them builds in a fifth of the time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{go, reduce};

pub(super) const VERSION: &str = "6.47.1";
const MODULE: &str = "github.com/hashicorp/terraform-provider-aws";
/// The commit of [`VERSION`]: the module's path has no major version, so Go serves it under a pseudo-version only.
const MODULE_VERSION: &str = "v1.60.1-0.20260602190131-5f2286d6d836";

/// The service packages to keep. Reading the tags of a bucket goes through `s3control`.
const SERVICES: &[&str] = &[
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "meta",
    "resourcegroupstaggingapi",
    "s3",
    "s3control",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
];

/// Returns a short key of the service list, for the binary's file name.
pub(super) fn services_key() -> String {
    let mut key = hex::encode(Sha256::digest(SERVICES.join(",")));
    key.truncate(8);
    key
}

pub(super) fn build(directory: &Path, target: &Path) -> Result<()> {
    let module = go::download(MODULE, MODULE_VERSION)?;
    let copy = directory.join("src").join("terraform-provider-aws");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    for name in ["go.mod", "go.sum", "main.go", "internal", "names", "version", "META.d"] {
        copy_tree(&module.join(name), &copy.join(name))?;
    }
    reduce_lists(&copy)?;
    go::build(&copy, ".", &format!("{MODULE}/version.ProviderVersion={VERSION}"), target)?;
    fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))
}

fn reduce_lists(module: &Path) -> Result<()> {
    let services: BTreeSet<&str> = SERVICES.iter().copied().collect();
    let packages = module.join("internal/provider/sdkv2/service_packages_gen.go");
    let text = read(&packages)?;
    fs::write(&packages, reduce::service_packages(&text, MODULE, &services))
        .with_context(|| format!("cannot write {}", packages.display()))?;

    let clients = module.join("internal/conns/awsclient_gen.go");
    let called = called_clients(module, &clients)?;
    let text = read(&clients)?;
    fs::write(&clients, reduce::clients(&text, &called)).with_context(|| format!("cannot write {}", clients.display()))
}

/// Collects the client methods that the packages still reachable from `main` call.
fn called_clients(module: &Path, clients: &Path) -> Result<BTreeSet<String>> {
    let mut called = BTreeSet::new();
    let mut seen = BTreeSet::from([PathBuf::new()]);
    let mut pending = vec![PathBuf::new()];
    while let Some(package) = pending.pop() {
        let directory = module.join(&package);
        for entry in fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.ends_with(".go") || name.ends_with("_test.go") || path == clients {
                continue;
            }
            let text = read(&path)?;
            called.extend(reduce::client_calls(&text).map(str::to_owned));
            for import in reduce::imports_below(&text, MODULE) {
                if seen.insert(PathBuf::from(import)) {
                    pending.push(PathBuf::from(import));
                }
            }
        }
    }
    Ok(called)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Copies files without the read-only mode that Go's module cache gives them.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
        for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
            let entry = entry?;
            copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}
