//! `driftmgr check` in repositories of every kind: what git says is taken as it is, and what it cannot say is said.

mod support;

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use serde_json::json;
use support::Run;
use support::change::{World, object, shows, under};

const CHANGE: &str = "This change";
const COLLIDES: &str = "Changed by somebody else too (";
const ASIDE: &str = "Beside this change, for information (";

impl World {
    /// Runs git in any folder.
    fn git_in(&self, folder: &str, arguments: &[&str]) {
        let folder = self.place.path(folder);
        let folder = folder.to_str().expect("a path");
        self.git(&[&["-C", folder, "-c", "protocol.file.allow=always"], arguments].concat());
    }

    /// Makes what there is what the change starts from.
    fn settle(&self, message: &str) {
        self.commit(message);
        self.git(&["branch", "-f", "main"]);
    }

    fn check_with(&self, environment: &[(&str, &str)]) -> Run {
        self.check_in("repo", &["--base", "main"], environment)
    }
}

/// Says what the change of `a` is about, which is all that these tests change.
#[track_caller]
fn updates_x(run: &Run) {
    assert_eq!(under(run, CHANGE), ["updates torture_object.x: tier"], "{}\n{}", run.stdout, run.stderr);
}

fn changed_world() -> World {
    let world = World::of(&[("a", &["x"])]);
    world.code("a", &[object("x", "x", "slow")]);
    world
}

#[test]
fn unrelated_histories_have_no_commit_in_common() {
    let world = changed_world();
    world.commit("the change");
    world.git(&["checkout", "-q", "--orphan", "other"]);
    world.commit("another beginning");
    let run = world.check(&[]).ends_with(1).says("no commit in common").says("--base none");
    assert!(!run.stderr.contains("fetch-depth"), "{}", run.stderr);
}

#[test]
fn a_shallow_clone_that_reaches_far_enough_answers() {
    let world = changed_world();
    world.commit("the change");
    let source = format!("file://{}", world.place.path("repo").display());
    let clone = world.place.path("clone").display().to_string();
    world.git(&["clone", "-q", "--depth", "1", "-b", "change", &source, &clone]);
    // The branch that it goes to was not fetched at all.
    let run = world.check_in("clone", &["--base", "main"], &[]).ends_with(1);
    run.says("There is no commit").says("fetch-depth: 0").says("git fetch --deepen");
    world.git_in("clone", &["fetch", "-q", "--deepen=1", "origin", "main:refs/remotes/origin/main", "change"]);
    updates_x(&world.check_in("clone", &["--base", "origin/main"], &[]).ends_with(0));
}

#[test]
fn code_with_the_change_that_does_not_parse_leaves_the_rest() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.write("a/broken.tf", "resource \"torture_object\" {{{\n");
    world.code("b", &[object("y", "y", "slow")]);
    // What the change is about in `a` is not all known.
    let run = world.check(&[]).ends_with(3).says("broken.tf");
    shows(&run, "Not all code with the change could be read.");
    assert_eq!(under(&run, CHANGE).last().map(String::as_str), Some("updates torture_object.y: tier"));
    world.check(&["--allow-incomplete"]).ends_with(0);
    // What is known to meet the change fails all the same.
    world.change("y", "tier", json!("medium"));
    world.check(&[]).ends_with(2);
}

#[test]
fn a_provider_that_is_not_there_leaves_the_others() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    let absent = std::fs::read_to_string(world.place.path("repo/b/main.tf")).expect("it is there");
    let absent = absent.replace("driftmgr/torture", "driftmgr/absent");
    world.write("b/main.tf", &absent);
    let state = std::fs::read_to_string(world.place.path("repo/b/terraform.tfstate")).expect("it is there");
    world.write("b/terraform.tfstate", &state.replace("driftmgr/torture", "driftmgr/absent"));
    world.settle("another provider");
    world.write("b/main.tf", &absent.replace("\"fast\"", "\"slow\""));
    world.code("a", &[object("x", "x", "slow")]);
    let run = world.check(&[]).ends_with(3);
    assert!(under(&run, CHANGE).contains(&"updates torture_object.x: tier".to_owned()), "{}", run.stdout);
    shows(&run, "torture_object.y");
    world.change("x", "tier", json!("medium"));
    assert_eq!(under(&world.check(&[]).ends_with(2), COLLIDES), ["FAILS torture_object.x collision"]);
}

