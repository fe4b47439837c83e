//! `driftmgr check`: a change in a real git repository, against the cloud of the torture provider.

mod support;

use std::process::Command;

use serde_json::json;
use support::Run;
use support::change::{World, object, shows, under};
use xtask::tools::{self, Tool};

const CHANGE: &str = "This change";
const COLLIDES: &str = "Changed by somebody else too (";
const REVERTS: &str = "Silently undone by applying this change (";
const DESTROYS: &str = "Destroyed by this change (";
const TOUCHES: &str = "Also found where this change is (";
const ASIDE: &str = "Beside this change, for information (";

#[test]
fn only_what_meets_the_change_fails() {
    let world = World::of(&[("a", &["x", "y"]), ("b", &["z"])]);
    // Somebody changes y and z by hand; the change is about x.
    world.change("y", "tier", json!("slow"));
    world.change("z", "tier", json!("slow"));
    world.code("a", &[object("x", "x", "slow"), object("y", "y", "fast")]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x: tier"]);
    assert_eq!(under(&run, ASIDE), ["torture_object.y changed"]);
    shows(&run, "Looked at 1 of 2 root modules, 1 is not met by this change.");
    assert!(!run.stdout.contains("planted-"));
    // Committed or not, the change is the same.
    world.commit("the change");
    assert_eq!(world.check(&[]).ends_with(0).stdout.lines().count(), run.stdout.lines().count());
    // Somebody changes x as well.
    world.change("x", "tier", json!("medium"));
    let run = world.check(&[]).ends_with(2);
    assert_eq!(under(&run, COLLIDES), ["FAILS torture_object.x collision"]);
    // Without the code before the change, everything counts.
    let run = world.check_in("repo", &["--base", "none"], &[]).ends_with(2);
    assert!(under(&run, "Changed (").contains(&"FAILS torture_object.z changed".to_owned()), "{}", run.stdout);
    // All of them, and still only what meets the change fails.
    world.change("x", "tier", json!("fast"));
    let run = world.check(&["--all"]).ends_with(0);
    assert_eq!(under(&run, ASIDE), ["torture_object.y changed", "torture_object.z changed"]);
}

#[test]
fn a_touched_instance_that_somebody_changed_elsewhere_would_be_reverted() {
    let world = World::of(&[("a", &["x"])]);
    let code = object("x", "x", "fast").replace("secret", "force  = \"yes\"\n  secret");
    world.code("a", &[code]);
    world.change("x", "tier", json!("slow"));
    let run = world.check(&[]).ends_with(2);
    assert_eq!(under(&run, REVERTS), ["FAILS torture_object.x changed"]);
}

#[test]
fn removed_code_is_to_be_destroyed_and_a_moved_block_only_moves() {
    let world = World::of(&[("a", &["x", "y"])]);
    world.code("a", &[object("x", "x", "fast")]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["destroys torture_object.y"]);
    assert_eq!(under(&run, DESTROYS), ["torture_object.y pending removal"]);
    let moved = "moved {\n  from = torture_object.y\n  to   = torture_object.z\n}\n".to_owned();
    world.code("a", &[object("x", "x", "fast"), object("z", "y", "fast"), moved]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["moves torture_object.z from torture_object.y"]);
    assert_eq!(under(&run, DESTROYS), Vec::<String>::new());
}

#[test]
fn a_shared_module_and_variables_meet_their_roots() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"]), ("c", &["z"])]);
    let module = "variable \"tier\" {}\nterraform {\n  required_providers {\n    torture = {\n      source = \
                  \"driftmgr/torture\"\n    }\n  }\n}\n";
    world.write("modules/m/main.tf", module);
    for root in ["a", "b"] {
        world.write(
            &format!("{root}/m.tf"),
            "variable \"tier\" {\n  default = \"fast\"\n}\nmodule \"m\" {\n  source = \"../modules/m\"\n  tier   = var.tier\n}\n",
        );
    }
    world.commit("a module");
    world.git(&["branch", "-f", "main"]);
    world.write("modules/m/more.tf", "locals {\n  tier = var.tier\n}\n");
    let run = world.check(&[]).ends_with(0);
    shows(&run, "\na  (modules/m/more.tf changed)\n");
    shows(&run, "\nb  (modules/m/more.tf changed)\n");
    shows(&run, "Looked at 2 of 3 root modules, 1 is not met by this change.");
    world.git(&["stash", "-q", "-u"]);
    world.write("c/terraform.tfvars", "other = 1\n");
    shows(&world.check(&[]).ends_with(0), "\nc  (c/terraform.tfvars changed)\n");
}

