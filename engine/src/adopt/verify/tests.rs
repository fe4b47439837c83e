//! Real programs plan copies of real roots.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use net::Environment;
use tempfile::TempDir;
use xtask::terraform::CliConfig;
use xtask::tools::{self, Tool};

use super::*;

/// A root module, programs on a path of its own, and an environment without anything of this machine.
struct World {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl World {
    /// Makes one with the programs that are installed; `None` where one of them is missing.
    fn new() -> Option<Self> {
        let (terraform, tofu) = (tools::or_skip(Tool::Terraform)?, tools::or_skip(Tool::Tofu)?);
        tools::or_skip(Tool::Time)?;
        let world = Self::without_programs();
        symlink(terraform, world.path("bin/terraform")).unwrap();
        symlink(tofu, world.path("bin/tofu")).unwrap();
        Some(world)
    }

    fn without_programs() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { folder, environment: BTreeMap::new() };
        fs::create_dir(world.path("bin")).unwrap();
        fs::create_dir(world.path("temporary")).unwrap();
        world.write("terraform.rc", &CliConfig::with_tools().unwrap().render());
        for (name, path) in [("PATH", "bin"), ("TF_CLI_CONFIG_FILE", "terraform.rc"), ("HOME", "home")] {
            world.environment.insert(name.to_owned(), world.path(path).display().to_string());
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Gives a subject over the root module in `root`.
    fn subject(&self, files: &[(&str, &str)], imported: &[&str]) -> Subject {
        Subject {
            root: Some(self.path("root")),
            files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            imported: imported.iter().map(|address| (*address).to_owned()).collect(),
            ..Subject::default()
        }
    }

    fn session(&self) -> Session {
        Session::new(Environment::new(self.environment.clone(), None), self.path("root"))
    }

    fn session_in(&self, root: &str) -> Session {
        Session { current_dir: self.path(root), ..self.session() }
    }

    /// Lists everything under `root` with its content.
    fn root(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.path("root")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    files.insert(path, bytes);
                }
            }
        }
        files
    }

    /// Lets both programs plan, and makes sure that they leave the root module alone.
    async fn certify(&self, subject: &Subject) -> Vec<Certificate> {
        let before = self.root();
        let certificates = certify_with_all(&self.session(), subject).await;
        assert_eq!(before, self.root(), "nothing is written where the root module is");
        let programs: Vec<&str> = certificates.iter().map(|certificate| certificate.program.as_str()).collect();
        assert!(
            matches!(programs[..], [terraform, tofu] if terraform.starts_with("terraform 1.") && tofu.starts_with("tofu 1.")),
            "{programs:?}"
        );
        certificates
    }
}

fn clean(certificates: &[Certificate]) {
    for certificate in certificates {
        assert!(certificate.is_clean(), "{certificate:#?}");
    }
}

fn import(address: &str, id: &str) -> String {
    format!("import {{\n  to = {address}\n  id = \"{id}\"\n}}\n")
}

fn data(name: &str, body: &str) -> String {
    format!("resource \"terraform_data\" \"{name}\" {{\n{body}}}\n")
}

const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"x","outputs":{},"resources":[{
    "mode":"managed","type":"terraform_data","name":"kept","provider":"provider[\"terraform.io/builtin/terraform\"]",
    "instances":[{"schema_version":0,"attributes":{"id":"kept","input":{"value":"a","type":"string"},
    "output":{"value":"a","type":"string"},"triggers_replace":null}}]}]}"#;

fn state(text: &'static str) -> Arc<StateFile> {
    Arc::new(StateFile {
        url: "a state".into(),
        workspace: "default".into(),
        version: None,
        bytes: tokio_util::bytes::Bytes::from_static(text.as_bytes()).into(),
        warnings: Vec::new(),
    })
}