#[test]
fn hooks_worktrees_and_commits_of_no_branch() {
    let world = changed_world();
    // A hook names the index of the commit that is being made, relative to the top.
    let hook = [("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index.lock"), ("GIT_PREFIX", "")];
    updates_x(&world.check_with(&hook).ends_with(0));
    updates_x(&world.check_in("repo/a", &["--base", "main"], &hook).ends_with(0));
    // Where it is in no repository, what is named counts.
    let other = world.place.path("repo/.git").display().to_string();
    let tree = world.place.path("repo").display().to_string();
    std::fs::rename(world.place.path("repo/.git"), world.place.path("elsewhere.git")).expect("it is there");
    let moved = other.replace("repo/.git", "elsewhere.git");
    updates_x(&world.check_with(&[("GIT_DIR", &moved), ("GIT_WORK_TREE", &tree)]).ends_with(0));
    world.check(&[]).ends_with(1).says("no git repository");
    std::fs::rename(world.place.path("elsewhere.git"), world.place.path("repo/.git")).expect("it is there");
    // A work tree of its own, of no branch.
    world.commit("the change");
    let beside = world.place.path("beside").display().to_string();
    world.git(&["worktree", "add", "-q", "--detach", &beside, "change"]);
    std::fs::copy(world.place.path("repo/a/terraform.tfstate"), world.place.path("beside/a/terraform.tfstate"))
        .expect("a state");
    updates_x(&world.check_in("beside", &["--base", "main"], &[]).ends_with(0));
    // A bare repository has no code that could be looked at.
    world.git(&["clone", "-q", "--bare", ".", &world.place.path("bare").display().to_string()]);
    world.check_in("bare", &["--base", "main"], &[]).ends_with(1);
}

#[test]
fn what_git_is_configured_to_do_does_not_count() {
    let world = changed_world();
    let marker = world.place.path("started").display().to_string();
    world.place.write("program.sh", format!("#!/bin/sh\ntouch {marker}\nexit 1\n"));
    let program = format!("sh {}", world.place.path("program.sh").display());
    world.write(".gitattributes", "*.tf diff=made filter=none\n");
    for (name, value) in [
        ("diff.external", program.as_str()),
        ("diff.made.command", &program),
        ("diff.made.textconv", &program),
        ("core.fsmonitor", &program),
        ("core.pager", &program),
        ("core.sshCommand", &program),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("diff.renames", "copies"),
        ("diff.ignoreSubmodules", "all"),
        ("status.showUntrackedFiles", "no"),
        ("core.hooksPath", world.place.path("hooks").to_str().expect("a path")),
    ] {
        world.git(&["config", name, value]);
    }
    updates_x(&world.check_with(&[("GIT_EXTERNAL_DIFF", &program), ("GIT_PAGER", &program)]).ends_with(0));
    assert!(!world.place.path("started").exists(), "something was started");
}

#[test]
fn a_repository_of_somebody_else_says_what_to_do() {
    let world = changed_world();
    let other = [("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")];
    let run =
        world.check_with(&other).ends_with(1).says("does not trust").says("git config --global --add safe.directory");
    assert!(run.stdout.is_empty());
    // Who said so is believed.
    let repository = world.place.path("repo").canonicalize().expect("it is there");
    world.place.write("config", format!("[safe]\n  directory = {}\n", repository.display()));
    let config = world.place.path("config").display().to_string();
    updates_x(&world.check_with(&[other[0], ("GIT_CONFIG_GLOBAL", &config)]).ends_with(0));
}

#[test]
fn names_of_every_kind_are_taken_as_they_are() {
    let odd = "b \"q\" 'r' \u{e4}\u{1f600}\nline\t\\x";
    let world = World::of(&[("a", &["x"]), (odd, &["y"])]);
    world.git(&["config", "core.quotePath", "true"]);
    world.code(odd, &[object("y", "y", "slow")]);
    world.write(&format!("{odd}/-flag.tf"), "locals {\n  f = 1\n}\n");
    world.write(" lead/.notes\n", "");
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.y: tier"], "{}", run.stdout);
    shows(&run, "Looked at 1 of 2 root modules");
    world.commit("odd names");
    assert_eq!(under(&world.check(&[]).ends_with(0), CHANGE), ["updates torture_object.y: tier"]);
    // A name that is no text at all keeps nobody from the others.
    let name = std::ffi::OsStr::from_bytes(b"a/\xff\xfe.tf");
    std::fs::write(world.place.path("repo").join(name), "").expect("it is written");
    assert!(under(&world.check(&[]).ends_with(0), CHANGE).contains(&"updates torture_object.y: tier".to_owned()));
}

