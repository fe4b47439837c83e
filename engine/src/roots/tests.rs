use std::path::Path;

use hcl::MemoryTree;

use super::{Repository, RootEntry};

fn repository(files: &[(&str, &str)]) -> Repository {
    let tree = MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect());
    let names: Vec<String> = tree.0.keys().cloned().collect();
    Repository::read(Path::new("/repository"), &names, &tree)
}

fn names(repository: &Repository) -> Vec<&str> {
    repository.roots.iter().map(|root| root.name.as_str()).collect()
}

const MODULE: &str = "resource \"a_b\" \"c\" {}\n";
const WITH_PROVIDER: &str = "provider \"a\" {}\nresource \"a_b\" \"c\" {}\n";

#[test]
fn folders_that_say_where_their_state_is_are_roots_and_modules_are_not() {
    let found = repository(&[
        ("live/a/main.tf", "terraform {\n  backend \"s3\" {}\n}\nmodule \"m\" {\n  source = \"../../modules/m\"\n}\n"),
        ("live/b/main.tf.json", "{\"provider\": {\"a\": {}}, \"resource\": {\"a_b\": {\"c\": {}}}}"),
        ("live/c/main.tf", MODULE),
        ("live/c/.terraform.lock.hcl", ""),
        ("modules/m/main.tf", WITH_PROVIDER),
        ("modules/n/main.tf", MODULE),
        ("modules/m/examples/simple/main.tf", WITH_PROVIDER),
        ("docs/notes.md", ""),
    ]);
    assert_eq!(names(&found), ["live/a", "live/b", "live/c"]);
    assert!(!found.is_written && found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    assert_eq!(found.roots[0].evidence, "it says where its state is");
}

#[test]
fn the_only_folder_is_a_root() {
    assert_eq!(names(&repository(&[("main.tf", MODULE)])), ["."]);
    assert!(names(&repository(&[("README.md", "")])).is_empty());
}

#[test]
fn what_is_written_down_counts_alone() {
    let text = "version: 1\nroots:\n  - path: live/*\n    workspaces: [blue, green]\n    variable_files: [\"{workspace}.tfvars\"]\n    accounts: [\"111111111111\"]\n    owners: [\"@acme/platform\"]\n  - path: one\n    name: first\n    states: [\"s3://bucket/key\", other.tfstate]\n";
    let found = repository(&[
        ("driftmgr.yaml", text),
        ("live/a/main.tf", MODULE),
        ("one/x.tofu", ""),
        ("two/main.tf", WITH_PROVIDER),
    ]);
    assert_eq!(names(&found), ["first", "live/a@blue", "live/a@green"]);
    assert!(found.is_written && found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    let [first, blue, _] = found.roots.as_slice() else { panic!("three") };
    assert_eq!(
        (blue.workspace.as_deref(), blue.variable_files.as_slice()),
        (Some("blue"), &["blue.tfvars".to_owned()][..])
    );
    assert_eq!(blue.accounts[0].as_str(), "111111111111");
    let request = first.states_request(Path::new("/r"));
    assert_eq!(request.locations, ["s3://bucket/key", "/r/one/other.tfstate"]);
    assert_eq!(request.dir.as_deref(), Some(Path::new("/r/one")));
}

#[test]
fn what_is_written_down_wrongly_is_said() {
    for (text, summary) in [
        ("version: 2\nroots: []\n", "Unknown version of driftmgr.yaml"),
        ("version: 1\nroots: {}\n", "`roots` must be a list"),
        ("version: 1\nroots:\n  - path: gone\n", "No such root module"),
        ("version: 1\nroots:\n  - name: x\n", "A root module without a folder"),
        ("version: 1\nroots:\n  - path: live/*\n    name: x\n", "A name for several root modules"),
        ("version: 1\nroots:\n  - path: live/a\n    owner: x\n", "Unknown key in driftmgr.yaml"),
        (
            "version: 1\nroots:\n  - path: live/a\n    variable_files: [\"{workspace}.tfvars\"]\n",
            "A workspace that is not named",
        ),
        ("version: 1\nroots:\n  - path: live/a\n    accounts: [111]\n", "Not a list of texts"),
        ("version: 1\nroots: [\n", "driftmgr.yaml is not valid YAML"),
    ] {
        let found = repository(&[("driftmgr.yaml", text), ("live/a/main.tf", MODULE), ("live/b/main.tf", MODULE)]);
        assert!(found.diagnostics.iter().any(|problem| problem.summary == summary), "{text}: {:?}", found.diagnostics);
    }
}

#[test]
fn other_tools_name_roots_too() {
    let found = repository(&[
        (
            "atlantis.yaml",
            "version: 3\nprojects:\n  - name: net-prod\n    dir: net\n    workspace: prod\n  - dir: net\n    workspace: test\n  - dir: gone\n",
        ),
        ("digger.yml", "projects:\n  - name: app\n    dir: app\n    workspace: default\n"),
        ("net/main.tf", WITH_PROVIDER),
        ("app/main.tf", MODULE),
        ("stacks/s/stack.tm.hcl", "stack {\n  name = \"s\"\n}\n"),
        ("stacks/s/main.tf", MODULE),
        ("tg/here/terragrunt.hcl", "include \"root\" {\n  path = find_in_parent_folders()\n}\n"),
        ("tg/here/main.tf", MODULE),
        ("tg/away/terragrunt.hcl", "terraform {\n  source = \"git::https://example.com/m\"\n}\n"),
        ("tg/unpacked/terragrunt.hcl", "terraform {\n  source = \"../m\"\n}\n"),
        ("tg/unpacked/.terragrunt-cache/x/y/main.tf", MODULE),
    ]);
    assert_eq!(names(&found), ["app", "net-prod", "net@test", "stacks/s", "tg/here", "tg/unpacked"]);
    let unpacked = found.roots.iter().find(|root| root.name == "tg/unpacked").map(|root| root.directory.as_str());
    assert_eq!(unpacked, Some("tg/unpacked/.terragrunt-cache/x/y"));
    let summaries: Vec<&str> = found.diagnostics.iter().map(|problem| problem.summary.as_str()).collect();
    assert_eq!(summaries, ["No such root module", "The code of a Terragrunt unit is not at hand"]);
}

#[test]
fn what_is_found_is_written_so_that_it_reads_back() {
    let files = [
        ("atlantis.yaml", "projects:\n  - dir: net\n    workspace: prod\n  - dir: net\n    workspace: test\n"),
        ("net/main.tf", MODULE),
        ("true/main.tf", WITH_PROVIDER),
        ("odd name: #1/main.tf", WITH_PROVIDER),
    ];
    let found = repository(&files);
    let text = found.to_text();
    let mut with = files.to_vec();
    with.push(("driftmgr.yaml", &text));
    let read = repository(&with);
    assert!(read.diagnostics.is_empty(), "{text}\n{:?}", read.diagnostics);
    let plain = |root: &RootEntry| RootEntry { evidence: String::new(), ..root.clone() };
    let (found, read): (Vec<_>, Vec<_>) =
        (found.roots.iter().map(plain).collect(), read.roots.iter().map(plain).collect());
    assert_eq!(found, read, "{text}");
}
