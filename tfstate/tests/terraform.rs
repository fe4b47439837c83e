//! Against the real terraform and tofu: the same lines for the same states.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{fs, io};

use tfstate::Contents;
use xtask::tools::{Tool, or_skip};

const STATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/states");

struct Binary {
    path: PathBuf,
    work: tempfile::TempDir,
}

impl Binary {
    fn find(tool: Tool) -> Option<Self> {
        let path = or_skip(tool)?;
        let work = tempfile::tempdir().unwrap();
        fs::write(work.path().join("cli.tfrc"), "").unwrap();
        Some(Self { path, work })
    }

    fn run(&self, directory: &Path, arguments: &[&str]) -> io::Result<(bool, String, String)> {
        let output = Command::new(&self.path)
            .args(arguments)
            .current_dir(directory)
            .env("TF_CLI_CONFIG_FILE", self.work.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_WORKSPACE")
            .env_remove("TF_DATA_DIR")
            .output()?;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ok((output.status.success(), text(output.stdout), text(output.stderr)))
    }

    fn list(&self, state: &Path) -> Result<String, String> {
        let option = format!("-state={}", state.display());
        let (is_success, out, err) = self.run(self.work.path(), &["state", "list", &option]).unwrap();
        if is_success { Ok(out) } else { Err(err) }
    }
}

fn binaries() -> Vec<Binary> {
    [Tool::Terraform, Tool::Tofu].into_iter().filter_map(Binary::find).collect()
}

fn index(bytes: &[u8]) -> (Contents, model::Diagnostics) {
    let file: Arc<str> = "test".into();
    tfstate::index::read(&mut &*bytes, &file).unwrap()
}

fn our_list(bytes: &[u8]) -> String {
    let (Contents::State(index), diagnostics) = index(bytes) else { panic!("it is a state") };
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    index.addresses().fold(String::new(), |mut list, address| {
        writeln!(list, "{address}").unwrap();
        list
    })
}

#[test]
fn committed_states_list_as_in_both_tools() {
    for binary in binaries() {
        for entry in fs::read_dir(STATES).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_state = name.starts_with("terraform-") || (name.starts_with("tofu-") && !name.contains("encrypted"));
            if is_state {
                assert_eq!(our_list(&fs::read(&path).unwrap()), binary.list(&path).unwrap(), "{name}");
            }
        }
    }
}

/// A small generator of its own: the same seed gives the same state.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n_sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n_sides
    }

    fn key(&mut self) -> String {
        let n_chars = self.roll(6);
        (0..n_chars)
            .map(|_| match self.roll(5) {
                0 => char::from_u32(self.roll(0x80) as u32),
                1 => ['$', '{', '%', '"', '\\', ']', '.', '[', ' ', '/'].get(self.roll(10) as usize).copied(),
                2 => char::from_u32(self.roll(0x800) as u32),
                3 => char::from_u32(self.roll(0x1_0000) as u32),
                _ => char::from_u32(0x1_f000 + self.roll(0x1000) as u32),
            })
            // Characters that Unicode named in its latest versions print or not as the tool's tables know them.
            .map(|c| c.filter(|c| is_old(*c)).unwrap_or('x'))
            .collect()
    }

    fn module(&mut self) -> String {
        let n_steps = self.roll(4);
        let steps = (0..n_steps).map(|_| {
            let name = ["a", "b", "a-b", "_c", "é"][self.roll(5) as usize];
            let key = match self.roll(3) {
                0 => format!("[{}]", self.roll(12)),
                1 => model::InstanceKey::String(self.key().into()).to_string(),
                _ => String::new(),
            };
            format!("module.{name}{key}")
        });
        steps.collect::<Vec<_>>().join(".")
    }
}

/// Tells whether the character is far from what recent Unicode versions changed.
fn is_old(c: char) -> bool {
    matches!(c as u32, 0..0x370 | 0x400..0x500 | 0x5d0..0x5eb | 0x2000..0x2060 | 0x3041..0x3097 | 0x4e00..0x9000
        | 0xac00..0xd7a0 | 0xe000..0xf8ff | 0x1_f300..0x1_f5ff)
}

