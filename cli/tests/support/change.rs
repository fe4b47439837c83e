//! A repository with a change in it, against the cloud of the torture provider.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{Place, Run, torture};

/// The address of the torture provider.
pub(crate) const ADDRESS: &str = "registry.terraform.io/driftmgr/torture";

/// A repository with root modules whose objects are files, all applied.
pub(crate) struct World {
    pub(crate) place: Place,
}

impl World {
    /// Makes a repository with these root modules, each with objects, and commits it as `main`.
    pub(crate) fn of(roots: &[(&str, &[&str])]) -> Self {
        let world = Self { place: Place::new() };
        for (root, names) in roots {
            let mut code = world.provider();
            for name in *names {
                code.push_str(&object(name, name, "fast"));
            }
            world.place.write(&format!("repo/{root}/main.tf"), code);
            world.apply(root, names);
        }
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    {ADDRESS:?} = {:?}\n  }}\n}}\n",
            torture().display().to_string()
        );
        world.place.write("terraform.rc", config);
        world.place.write("repo/.gitignore", "*.tfstate\n.terraform/\n");
        world.git(&["init", "-q", "-b", "main"]);
        world.commit("before");
        world.git(&["checkout", "-q", "-b", "change"]);
        world
    }

    /// Gives the code of the provider.
    pub(crate) fn provider(&self) -> String {
        let cloud = self.place.path("cloud").display().to_string();
        format!(
            "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
             provider \"torture\" {{\n  cloud = {cloud:?}\n}}\n"
        )
    }

    /// Records objects, and makes them, as an apply would.
    pub(crate) fn apply(&self, root: &str, names: &[&str]) {
        let mut resources = Vec::new();
        for name in names {
            let attributes = json!({"name": name, "tier": "fast", "secret": format!("planted-{name}"), "made": "then"});
            self.place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
            let mut recorded = attributes;
            recorded["force"] = Value::Null;
            resources.push(json!({
                "mode": "managed", "type": "torture_object", "name": name, "provider": format!("provider[\"{ADDRESS}\"]"),
                "instances": [{"schema_version": 1, "attributes": recorded, "sensitive_attributes": []}],
            }));
        }
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": format!("lineage-of-{root}"),
            "outputs": {}, "resources": resources, "check_results": null,
        });
        self.place.write(&format!("repo/{root}/terraform.tfstate"), state.to_string());
    }

    /// Changes an object by hand.
    pub(crate) fn change(&self, name: &str, attribute: &str, value: Value) {
        let path = self.place.path(&format!("cloud/torture_object/{name}.json"));
        let text = std::fs::read_to_string(&path).expect("the object is there");
        let mut attributes: Value = serde_json::from_str(&text).expect("objects are JSON");
        attributes[attribute] = value;
        std::fs::write(path, attributes.to_string()).expect("it is written");
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.place.write(&format!("repo/{path}"), text);
    }

    /// Writes a root module's objects anew.
    pub(crate) fn code(&self, root: &str, objects: &[String]) {
        let mut code = self.provider();
        for object in objects {
            code.push_str(object);
        }
        self.write(&format!("{root}/main.tf"), &code);
    }

    /// Runs git in the repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.place.path("repo"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Commits nothing.
    pub(crate) fn commit_empty(&self, message: &str) {
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Runs `driftmgr check` in a folder.
    pub(crate) fn check_in(&self, folder: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = self.place.driftmgr();
        command
            .arg("check")
            .args(arguments)
            .current_dir(self.place.path(folder))
            .env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(environment.iter().copied());
        Run::of(command.output().expect("driftmgr starts"))
    }

    /// Runs `driftmgr check` against main.
    pub(crate) fn check(&self, arguments: &[&str]) -> Run {
        self.check_in("repo", &[&["--base", "main"], arguments].concat(), &[])
    }
}

/// Writes the block of an object.
pub(crate) fn object(label: &str, name: &str, tier: &str) -> String {
    let mut text = String::new();
    write!(
        text,
        "resource \"torture_object\" {label:?} {{\n  name   = {name:?}\n  tier   = {tier:?}\n  secret = \
         \"planted-{name}\"\n}}\n"
    )
    .expect("text grows");
    text
}

/// Writes the block of an object.
/// Makes sure that something is on standard output.
#[track_caller]
pub(crate) fn shows(run: &Run, text: &str) {
    assert!(run.stdout.contains(text), "{text:?} is not in\n{}\n{}", run.stdout, run.stderr);
}

/// Lists what is told under a heading: what the change is about under "This change", findings under the others.
pub(crate) fn under(run: &Run, heading: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut is_under = false;
    for line in run.stdout.lines() {
        let text = line.trim_start();
        match line.len() - text.len() {
            2 => is_under = text.starts_with(heading),
            4 if is_under => told.push(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            _ => {}
        }
    }
    told
}