#[test]
fn shards_divide_the_roots() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"]), ("c", &["z"])]);
    let mut seen: Vec<String> = Vec::new();
    for shard in ["1/2", "2/2"] {
        let run = world.check(&["--all", "--shard", shard]).ends_with(0);
        seen.extend(run.stdout.lines().filter(|line| ["a", "b", "c"].contains(line)).map(str::to_owned));
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    world.check(&["--shard", "3/2"]).ends_with(1).says("3/2");
}

#[test]
fn reports_of_shards_put_together_are_the_report_of_the_whole() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"]), ("c", &["z"])]);
    world.code("a", &[object("x", "x", "slow")]);
    world.code("b", &[object("y", "y", "slow")]);
    world.change("y", "tier", json!("medium"));
    let parts: Vec<String> = (1..=3)
        .map(|number| {
            let path = world.place.path(&format!("part-{number}.json")).display().to_string();
            let run = world.check(&["--shard", &format!("{number}/3"), "--json", "--output", &path]);
            assert!(run.stdout.is_empty(), "{}", run.stdout);
            path
        })
        .collect();
    let merge = |files: &[&String], arguments: &[&str]| {
        let mut command = world.place.driftmgr();
        command.args(["report", "merge"]).args(files).args(arguments);
        Run::of(command.output().expect("driftmgr starts"))
    };
    let all: Vec<&String> = parts.iter().collect();
    let whole = world.check(&[]).ends_with(2);
    let merged = merge(&all, &[]).ends_with(2);
    assert_eq!(merged.stdout, whole.stdout);
    let whole = world.check(&["--format", "sarif"]).ends_with(2);
    assert_eq!(merge(&all, &["--format", "sarif"]).ends_with(2).stdout, whole.stdout);
    // One that is not there may hold anything.
    let b = (0..3).find(|number| {
        let text = std::fs::read_to_string(&parts[*number]).expect("it was written");
        text.contains("torture_object.y")
    });
    let b = b.expect("one part has it");
    let others: Vec<&String> = (0..3).filter(|number| *number != b).map(|number| &parts[number]).collect();
    merge(&others, &[]).ends_with(3).says(&format!("no report is there of part {}/3", b + 1));
    merge(&others, &["--allow-incomplete"]).ends_with(0);
    merge(&[&parts[0], &parts[0]], &[]).ends_with(1).says("are both part 1/3");
    world.place.write("newer.json", r#"{"schema": "driftmgr.check/v9"}"#);
    let newer = world.place.path("newer.json").display().to_string();
    merge(&[&newer], &[]).ends_with(1).says("newer");
    merge(&[&"nowhere.json".to_owned()], &[]).ends_with(1).says("nowhere.json");
}

#[test]
fn what_somebody_says_matters_fails_and_another_program_has_other_codes() {
    let world = World::of(&[("a", &["x", "y"])]);
    let rules = "version: 1\nseverity:\n  - kind: pending_destroy\n    type: torture_*\n    severity: high\n";
    world.write("driftmgr.yaml", rules);
    world.commit("rules");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x", "fast")]);
    world.check(&[]).ends_with(0);
    world.check(&["--fail-on", "severity:high"]).ends_with(2);
    world.check(&["--fail-on", "severity:high", "--compat", "driftctl"]).ends_with(1);
    world.check(&["--compat", "driftctl"]).ends_with(0);
    // A change does not make light of itself.
    world.write("driftmgr.yaml", &rules.replace("high", "info"));
    world.check(&["--fail-on", "severity:high"]).ends_with(2);
    world.check(&["--fail-on", "severity:high", "--trust-head"]).ends_with(0);
    world.write("driftmgr.yaml", &rules.replace("high", "hihg"));
    let run = world.check(&["--trust-head", "--compat", "driftctl"]).ends_with(2);
    shows(&run, "could not be compared");
    // The same for drift.
    let drift = |arguments: &[&str]| {
        let mut command = world.place.driftmgr();
        command.arg("drift").args(arguments).current_dir(world.place.path("repo/a"));
        command.env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"));
        Run::of(command.output().expect("driftmgr starts"))
    };
    drift(&[]).ends_with(1).says("\"hihg\" is none of info, low, medium, high");
    drift(&["--compat", "driftctl"]).ends_with(2);
    drift(&["--compat", "driftctl", "--no-such-option"]).ends_with(2);
    world.write("driftmgr.yaml", rules);
    drift(&[]).ends_with(2);
    drift(&["--compat=driftctl"]).ends_with(1);
    drift(&["--fail-on", "none"]).ends_with(0);
    drift(&["--fail-on", "severity:hgih"]).ends_with(1).says("Did you mean \"high\"?");
}