#[tokio::test]
async fn what_is_changed_is_told_from_what_is_clean_and_from_what_was_there_before() {
    let Some(world) = World::new() else { return };
    world.write("root/main.tf", &data("kept", "  input = \"b\"\n"));
    let files = [
        import("terraform_data.clean", "one"),
        data("clean", ""),
        import("terraform_data.changed", "two"),
        data("changed", "  input = { \"a key\" = 1 }\n"),
        import("terraform_data.replaced[\"k\"]", "three"),
        data("replaced", "  for_each         = { k = 1 }\n  triggers_replace = [each.value]\n"),
    ];
    let imported = ["terraform_data.clean", "terraform_data.changed", "terraform_data.replaced[\"k\"]"];
    let subject =
        Subject { state: Some(state(STATE)), ..world.subject(&[("generated.tf", &files.concat())], &imported) };
    for certificate in world.certify(&subject).await {
        assert_eq!(certificate.failure, None);
        assert_eq!(certificate.problems, []);
        let change = |address: &str, what: &[&str]| {
            (address.to_owned(), what.iter().map(|what| (*what).to_owned()).collect::<Vec<_>>())
        };
        let replaced = ["replace", "id", "triggers_replace"];
        let changes = [
            change("terraform_data.changed", &["input", "output"]),
            change("terraform_data.replaced[\"k\"]", &replaced),
        ];
        assert_eq!(certificate.changes, changes);
        assert_eq!(certificate.elsewhere, [change("terraform_data.kept", &["input", "output"])]);
        assert!(!certificate.is_clean());
    }
}

#[tokio::test]
async fn an_import_that_fails_is_a_problem_of_its_object_alone() {
    let Some(world) = World::new() else { return };
    world.write(
        "root/main.tf",
        "terraform {\n  required_providers {\n    time = { source = \"hashicorp/time\" }\n  }\n}\n",
    );
    let files = [
        import("time_static.wrong", "nonsense"),
        "resource \"time_static\" \"wrong\" {}\n".to_owned(),
        import("terraform_data.clean", "one"),
        data("clean", ""),
    ];
    let subject = world.subject(&[("generated.tf", &files.concat())], &["time_static.wrong", "terraform_data.clean"]);
    for certificate in world.certify(&subject).await {
        let [(address, why)] = &certificate.problems[..] else { panic!("{certificate:#?}") };
        assert_eq!(address, "time_static.wrong");
        assert!(why.contains("RFC3339"), "{why}");
        let failure = certificate.failure.unwrap();
        assert!(failure.starts_with("Of 2 imported objects it planned 1. "), "{failure}");
        assert_eq!(certificate.changes, []);
    }
}

#[tokio::test]
async fn invalid_configuration_names_the_block() {
    let Some(world) = World::new() else { return };
    world.write("root/main.tf", "");
    let file = import("terraform_data.a", "one") + &data("a", "  no_argument = 1\n");
    let subject = world.subject(&[("generated.tf", &file)], &["terraform_data.a"]);
    for certificate in world.certify(&subject).await {
        let failure = certificate.failure.unwrap();
        assert!(failure.starts_with("It made no plan. terraform_data.a: Unsupported argument"), "{failure}");
        let [(address, why)] = &certificate.problems[..] else { panic!("{:?}", certificate.problems) };
        assert_eq!(address, "terraform_data.a");
        assert!(why.ends_with("(generated.tf:6)"), "{why}");
    }
}

#[tokio::test]
async fn values_of_variables_arrive_and_are_never_quoted() {
    let Some(world) = World::new() else { return };
    world.write("root/main.tf", "variable \"list\" {\n  type = list(string)\n}\n");
    let declared = "variable \"password\" {\n  type = string\n}\n";
    let check = |condition: &str| {
        let check = format!(
            "  lifecycle {{\n    precondition {{\n      condition     = {condition}\n      error_message = \"It \
             is ${{var.password}}.\"\n    }}\n  }}\n"
        );
        import("terraform_data.a", "one") + &data("a", &check)
    };
    let right = check("var.password == \"planted $ \\\"secret\\\"\" && var.list[1] == \"b\"");
    let files = [("generated.tf", right.as_str()), ("generated_variables.tf", declared)];
    let mut subject = Subject {
        variables: vec![("password".to_owned(), Value::string("planted $ \"secret\""))],
        sources: vec![VariableSource::Assignment { name: "list".to_owned(), value: "[\"a\", \"b\"]".to_owned() }],
        ..world.subject(&files, &["terraform_data.a"])
    };
    clean(&world.certify(&subject).await);

    subject.files.insert("generated.tf".to_owned(), check("var.password == \"\""));
    for certificate in world.certify(&subject).await {
        let text = format!("{certificate:?}");
        assert!(text.contains("It is (sensitive)."), "{text}");
        assert!(!text.contains("planted"), "{text}");
    }
}