#[test]
fn line_ends_that_git_makes_are_no_change() {
    let world = World::of(&[("a", &["x", "y"])]);
    let text = "resource \"torture_object\" \"x\" {\n  name = \"x\"\n  secret = \"planted-x\"\n  tier = trimspace(<<-T\n    fast\n    T\n  )\n}\n";
    world.code("a", &[text.to_owned()]);
    world.write(
        "a/y.tf",
        &object("y", "y", "fast")
            .replace("\"fast\"", "length(<<-T\n    f\n    g\n    T\n  ) > 4 ? \"slow\" : \"fast\""),
    );
    world.settle("texts");
    world.git(&["config", "core.autocrlf", "true"]);
    std::fs::remove_dir_all(world.place.path("repo/a")).expect("it is there");
    world.git(&["checkout", "-q", "--", "a"]);
    assert!(std::fs::read_to_string(world.place.path("repo/a/y.tf")).expect("it is there").contains("\r\n"));
    world.apply("a", &["x", "y"]);
    world.write("a/more.tf", "locals {\r\n  m = 1\r\n}\r\n");
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), Vec::<String>::new(), "{}", run.stdout);
    // Of a file that is changed as well, what git would make of its line ends is what it was.
    let path = world.place.path("repo/a/y.tf");
    let more = format!("# Said.\r\n{}", std::fs::read_to_string(&path).expect("it is there"));
    std::fs::write(&path, more).expect("it is written");
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), Vec::<String>::new(), "{}", run.stdout);
}

#[test]
fn links_lead_to_what_changed() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.write("common/tier.tf", "locals {\n  tier = \"fast\"\n}\n");
    world.write("modules/real/main.tf", "locals {\n  in = 1\n}\n");
    symlink("../common/tier.tf", world.place.path("repo/a/tier.tf")).expect("a link");
    symlink("real", world.place.path("repo/modules/link")).expect("a link");
    world.code("a", &[object("x", "x", "fast").replace("\"fast\"", "local.tier")]);
    world.write("b/m.tf", "module \"m\" {\n  source = \"../modules/link\"\n}\n");
    world.settle("links");
    world.write("common/tier.tf", "locals {\n  tier = \"slow\"\n}\n");
    let run = world.check(&[]).ends_with(0);
    updates_x(&run);
    shows(&run, "\na  (common/tier.tf changed)\n");
    world.git(&["checkout", "-q", "--", "common"]);
    world.write("modules/real/main.tf", "locals {\n  in = 2\n}\n");
    shows(&world.check(&[]).ends_with(0), "\nb  (modules/real/main.tf changed)\n");
    // A root module that is a link is looked at where somebody names it.
    world.git(&["checkout", "-q", "--", "modules"]);
    symlink("a", world.place.path("repo/named")).expect("a link");
    world.code("a", &[object("x", "x", "slow")]);
    let run = world.check(&["--dir", "named"]).ends_with(0);
    updates_x(&run);
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    let library = world.place.path("library");
    let module = |tier: &str| format!("output \"tier\" {{\n  value = \"{tier}\"\n}}\n");
    world.place.write("library/m/main.tf", module("fast"));
    let of_library = |arguments: &[&str]| world.git_in("library", arguments);
    of_library(&["init", "-q", "-b", "main"]);
    of_library(&["add", "-A"]);
    of_library(&["commit", "-q", "-m", "fast"]);
    world.git_in("repo", &["submodule", "--quiet", "add", library.to_str().expect("a path"), "sub"]);
    let call = "module \"m\" {\n  source = \"../sub/m\"\n}\n".to_owned();
    let of_module = object("x", "x", "fast").replace("\"fast\"", "module.m.tier");
    world.code("a", &[of_module.clone(), call.clone()]);
    world.settle("a submodule");
    // As long as it stays at its commit, it is what it was.
    world.code("a", &[of_module, call, object("n", "n", "fast")]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["creates torture_object.n"], "{}", run.stderr);
    assert!(!run.stderr.contains("base-unread"), "{}", run.stderr);
    world.git(&["checkout", "-q", "--", "a"]);
    // At another commit, nobody knows what it was: the root that calls it is met.
    world.place.write("repo/sub/m/main.tf", module("slow"));
    world.git_in("repo/sub", &["commit", "-q", "-a", "-m", "slow"]);
    let run = world.check(&[]).ends_with(0);
    shows(&run, "\na  (sub changed)\n");
    shows(&run, "Looked at 1 of 2 root modules");
    assert!(under(&run, CHANGE).iter().any(|line| line.starts_with("updates torture_object.x")), "{}", run.stdout);
}