#[test]
fn without_git_or_a_commit_in_common_the_way_out_is_said() {
    let world = World::of(&[("a", &["x"])]);
    world.change("x", "tier", json!("slow"));
    world.check_in("repo", &[], &[]).ends_with(1).says("--base origin/main").says("--base none");
    world.check_in("repo", &["--base", "no-such"], &[]).ends_with(1).says("no-such").says("git fetch origin");
    world.check_in("repo", &[], &[("GITHUB_BASE_REF", "main")]).ends_with(0);
    world.check_in("repo", &[], &[("GITHUB_BASE_REF", "gone")]).ends_with(1).says("GITHUB_BASE_REF");
    // No git at all.
    let folder = world.place.path("bin");
    std::fs::create_dir(&folder).expect("a folder");
    let path = [("PATH", folder.to_str().expect("a path"))];
    world.check_in("repo", &["--base", "main"], &path).ends_with(1).says("git was not found").says("--base none");
    world.check_in("repo", &["--base", "none"], &path).ends_with(2);
    world.check_in("repo", &["--all"], &path).ends_with(2).says("no-base");
    // No repository.
    std::fs::rename(world.place.path("repo/.git"), world.place.path("hidden")).expect("it is there");
    world.check_in("repo", &["--base", "main"], &[]).ends_with(1).says("no git repository").says("--base none");
    world.check_in("repo", &["--base", "none"], &[]).ends_with(2);
}

#[test]
fn a_shallow_clone_says_how_to_get_the_history() {
    let world = World::of(&[("a", &["x"])]);
    world.commit_empty("one");
    world.git(&["checkout", "-q", "main"]);
    world.commit_empty("another");
    world.git(&["checkout", "-q", "change"]);
    let source = format!("file://{}", world.place.path("repo").display());
    let clone = world.place.path("clone").display().to_string();
    world.git(&["clone", "-q", "--depth", "1", "--no-single-branch", "-b", "change", &source, &clone]);
    let run = world.check_in("clone", &["--base", "origin/main"], &[]).ends_with(1);
    run.says("no commit in common").says("fetch-depth: 0").says("git fetch --deepen");
}

#[test]
fn a_root_that_does_not_parse_before_the_change_is_met_as_a_whole() {
    let world = World::of(&[("a", &["x"])]);
    world.git(&["checkout", "-q", "main"]);
    world.write("a/broken.tf", "resource \"a\" {{{\n");
    world.commit("broken");
    world.git(&["checkout", "-q", "-B", "change"]);
    std::fs::remove_file(world.place.path("repo/a/broken.tf")).expect("it was there");
    world.check(&[]).ends_with(0).says("base-unread");
}

#[test]
fn a_root_that_is_wrong_leaves_the_others() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.write("b/terraform.tfstate", "no state\n");
    world.code("a", &[object("x", "x", "slow")]);
    world.code("b", &[object("y", "y", "slow")]);
    let run = world.check(&[]).ends_with(1);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x: tier"]);
    shows(&run, "It could not be compared: ");
    world.change("x", "tier", json!("medium"));
    world.check(&[]).ends_with(2);
}

#[test]
fn a_change_does_not_ignore_its_own_collisions() {
    let world = World::of(&[("a", &["x"])]);
    world.code("a", &[object("x", "x", "slow")]);
    world.change("x", "tier", json!("medium"));
    let rules = "version: 1\nrules:\n  - address: torture_object.x\n    reason: nobody shall see it\n";
    world.write("a/.driftmgrignore.yaml", rules);
    world.check(&[]).ends_with(2);
    world.check(&["--trust-head"]).ends_with(0);
    // What is ignored already stays ignored.
    world.commit("ignored");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x", "slower")]);
    world.check(&[]).ends_with(0);
}