#[tokio::test]
async fn a_root_may_have_a_remote_backend_a_workspace_and_code_beside_itself() {
    let Some(mut world) = World::new() else { return };
    world.environment.insert("TF_WORKSPACE".to_owned(), "prod".to_owned());
    let code = "module \"m\" {\n  source = \"../modules/m\"\n}\nlocals {\n  a = file(\"${path.module}/../../texts/a.txt\")\n  \
                b = file(\"../texts/${terraform.workspace}.txt\")\n}\n";
    world.write("estate/modules/m/main.tf", "locals {\n  c = file(\"${path.module}/c.txt\")\n}\nresource \"terraform_data\" \"c\" {\n  input = local.c\n}\n");
    world.write("estate/modules/m/c.txt", "c");
    world.write("texts/a.txt", "a");
    world.write("estate/texts/prod.txt", "b");
    let checked = data("kept", "  input = \"${local.a}\"\n")
        + &import("terraform_data.b", "b")
        + &data(
            "b",
            "  lifecycle {\n    precondition {\n      condition     = local.b == \"b\"\n      error_message = \"No.\"\n    }\n  }\n",
        );
    for (position, backend) in [
        "backend \"s3\" {\n    bucket = \"b\"\n    key    = \"k\"\n  }",
        "cloud {\n    organization = \"o\"\n    workspaces {\n      tags = [\"t\"]\n    }\n  }",
    ]
    .into_iter()
    .enumerate()
    {
        let root = format!("estate/root_{position}");
        world.write(&format!("{root}/main.tf"), &format!("terraform {{\n  {backend}\n}}\n{code}"));
        // Written for that backend, and none of our business.
        world.write(
            &format!("{root}/.terraform/terraform.tfstate"),
            "{\"version\":3,\"backend\":{\"type\":\"s3\",\"config\":{}}}",
        );
        let subject = Subject {
            root: Some(world.path(&root)),
            state: Some(state(STATE)),
            ..world.subject(&[("generated.tf", &checked)], &["terraform_data.b"])
        };
        let certificates = certify_with_all(&world.session_in(&root), &subject).await;
        clean(&certificates);
        for certificate in certificates {
            let elsewhere: Vec<&str> = certificate.elsewhere.iter().map(|(address, _)| address.as_str()).collect();
            assert_eq!(elsewhere, ["module.m.terraform_data.c"], "the state is the workspace's");
        }
    }
}

#[tokio::test]
async fn what_one_program_installed_serves_the_other_without_a_registry() {
    let Some(world) = World::new() else { return };
    world.write(
        "root/main.tf",
        "terraform {\n  required_providers {\n    time = { source = \"hashicorp/time\" }\n  }\n}\n",
    );
    let init = Command::new(world.path("bin/terraform"))
        .args(["init", "-input=false"])
        .current_dir(world.path("root"))
        .env("TF_CLI_CONFIG_FILE", world.path("terraform.rc"))
        .output()
        .unwrap();
    assert!(init.status.success(), "{init:?}");
    // From now on nothing can be installed.
    fs::create_dir(world.path("empty")).unwrap();
    world.write("terraform.rc", &CliConfig::default().mirror(&world.path("empty")).render());
    let file =
        import("time_static.a", "2020-02-12T06:36:13Z") + "resource \"time_static\" \"a\" {\n  triggers = {}\n}\n";
    clean(&world.certify(&world.subject(&[("generated.tf", &file)], &["time_static.a"])).await);

    fs::remove_dir_all(world.path("root/.terraform")).unwrap();
    for certificate in world.certify(&world.subject(&[("generated.tf", &file)], &["time_static.a"])).await {
        let failure = certificate.failure.unwrap();
        assert!(failure.starts_with("`init` failed.") && failure.contains("hashicorp/time"), "{failure}");
    }
}