#[test]
fn a_renamed_root_is_the_one_it_was() {
    let world = World::of(&[("a", &["x", "y"]), ("b", &["z"])]);
    world.git(&["mv", "a", "c"]);
    world.code("c", &[object("x", "x", "slow"), object("y", "y", "fast")]);
    world.commit("renamed");
    world.change("y", "tier", json!("medium"));
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x: tier"], "{}", run.stdout);
    assert_eq!(under(&run, ASIDE), ["torture_object.y changed"]);
    assert!(!run.stderr.contains("root-removed"), "{}", run.stderr);
}

#[test]
fn a_diff_of_ten_thousand_files_is_looked_at() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    for number in 0..10_000 {
        world.write(&format!("notes/{}/{number}.md", number % 100), "said\n");
    }
    world.code("a", &[object("x", "x", "slow")]);
    let run = world.check(&[]).ends_with(0);
    updates_x(&run);
    shows(&run, "Looked at 1 of 2 root modules");
    world.commit("many files");
    updates_x(&world.check(&[]).ends_with(0));
}

#[test]
fn files_that_are_written_meanwhile_end_in_one_answer_or_the_other() {
    let world = World::of(&[("a", &["x"])]);
    let path = world.place.path("repo/a/main.tf");
    let before = std::fs::read_to_string(&path).expect("it is there");
    let after = before.replace("\"fast\"", "\"slow\"");
    let mut command = world.place.driftmgr();
    command
        .args(["check", "--base", "main"])
        .current_dir(world.place.path("repo"))
        .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let child = command.spawn().expect("driftmgr starts");
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let run = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    for text in [&after, &before] {
                        // Whole at every moment, as editors do it.
                        std::fs::write(path.with_extension("new"), text).expect("it is written");
                        std::fs::rename(path.with_extension("new"), &path).expect("it is renamed");
                    }
                }
            });
            let output = child.wait_with_output().expect("it ends");
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            Run::of(output)
        });
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        seen.insert(run.ends_with(0).code);
    }
    assert_eq!(seen, BTreeSet::from([0]));
}

#[test]
fn a_new_root_does_not_say_where_its_state_is() {
    let world = World::of(&[("a", &["x"])]);
    // What is recorded of `a` would be shown by whoever names its state.
    let stolen = world.place.path("repo/a/terraform.tfstate").display().to_string();
    let backend = format!("terraform {{\n  backend \"local\" {{\n    path = {stolen:?}\n  }}\n}}\n");
    world.code("new", &[object("n", "n", "fast")]);
    world.write("new/backend.tf", &backend);
    let run = world.check(&[]).ends_with(0).says("change-not-trusted").says("--trust-head");
    assert_eq!(under(&run, CHANGE), ["creates torture_object.n"]);
    assert!(!run.stdout.contains("torture_object.x"), "{}", run.stdout);
    shows(&world.check(&["--trust-head"]).ends_with(0), "torture_object.x");
    // What `init` noted is of the change too.
    std::fs::remove_file(world.place.path("repo/new/backend.tf")).expect("it is there");
    let noted = json!({"version": 3, "backend": {"type": "local", "config": {"path": stolen}, "hash": 1}});
    world.write("new/.terraform/terraform.tfstate", &noted.to_string());
    world.write("new/terraform.tfvars", "");
    let run = world.check(&[]).ends_with(0).says("change-not-trusted");
    assert!(!run.stdout.contains("torture_object.x"), "{}", run.stdout);
}

#[test]
fn a_change_does_not_bring_a_state_along() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.code("a", &[object("x", "x", "slow")]);
    world.code("b", &[object("y", "y", "slow")]);
    world.git(&["add", "-f", "b/terraform.tfstate"]);
    world.commit("with a state");
    // The others are answered.
    let run = world.check(&[]).ends_with(1);
    assert!(under(&run, CHANGE).contains(&"updates torture_object.x: tier".to_owned()), "{}", run.stdout);
    shows(&run, "b/terraform.tfstate is a file of the");
    run.says("--trust-head");
    world.check(&["--trust-head"]).ends_with(0);
    world.check(&["--dir", "b", "--state", "b/terraform.tfstate"]).ends_with(1);
}