#[test]
fn comments_and_baselines_of_a_change_do_not_count() {
    let world = World::of(&[("a", &["x"])]);
    let commented = |tier: &str| {
        let text = object("x", "x", tier);
        format!("# driftmgr:ignore reason=\"nobody shall see it\"\n{text}")
    };
    world.code("a", &[commented("slow")]);
    world.change("x", "tier", json!("medium"));
    world.check(&[]).ends_with(2);
    world.check(&["--trust-head"]).ends_with(0);
    // What the code said before counts, and not that the change takes it away.
    world.commit("commented");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x", "slower")]);
    world.check(&[]).ends_with(0);
    world.check(&["--trust-head"]).ends_with(2);
    world.commit("no comment");
    world.git(&["branch", "-f", "main"]);

    let entry = |kind: &str| json!({"address": "torture_object.x", "kind": kind, "path": "tier", "reason": "r", "approver": "a"});
    let baseline = json!({"version": 1, "entries": [entry("changed"), entry("collision")]});
    world.write("a/driftmgr.baseline.json", &baseline.to_string());
    world.code("a", &[object("x", "x", "slowest")]);
    world.check(&[]).ends_with(2);
    world.check(&["--trust-head"]).ends_with(0);
    world.commit("known");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x", "slow")]);
    world.check(&[]).ends_with(0);
}

#[test]
fn a_change_does_not_say_with_what_providers_are_configured() {
    let world = World::of(&[("a", &["x"])]);
    let text = std::fs::read_to_string(world.place.path("repo/a/main.tf")).expect("it is there");
    world.write("a/main.tf", &text.replace("/cloud\"", "/elsewhere\""));
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x"]);
    let run = world.check(&["--trust-head"]).ends_with(2);
    assert_eq!(under(&run, TOUCHES), ["FAILS torture_object.x missing"]);
    // Nor with driftmgr.yaml.
    world.write("a/main.tf", &text);
    let elsewhere = world.place.path("elsewhere").display().to_string();
    let settings = format!("version: 1\nproviders:\n  - provider: torture\n    arguments:\n      cloud: {elsewhere}\n");
    world.write("a/driftmgr.yaml", &settings);
    world.check(&[]).ends_with(0);
    world.check(&["--base", "none"]).ends_with(1);
}

#[test]
fn a_change_reads_nothing_beside_the_repository() {
    let world = World::of(&[("a", &["x"])]);
    world.place.write("beside.txt", "fast");
    std::os::unix::fs::symlink("../../beside.txt", world.place.path("repo/a/link.txt")).expect("a link");
    world.code("a", &[object("x", "x", "fast").replace("\"fast\"", "file(\"link.txt\")")]);
    // What it reads there would be what is set now; it is not read, so nobody knows.
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x: tier"]);
    let run = world.check(&["--trust-head"]).ends_with(0);
    assert_eq!(under(&run, CHANGE), Vec::<String>::new());
    shows(&run, "This change is about no instance of it.");
}

#[test]
fn a_lock_file_of_the_change_does_not_count() {
    let world = World::of(&[("a", &["x"])]);
    world.write(
        "a/.terraform.lock.hcl",
        "provider \"registry.terraform.io/driftmgr/torture\" {\n  version = \"9.9.9\"\n}\n",
    );
    world.check(&[]).ends_with(0).says("change-not-trusted");
    let run = world.check(&["--trust-head"]).ends_with(0);
    assert!(!run.stderr.contains("change-not-trusted"), "{}", run.stderr);
}

#[test]
fn where_states_are_is_as_it_was_written_before() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.write("driftmgr.yaml", "version: 1\nroots:\n  - path: a\n  - path: b\n");
    world.commit("roots");
    world.git(&["branch", "-f", "main"]);
    let settings = "version: 1\nroots:\n  - path: a\n    states: [\"../b/terraform.tfstate\"]\n  - path: b\n";
    world.write("driftmgr.yaml", settings);
    let run = world.check(&[]).ends_with(0).says("change-not-trusted");
    assert!(!run.stdout.contains("torture_object.y"), "{}", run.stdout);
}

#[test]
fn a_root_that_was_never_applied_only_creates() {
    let world = World::of(&[("a", &["x"])]);
    world.code("new", &[object("n", "n", "fast")]);
    world.write("new/terraform.tfvars", "");
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["creates torture_object.n"]);
}