fn generate(seed: u64) -> serde_json::Value {
    let mut dice = Dice(seed);
    let mut resources = Vec::new();
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let module = dice.module();
        let mode = if dice.roll(4) == 0 { "data" } else { "managed" };
        let resource_type = ["aws_b", "aws_a", "null_x", "aws_a_b"][dice.roll(4) as usize];
        let name = ["n", "m-1", "m_1", "Z", "ü"][dice.roll(5) as usize];
        let mut instances = Vec::new();
        for _ in 0..=dice.roll(5) {
            let key = match dice.roll(3) {
                0 => serde_json::json!(dice.roll(20)),
                1 => serde_json::json!(dice.key()),
                _ => serde_json::Value::Null,
            };
            let deposed =
                if mode == "managed" && dice.roll(4) == 0 { format!("{:08x}", dice.roll(3)) } else { String::new() };
            if !seen.insert(format!("{module} {mode} {resource_type} {name} {key} {deposed}")) {
                continue;
            }
            let mut instance = serde_json::json!({
                "schema_version": 0, "attributes": {"id": dice.key()}, "sensitive_attributes": [],
            });
            if !key.is_null() {
                instance["index_key"] = key;
            }
            if !deposed.is_empty() {
                instance["deposed"] = deposed.into();
            }
            if dice.roll(5) == 0 {
                instance["status"] = "tainted".into();
            }
            instances.push(instance);
        }
        let mut resource = serde_json::json!({
            "mode": mode, "type": resource_type, "name": name, "instances": instances,
            "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        });
        if !module.is_empty() {
            resource["module"] = module.into();
        }
        resources.push(resource);
    }
    serde_json::json!({
        "version": 4, "terraform_version": "1.5.0", "serial": seed, "lineage": "l", "outputs": {},
        "resources": resources, "check_results": null,
    })
}

#[test]
fn generated_states_list_as_in_both_tools() {
    for binary in binaries() {
        for seed in 0..25 {
            let state = serde_json::to_string(&generate(seed)).unwrap();
            let path = binary.work.path().join("generated.tfstate");
            fs::write(&path, &state).unwrap();
            let theirs = binary.list(&path).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(our_list(state.as_bytes()), theirs, "seed {seed}");
        }
    }
}

#[test]
fn what_terraform_refuses_is_refused_by_us() {
    let Some(binary) = Binary::find(Tool::Terraform) else { return };
    let instance = r#"{"schema_version": 0, "attributes": {}}"#;
    let states = [
        (true, true, r#"{"instances": [INSTANCE]}"#),
        (false, false, r#"{"instances": [INSTANCE, INSTANCE]}"#),
        (false, false, r#"{"mode": "other", "instances": [INSTANCE]}"#),
        (false, false, r#"{"module": "a", "instances": [INSTANCE]}"#),
        // Terraform leaves such a resource out without a word; an incomplete list is worse than none.
        (true, false, r#"{"provider": "aws", "instances": [INSTANCE]}"#),
        (true, false, r#"{"provider": null, "instances": [INSTANCE]}"#),
        (false, false, r#"{"instances": [{"status": "broken"}]}"#),
        (false, false, r#"{"instances": [{"deposed": "1234567"}]}"#),
        (false, false, r#"{"instances": [{"index_key": true}]}"#),
        (true, true, r#"{"instances": [{"index_key": null, "deposed": "12345678", "unknown": {"a": 1}}]}"#),
        (true, true, r#"{"instances": [{"index_key": 1e1}]}"#),
        (true, true, r#"{"each": "list", "instances": []}"#),
        (true, true, r#"{"instances": null}"#),
        (true, true, r#"{"provider": "provider.aws.alias", "instances": [{"attributes_flat": {"id": "x"}}]}"#),
    ];
    for (is_theirs, is_ours, given) in states {
        let mut resource = serde_json::json!({
            "mode": "managed", "type": "aws_x", "name": "y", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        });
        let given: serde_json::Value = serde_json::from_str(&given.replace("INSTANCE", instance)).unwrap();
        for (name, value) in given.as_object().unwrap() {
            resource[name] = value.clone();
        }
        let state = serde_json::json!({"version": 4, "terraform_version": "1.5.0", "lineage": "l", "serial": 1, "resources": [resource]});
        let path = binary.work.path().join("case.tfstate");
        fs::write(&path, state.to_string()).unwrap();
        let theirs = binary.list(&path);
        assert_eq!(theirs.is_ok(), is_theirs, "terraform on {given}: {theirs:?}");
        let (reading, diagnostics) = index(state.to_string().as_bytes());
        assert_eq!(matches!(reading, Contents::State(_)), is_ours, "ours on {given}: {diagnostics:?}");
        if let (true, Ok(theirs)) = (is_ours, theirs) {
            assert_eq!(our_list(state.to_string().as_bytes()), theirs, "{given}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap();
        }
    }
}

#[test]
fn the_estate_can_be_made_again() {
    for (tool, committed) in [(Tool::Terraform, "terraform-1.11.4.tfstate"), (Tool::Tofu, "tofu-1.12.6.tfstate")] {
        let Some(binary) = Binary::find(tool) else { continue };
        let root = binary.work.path().join("estate");
        copy(&Path::new(STATES).join("estate"), &root);
        let (is_success, _, err) = binary.run(&root, &["init", "-no-color", "-input=false"]).unwrap();
        assert!(is_success, "{err}");
        // One resource fails on purpose, so that it is tainted.
        let (is_success, _, err) = binary.run(&root, &["apply", "-no-color", "-input=false", "-auto-approve"]).unwrap();
        assert!(!is_success && err.contains("exit 1"), "{err}");
        let made = our_list(&fs::read(root.join("terraform.tfstate")).unwrap());
        assert_eq!(made, our_list(&fs::read(Path::new(STATES).join(committed)).unwrap()));
        assert_eq!(made, binary.list(&root.join("terraform.tfstate")).unwrap());
    }
}

#[test]
fn an_encrypted_state_is_read_once_tofu_has_decrypted_it() {
    let Some(binary) = Binary::find(Tool::Tofu) else { return };
    let root = binary.work.path().join("encrypted");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("main.tf"), "resource \"terraform_data\" \"a\" {}\n").unwrap();
    let encryption = r#"terraform {
  encryption {
    key_provider "pbkdf2" "k" { passphrase = "a test passphrase, not a secret" }
    method "aes_gcm" "m" { keys = key_provider.pbkdf2.k }
    state { method = method.aes_gcm.m }
  }
}
"#;
    fs::write(root.join("encryption.tf"), encryption).unwrap();
    for arguments in [&["init", "-no-color"][..], &["apply", "-no-color", "-auto-approve"]] {
        let (is_success, _, err) = binary.run(&root, arguments).unwrap();
        assert!(is_success, "{err}");
    }
    let (reading, diagnostics) = index(&fs::read(root.join("terraform.tfstate")).unwrap());
    assert!(matches!(reading, Contents::Rejected));
    assert_eq!(diagnostics[0].code, "state-encrypted");
    let (is_success, pulled, err) = binary.run(&root, &["state", "pull"]).unwrap();
    assert!(is_success, "{err}");
    assert_eq!(our_list(pulled.as_bytes()), "terraform_data.a\n");
}
