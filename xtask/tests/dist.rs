//! A release is laid out reproducibly, and both CLIs install the provider from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::dist;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// Builds the programs that are packed, and gives their folder.
fn programs() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "driftmgr", "--package", "terraform-provider-driftmgr"])
        .current_dir(xtask::repository())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the programs build");
    let test = std::env::current_exe().expect("a path");
    test.parent().and_then(Path::parent).expect("the test lies in deps/ beside the programs").to_owned()
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut contents = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(current).expect("it is listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below").to_owned();
                contents.insert(name, std::fs::read(&path).expect("it is read"));
            }
        }
    }
    contents
}

#[test]
fn a_release_is_the_same_twice_and_installs_in_both_clis() {
    let programs = programs();
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    dist::lay_out(&first, &programs, None, true).expect("a release");
    dist::lay_out(&second, &programs, None, true).expect("the same release");
    let files = contents(&first);
    assert_eq!(files.keys().collect::<Vec<_>>(), contents(&second).keys().collect::<Vec<_>>());
    assert!(files == contents(&second), "the same input gives the same bytes");
    let names: Vec<String> = files.keys().map(|name| name.display().to_string()).collect();
    let version = dist::VERSION;
    for name in ["manifest.json", "SHA256SUMS", "linux_amd64.zip"] {
        let wanted = format!("provider/terraform-provider-driftmgr_{version}_{name}");
        let is_this_platform = name != "linux_amd64.zip" || cfg!(all(target_os = "linux", target_arch = "x86_64"));
        assert!(!is_this_platform || names.contains(&wanted), "{wanted} is missing: {names:?}");
    }
    let error = dist::lay_out(&first, &programs, None, false).expect_err("a released file is never replaced");
    assert!(error.to_string().contains("not empty"), "{error}");

    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(program) = tools::or_skip(tool) else { continue };
        let config = CliConfig::default().mirror(&first.join("mirror"));
        let source = xtask::repository().join("examples/audit");
        let root = RootFolder::copy_of(&source, &program, &config, None).expect("a root");
        let run = |arguments: &[&str]| {
            let output = root.command(&program).args(arguments).output().expect("it runs");
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        run(&["init", "-no-color", "-input=false"]);
        run(&["validate", "-no-color"]);
        let schema = run(&["providers", "schema", "-json"]);
        for name in ["resources", "resource", "unmanaged_resources", "drift", "coverage"] {
            assert!(schema.contains(&format!("\"driftmgr_{name}\"")), "{program:?} does not know driftmgr_{name}");
        }
    }
}

#[test]
fn the_sums_are_signed_with_the_key_that_is_given() {
    let Ok(gpg) = tools::search_path("gpg") else {
        tools::skip("gpg is not on PATH");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    for name in ["driftmgr", "terraform-provider-driftmgr"] {
        std::fs::write(programs.join(name), "a program").expect("it is written");
    }
    // The agent's socket must have a short path.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").expect("a folder");
    let run = |arguments: &[&str]| {
        let output = Command::new(&gpg).env("GNUPGHOME", home.path()).args(arguments).output().expect("gpg runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["--batch", "--passphrase", "", "--quick-generate-key", "releases@example.com", "rsa3072", "sign", "1d"]);
    let out = folder.path().join("out");
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .env("GNUPGHOME", home.path())
        .args(["dist", "--sign", "releases@example.com", "--bin-dir"])
        .arg(&programs)
        .arg("--out")
        .arg(&out)
        .status()
        .expect("xtask runs");
    assert!(status.success());
    for name in
        [format!("provider/terraform-provider-driftmgr_{}", dist::VERSION), format!("cli/driftmgr_{}", dist::VERSION)]
    {
        let sums = out.join(format!("{name}_SHA256SUMS"));
        let signature = out.join(format!("{name}_SHA256SUMS.sig"));
        run(&["--verify", &signature.to_string_lossy(), &sums.to_string_lossy()]);
    }
    let mut kill = Command::new("gpgconf");
    kill.env("GNUPGHOME", home.path()).args(["--kill", "gpg-agent"]).status().expect("the agent ends");
}