#[test]
fn a_plan_tells_its_own_change() {
    let Some(terraform) = tools::or_skip(Tool::Terraform) else { return };
    let world = World::of(&[("a", &["x", "y", "z"])]);
    let run = |arguments: &[&str]| {
        let output = Command::new(&terraform)
            .args(arguments)
            .current_dir(world.place.path("repo/a"))
            .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .expect("terraform starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // Somebody changes x and y by hand; the change sets x to something else, adds n, and takes z away.
    world.change("x", "tier", json!("medium"));
    world.change("y", "tier", json!("slow"));
    world.code("a", &[object("x", "x", "slow"), object("y", "y", "fast"), object("n", "n", "fast")]);
    run(&["plan", "-out=plan.tfplan", "-input=false", "-no-color"]);
    let plan = run(&["show", "-json", "plan.tfplan"]);
    world.place.write("plan.json", plan);
    let check =
        |folder: &str| world.check_in(folder, &["--plan", &world.place.path("plan.json").display().to_string()], &[]);
    let checked = check("repo/a").ends_with(2);
    let touches = ["creates torture_object.n", "updates torture_object.x: tier", "destroys torture_object.z"];
    assert_eq!(under(&checked, CHANGE), touches);
    assert_eq!(under(&checked, COLLIDES), ["FAILS torture_object.x changed"]);
    assert_eq!(under(&checked, ASIDE), ["torture_object.y changed"]);
    assert!(!checked.stdout.contains("planted-"), "{}", checked.stdout);
    // Neither git, nor code, nor the provider is needed.
    let folder = world.place.path("elsewhere");
    std::fs::create_dir(folder).expect("a folder");
    let checked = check("elsewhere").ends_with(2);
    assert_eq!(under(&checked, COLLIDES), ["FAILS torture_object.x changed"]);
}

#[test]
fn a_root_that_is_taken_away_is_told_of() {
    let world = World::of(&[("a", &["x"]), ("b", &["y"])]);
    world.write("b/terraform.tfvars", "");
    world.commit("values");
    world.git(&["branch", "-f", "main"]);
    world.git(&["rm", "-q", "-r", "b"]);
    world.check(&[]).ends_with(0).says("root-removed").says("root module b");
}

#[test]
fn what_is_judged_by_a_change_is_not_kept_for_others() {
    let world = World::of(&[("a", &["x"])]);
    world.check_in("repo/a", &["--base", "main"], &[]).ends_with(0);
    let mut drift = world.place.driftmgr();
    drift
        .arg("drift")
        .current_dir(world.place.path("repo/a"))
        .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"));
    Run::of(drift.output().expect("driftmgr starts")).ends_with(0);
    let published = || std::fs::read(world.place.path("store.db.published")).expect("it was published");
    let before = published();
    world.code("a", &[object("x", "x", "slow")]);
    world.change("x", "tier", json!("medium"));
    world.check(&[]).ends_with(2);
    assert!(before == published(), "the store holds what a change made of it");
}

#[test]
fn what_only_another_object_can_have_replaces_it() {
    let world = World::of(&[("a", &["x", "y"])]);
    world.code("a", &[object("x", "x2", "fast").replace("planted-x2", "planted-x"), object("y", "y", "slow")]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["replaces torture_object.x: name", "updates torture_object.y: tier"]);
    assert_eq!(under(&run, DESTROYS), ["torture_object.x pending"]);
    // What was to be replaced before the change is not of the change.
    world.commit("renamed");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x2", "slow").replace("planted-x2", "planted-x"), object("y", "y", "slow")]);
    let run = world.check(&[]).ends_with(0);
    assert_eq!(under(&run, CHANGE), ["updates torture_object.x: tier"]);
}

#[test]
fn code_that_was_applied_from_elsewhere_is_told_of() {
    let world = World::of(&[("a", &["x"])]);
    // The state says `fast`; what the change starts from says `slow`, and the change `slower`.
    world.code("a", &[object("x", "x", "slow")]);
    world.commit("not applied");
    world.git(&["branch", "-f", "main"]);
    world.code("a", &[object("x", "x", "slower")]);
    let cause = "the state was applied from another revision";
    let told = |run: &Run| run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let run = world.check(&["--json"]).ends_with(0);
    assert!(told(&run).contains(cause), "{}", run.stdout);
    // What is applied as it was before the change was not.
    world.git(&["branch", "-f", "main", "HEAD~1"]);
    let run = world.check(&["--json"]).ends_with(0);
    assert!(!told(&run).contains(cause), "{}", run.stdout);
}