#[test]
fn a_state_that_the_change_moves_after_init_is_not_read() {
    let world = World::of(&[("a", &["x"])]);
    let elsewhere = world.place.path("elsewhere.tfstate").display().to_string();
    world.write("a/backend.tf", &format!("terraform {{\n  backend \"local\" {{\n    path = {elsewhere:?}\n  }}\n}}\n"));
    // Without what `init` noted, it is where it was.
    world.code("a", &[object("x", "x", "slow")]);
    updates_x(&world.check(&[]).ends_with(0));
    let noted = json!({"version": 3, "backend": {"type": "local", "config": {"path": elsewhere}, "hash": 1}});
    world.write("a/.terraform/terraform.tfstate", &noted.to_string());
    let run = world.check(&[]).ends_with(1).says("terraform init");
    shows(&run, "`init` was run with it");
}

#[test]
fn git_that_fails_half_way_is_an_error_that_names_the_command() {
    let world = changed_world();
    world.commit("the change");
    // The objects of the code before the change are lost.
    let tree = world.git(&["rev-parse", "main^{tree}"]);
    let (folder, name) = tree.split_at(2);
    std::fs::remove_file(world.place.path(&format!("repo/.git/objects/{folder}/{name}"))).expect("it is there");
    world.check(&[]).ends_with(1).says("`git ");
}

#[test]
fn what_other_resources_hold_is_known_from_the_state() {
    let world = World::of(&[("a", &["x", "y", "z"])]);
    let of = |text: &str| object("x", "x", "fast").replace("\"fast\"", text);
    let others = [object("y", "y", "fast"), object("z", "z", "fast")];
    let code = |text: &str| [&[of(text)], others.as_slice()].concat();
    // What is computed of one, and of another: both are recorded, so what is set is surely another or surely the same.
    world.code("a", &code("torture_object.y.made"));
    world.settle("a reference");
    world.code("a", &code("torture_object.z.name"));
    let run = world.check(&[]).ends_with(0);
    updates_x(&run);
    assert!(!run.stdout.contains("known only when it is applied"), "{}", run.stdout);
    world.code("a", &code("torture_object.z.made"));
    assert_eq!(under(&world.check(&[]).ends_with(0), CHANGE), Vec::<String>::new());
    // A value that the code sets is what it is set to, applied or not.
    world.code("a", &code("torture_object.z.tier"));
    updates_x(&world.check(&[]).ends_with(0));
    // Where something of the other one is not as the code says, what its provider computes is not certain.
    world.change("z", "tier", json!("slow"));
    world.code("a", &code("torture_object.z.made"));
    let run = world.check(&[]).ends_with(0);
    updates_x(&run);
    shows(&run, "known only when it is applied");
}

#[test]
fn what_is_written_at_the_top_of_the_repository_counts_in_every_folder() {
    let world = World::of(&[("a/b", &["x"])]);
    let path = "repo/a/b/main.tf";
    let text = std::fs::read_to_string(world.place.path(path)).expect("it is there");
    let cloud = world.place.path("cloud").display().to_string();
    world.place.write(path, text.replace(&format!("cloud = {cloud:?}"), ""));
    let settings =
        |cloud: &str| format!("version: 1\nproviders:\n  - provider: torture\n    arguments:\n      cloud: {cloud}\n");
    world.write("driftmgr.yaml", &settings(&cloud));
    world.settle("settings");
    world.change("x", "tier", json!("slow"));
    let drift = || {
        let mut command = world.place.driftmgr();
        command.arg("drift").current_dir(world.place.path("repo/a/b"));
        Run::of(command.env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc")).output().expect("driftmgr starts"))
    };
    shows(&drift().ends_with(2), "torture_object.x");
    let run = world.check_in("repo/a/b", &["--base", "main", "--all"], &[]).ends_with(0);
    assert_eq!(under(&run, ASIDE), ["torture_object.x changed"]);
    // A root module's own file goes before it.
    let elsewhere = world.place.path("elsewhere").display().to_string();
    world.write("a/b/driftmgr.yaml", &settings(&elsewhere));
    shows(&drift().ends_with(2), "missing");
}