#[tokio::test]
async fn providers_of_developers_need_no_init() {
    let Some(world) = World::new() else { return };
    let program = tools::find(Tool::Time).unwrap();
    fs::create_dir(world.path("own")).unwrap();
    symlink(program, world.path("own/terraform-provider-time")).unwrap();
    let config = CliConfig::default().mirror(&world.path("own")).dev_override("example.com/x/time", &world.path("own"));
    world.write("terraform.rc", &config.render());
    world.write(
        "root/main.tf",
        "terraform {\n  required_providers {\n    time = { source = \"example.com/x/time\" }\n  }\n}\n",
    );
    let file =
        import("time_static.a", "2020-02-12T06:36:13Z") + "resource \"time_static\" \"a\" {\n  triggers = {}\n}\n";
    clean(&world.certify(&world.subject(&[("generated.tf", &file)], &["time_static.a"])).await);
}

#[tokio::test]
async fn files_that_are_all_there_is_are_planned_alone() {
    let Some(world) = World::new() else { return };
    fs::create_dir(world.path("root")).unwrap();
    let file = import("terraform_data.a", "one") + &data("a", "");
    let subject = Subject { root: None, ..world.subject(&[("generated.tf", &file)], &["terraform_data.a"]) };
    clean(&world.certify(&subject).await);
}

/// Puts a program into the path that says its version, and then never ends.
fn endless(world: &World) {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = version ]; then echo '{{\"terraform_version\":\"1.0\"}}'; exit; fi\n\
         /bin/sleep 1000 &\necho \"$PWD $!\" > {0}.part\n/bin/mv {0}.part {0}\nwait\n",
        world.path("running").display()
    );
    world.write("bin/terraform", &script);
    fs::set_permissions(world.path("bin/terraform"), fs::Permissions::from_mode(0o755)).unwrap();
    world.write("root/main.tf", "");
}

/// Makes sure that neither the copy nor the process is there any more.
async fn gone(running: &str) {
    let (folder, id) = running.trim().split_once(' ').unwrap();
    assert!(!Path::new(folder).exists(), "{folder} is removed");
    let status = || fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let ended = async {
        // A process that was killed may not know yet, and nobody may have collected it.
        while !(status().is_empty() || status().contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the process is killed");
}

#[tokio::test]
async fn a_program_that_is_stopped_leaves_nothing_behind() {
    let world = World::without_programs();
    endless(&world);
    let session = world.session();
    let subject = world.subject(&[], &[]);
    let stop = async {
        while !world.path("running").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        session.cancel.cancel();
    };
    let (certificates, ()) = tokio::join!(certify_with_all(&session, &subject), stop);
    let [Certificate { program, failure: Some(failure), .. }] = &certificates[..] else { panic!("{certificates:?}") };
    assert_eq!(
        (program.as_str(), failure.as_str()),
        ("terraform 1.0", "`init` gave no answer: it was stopped before it was done.")
    );
    gone(&fs::read_to_string(world.path("running")).unwrap()).await;
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended() {
    let world = World::without_programs();
    endless(&world);
    let (session, subject) = (world.session(), world.subject(&[], &[]));
    let path = world.path("bin/terraform");
    let certificate = certify(&session, &subject, "terraform".to_owned(), path, Duration::from_secs(3)).await;
    assert!(
        certificate.failure.as_deref().is_some_and(|failure| failure.ends_with("it was ended after 3 s.")),
        "{certificate:?}"
    );
    if let Ok(running) = fs::read_to_string(world.path("running")) {
        gone(&running).await;
    }
}

#[tokio::test]
async fn without_a_program_nothing_is_certified() {
    let world = World::without_programs();
    fs::create_dir(world.path("root")).unwrap();
    let certificates = certify_with_all(&world.session(), &world.subject(&[], &[])).await;
    let [certificate] = &certificates[..] else { panic!("{certificates:?}") };
    assert!(certificate.failure.as_deref().is_some_and(|failure| failure.starts_with("Neither terraform nor tofu")));
}

#[test]
fn paths_that_lead_upwards_are_found_in_texts() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(copy::paths_up(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    };
    check("file(\"../a/b.json\")", &["../a/b.json"]);
    check("\"${path.module}/../policies/${each.key}.json\"", &["../policies"]);
    check("# see ../README.md for more", &[".."]);
    check("nothing", &[]);
}
