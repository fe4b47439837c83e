//! Adoption as a person works with it: into a root module or a new one, by mapping file, in batches, interrupted, again.
//!
//! The provider's cloud is a folder of files, so every object is cheap and every misbehaviour can be had.

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Place, Run, check_schema, torture};

/// A value that no output may hold.
const PLANTED: &str = "hunter2-planted-and-found";

/// A root module without a state, and the cloud of its provider.
struct World {
    place: Place,
}

impl World {
    /// Makes a world with objects of these names.
    fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let world = Self { place: Place::new() };
        let cloud = world.place.path("cloud").display().to_string();
        world.place.write(
            "root/main.tf",
            format!(
                "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
                 provider \"torture\" {{\n  cloud = {cloud:?}\n}}\n"
            ),
        );
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"registry.terraform.io/driftmgr/torture\" = {:?}\n  }}\n}}\n",
            torture().display().to_string()
        );
        world.place.write("terraform.rc", config);
        names.into_iter().for_each(|name| world.add(name, json!({})));
        world
    }

    /// Adds an object to the cloud.
    fn add(&self, name: &str, more: Value) {
        let mut attributes = json!({"name": name, "tier": "fast", "made": "then"});
        attributes.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.driftmgr();
        command.args(["adopt", "--type", "torture_object"]).args(arguments);
        command.env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"));
        command
    }

    /// Adopts into the root module, or with these arguments otherwise.
    fn adopt(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(&[&["--dir", "root"], arguments].concat()).output().expect("driftmgr starts"))
    }

    /// Adopts, and gives the document and what is in it by id: the status and the reason.
    fn adopted(&self, arguments: &[&str]) -> (Value, BTreeMap<String, (String, String)>) {
        let document = self.adopt(&[arguments, &["--json"]].concat()).ends_with(0).document("driftmgr.adopt/v1");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = document["items"].as_array().expect("a list").iter();
        let items = items.map(|item| (text(&item["id"]), (text(&item["status"]), text(&item["reason"])))).collect();
        (document, items)
    }

    fn read(&self, name: &str) -> String {
        let path = self.place.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Gives what is in a folder, but for the code that was there before.
    fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let Ok(entries) = std::fs::read_dir(self.place.path(folder)) else { return BTreeMap::new() };
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names
            .filter(|name| name != "main.tf")
            .map(|name| (name.clone(), self.read(&format!("{folder}/{name}"))))
            .collect()
    }

    fn clear(&self, folder: &str) {
        for name in self.files(folder).keys() {
            std::fs::remove_file(self.place.path(folder).join(name)).expect("it is ours");
        }
    }

    fn journal(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.place.path("")).expect("the place");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.to_string_lossy().contains(".adopt-"))
    }

    /// Waits until the journal holds some objects, so that the command is in the middle of its work.
    fn wait_for_journal(&self, n_objects: usize) {
        let began = Instant::now();
        let n_lines = || {
            self.journal().and_then(|path| std::fs::read_to_string(path).ok()).map_or(0, |text| text.lines().count())
        };
        while n_lines() <= n_objects {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was finished");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn names(prefix: &str, number: usize) -> Vec<String> {
    (0..number).map(|index| format!("{prefix}{index:03}")).collect()
}

fn n_with(items: &BTreeMap<String, (String, String)>, status: &str) -> usize {
    items.values().filter(|(own, _)| own == status).count()
}

#[test]
fn an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened() {
    let names = names("n", 80);
    let world = World::new(names.iter().map(String::as_str));
    // Two of a kind and one that is like no other: groups, references and variables come out the same, too.
    world.add("other", json!({"labels": {"a": "b"}, "secret": PLANTED}));
    let (whole, _) = world.adopted(&[]);
    assert_eq!((&whole["summary"]["clean"], &whole["effort"]["resumed"]), (&json!(81), &json!(0)), "{whole:#}");
    let expected = world.files("root");
    assert!(world.journal().is_none(), "a run that ended leaves no journal");

    for (signal, code) in [("-KILL", None), ("-INT", Some(130)), ("-TERM", Some(143))] {
        world.clear("root");
        let mut command = world.command(&["--dir", "root", "--parallelism", "2"]);
        command.env("TORTURE_SLOW_MS", "20").stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("driftmgr starts");
        world.wait_for_journal(5);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), code, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty(), "{signal}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(world.files("root").is_empty(), "{signal}: half a run writes nothing");
        let journal = std::fs::read_to_string(world.journal().expect("the journal stays")).expect("it is text");
        assert!(!journal.contains(PLANTED), "the journal holds the secret");

        let (document, _) = world.adopted(&[]);
        let (searched, resumed) = (&document["effort"]["searched"], &document["effort"]["resumed"]);
        let (searched, resumed) = (searched.as_u64().expect("a number"), resumed.as_u64().expect("a number"));
        assert!(resumed >= 5 && searched + resumed == 81, "{signal}: {searched} searched, {resumed} resumed");
        assert_eq!(world.files("root"), expected, "{signal}");
        assert!(world.journal().is_none(), "{signal}");
    }
}

#[test]
fn a_journal_that_is_damaged_or_not_wanted_does_not_count() {
    let names = names("n", 40);
    let world = World::new(names.iter().map(String::as_str));
    let interrupt = || {
        let mut command = world.command(&["--dir", "root", "--parallelism", "2"]);
        command.env("TORTURE_SLOW_MS", "20").stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("driftmgr starts");
        world.wait_for_journal(3);
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    };
    interrupt();
    let (document, _) = world.adopted(&["--restart"]);
    assert_eq!(document["effort"]["resumed"], 0);
    world.clear("root");
    interrupt();
    let journal = world.journal().expect("the journal stays");
    let text = std::fs::read_to_string(&journal).expect("it is text");
    std::fs::write(&journal, text.replace("journal/v1", "journal/v9")).expect("it is ours");
    let run = world.adopt(&["--json"]).ends_with(0).says("adopt-journal").says("no journal that this driftmgr reads");
    assert_eq!(run.json()["effort"]["resumed"], 0);
    assert_eq!(run.json()["summary"]["clean"], 40);
}

#[test]
fn files_that_are_there_stay_as_they_are() {
    let world = World::new(["one"]);
    world.adopt(&[]).ends_with(0);
    let before = world.files("root");
    assert_eq!(before.keys().collect::<Vec<_>>(), ["generated_object.tf", "imports.tf", "mapping.json"]);
    check_schema("driftmgr.mapping/v1", &serde_json::from_str(&before["mapping.json"]).expect("JSON"));
    let code = world.read("root/main.tf");

    world.add("two", json!({}));
    let (document, items) = world.adopted(&[]);
    assert_eq!((items["one"].0.as_str(), items["two"].0.as_str()), ("skipped", "clean"));
    assert!(items["one"].1.contains("imports.tf"), "{items:?}");
    let entries = document["items"].as_array().expect("a list").iter();
    let addresses: Vec<&Value> = entries.map(|item| &item["address"]).collect();
    assert_eq!(addresses, ["torture_object.one", "torture_object.two"], "each has the address that it was given");
    assert_eq!(document["files"], json!(["generated_object_2.tf", "imports_2.tf", "mapping_2.json"]));
    let after = world.files("root");
    assert!(before.iter().all(|(name, text)| after[name] == *text), "{after:#?}");
    assert_eq!(world.read("root/main.tf"), code);

    // A folder that a person names, and that holds something already, is left alone before anything is asked.
    world.place.write("mine/network.tf", "# mine\n");
    let run = world.adopt(&["--out-dir", "mine", "--reclaim"]).ends_with(1).says("mine/network.tf").says("--dir");
    assert!(run.stdout.is_empty());
    world.place.write("file", "mine");
    world.adopt(&["--out-dir", "file/inside"]).ends_with(1).says("/file is no folder");
}

#[test]
fn what_was_adopted_is_not_offered_twice() {
    let world = World::new(["one", "two"]);
    let (_, items) = world.adopted(&["--out-dir", "first"]);
    assert_eq!(n_with(&items, "clean"), 2);
    let (document, items) = world.adopted(&["--out-dir", "second"]);
    assert_eq!(n_with(&items, "skipped"), 2);
    assert!(items["one"].1.contains("first/imports.tf") && items["one"].1.contains("--reclaim"), "{items:?}");
    assert_eq!(document["files"], json!(["mapping.json"]));
    let (_, items) = world.adopted(&["--out-dir", "third", "--reclaim"]);
    assert_eq!(n_with(&items, "clean"), 2);
    // The mapping file of a folder does that folder's own adoption anew.
    let (_, items) = world.adopted(&["--out-dir", "fourth", "--mapping", "third/mapping.json"]);
    assert_eq!(n_with(&items, "clean"), 2);
    assert_eq!(world.files("fourth"), world.files("third"));
    std::fs::remove_dir_all(world.place.path("fourth")).expect("it was made");
    let (_, items) = world.adopted(&["--out-dir", "fifth"]);
    assert_eq!(n_with(&items, "clean"), 2, "what was thrown away claims nothing");
}

#[test]
fn hundreds_are_adopted_in_batches() {
    let names = names("n", 7);
    let world = World::new(names.iter().map(String::as_str));
    for (n_clean, n_left) in [(3, 4), (3, 1), (1, 0)] {
        let (document, items) = world.adopted(&["--limit", "3", "--no-groups"]);
        assert_eq!((n_with(&items, "clean"), &document["effort"]["left"]), (n_clean, &json!(n_left)), "{document:#}");
    }
    let imports: String =
        world.files("root").into_iter().filter(|(name, _)| name.starts_with("imports")).map(|(_, text)| text).collect();
    for name in &names {
        assert_eq!(imports.matches(&format!("id = {name:?}")).count(), 1, "{name}: {imports}");
    }
    let run = world.adopt(&["--limit", "3"]).ends_with(0);
    assert!(run.stdout.contains("None of 7 unmanaged objects"), "{}", run.stdout);
}

#[test]
fn a_mapping_file_is_followed_entry_by_entry() {
    let world = World::new(["one", "two", "three", "four"]);
    std::fs::create_dir(world.place.path("other")).expect("it is made");
    let entry = |id: &str, more: Value| {
        let mut entry = json!({"type": "torture_object", "id": id});
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };
    let mapping = json!({"schema": "driftmgr.mapping/v1", "objects": [
        entry("one", json!({"address": "torture_object.first", "root": "root"})),
        entry("two", json!({"skip": true, "reason": "it is a toy"})),
        entry("three", json!({"address": "torture_object.third", "root": "other"})),
        entry("nowhere", json!({"address": "torture_object.nowhere"})),
    ]});
    world.place.write("map.json", mapping.to_string());
    let (_, items) = world.adopted(&["--mapping", "map.json", "--only-mapped"]);
    assert_eq!(items["one"].0, "clean");
    assert_eq!(items["two"], ("skipped".to_owned(), "it is a toy".to_owned()));
    assert!(items["three"].1.contains("--dir other"), "{items:?}");
    assert!(items["four"].1.contains("names it"), "{items:?}");
    assert_eq!(items["nowhere"].0, "skipped");
    assert!(items["nowhere"].1.contains("exist"), "{items:?}");
    let imports = world.read("root/imports.tf");
    assert!(imports.contains("torture_object.first") && imports.matches("import {").count() == 1, "{imports}");

    // What the file does not name goes by default, and an unedited file changes nothing.
    world.clear("root");
    let (_, items) = world.adopted(&["--mapping", "map.json"]);
    assert_eq!((items["one"].0.as_str(), items["four"].0.as_str()), ("clean", "clean"));
    let before = world.files("root");
    std::fs::copy(world.place.path("root/mapping.json"), world.place.path("again.json")).expect("copied");
    world.clear("root");
    world.adopt(&["--mapping", "again.json"]).ends_with(0);
    assert_eq!(world.files("root"), before);
}

#[test]
fn a_mapping_file_of_nonsense_writes_nothing_and_every_mistake_has_its_line() {
    let world = World::new(["one"]);
    let mistakes = [
        r#"{"type": "torture_object", "id": "a", "adress": "torture_object.a"}"#,
        r#"{"type": "torture_object", "id": "b", "address": "torture object"}"#,
        r#"{"type": "torture_object", "id": "c", "address": "torture_legacy.c"}"#,
        r#"{"type": "torture_object", "id": "d", "address": "torture_object.same"}"#,
        r#"{"type": "torture_object", "id": "e", "address": "torture_object.same"}"#,
        r#"{"type": "torture_object", "id": "d", "skip": true}"#,
        r#"{"type": "torture_object", "id": "f", "address": "torture_object.f", "root": "no/such/root"}"#,
    ];
    let text = format!("{{\n\"schema\": \"driftmgr.mapping/v1\",\n\"objects\": [\n{}\n]}}\n", mistakes.join(",\n"));
    world.place.write("map.json", text);
    let mut run = world.adopt(&["--mapping", "map.json"]).ends_with(1);
    assert!(run.stdout.is_empty());
    for (line, words) in [
        (4, "adress"),
        (5, "torture object"),
        (6, "torture_legacy.c"),
        (8, "torture_object.same"),
        (9, "line 7"),
        (10, "no/such/root"),
    ] {
        run = run.says(&format!("map.json:{line}:")).says(words);
    }
    for text in ["", "{}", "[1]", "{\"schema\": \"driftmgr.mapping/v2\", \"objects\": []}", "\u{0}"] {
        world.place.write("map.json", text);
        world.adopt(&["--mapping", "map.json"]).ends_with(1).says("map.json");
    }
    world.adopt(&["--mapping", "not-there.json"]).ends_with(1).says("not-there.json");
    assert!(world.files("root").is_empty() && world.journal().is_none());
}

#[test]
fn objects_go_to_the_code_of_modules() {
    let world = World::new(["one", "two"]);
    world.place.write("root/calls.tf", "module \"data\" {\n  source = \"./modules/data\"\n}\n");
    let code =
        "terraform {\n  required_providers {\n    torture = {\n      source = \"driftmgr/torture\"\n    }\n  }\n}\n";
    world.place.write("root/modules/data/generated_object.tf", code);
    let mapping = json!({"schema": "driftmgr.mapping/v1", "objects": [
        {"type": "torture_object", "id": "one", "address": "module.data.torture_object.one"},
        {"type": "torture_object", "id": "two", "address": "module.nowhere.torture_object.two"},
    ]});
    world.place.write("map.json", mapping.to_string());
    let run = world.adopt(&["--mapping", "map.json", "--json"]).ends_with(0);
    let files = &run.document("driftmgr.adopt/v1")["files"];
    let expected =
        ["imports.tf", "mapping.json", "modules/data/generated_object_2.tf", "modules/nowhere/generated_object.tf"];
    assert_eq!(*files, json!(expected));
    assert!(world.read("root/modules/data/generated_object_2.tf").contains("\"one\""));
    assert_eq!(world.read("root/modules/data/generated_object.tf"), code);
    run.says("module-not-there").says("module \"nowhere\" { source = \"./modules/nowhere\" }");
}

#[test]
fn objects_are_adopted_by_their_ids() {
    let world = World::new(["one", "two", "odd ${x} %{y}"]);
    let run = |arguments: &[&str]| {
        let mut command = world.place.driftmgr();
        command.args(["adopt", "--dir", "root", "--json"]).args(arguments);
        command.env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"));
        Run::of(command.output().expect("driftmgr starts"))
    };
    let document =
        run(&["--import", "torture_object=one", "--import", "torture_object.odd=odd ${x} %{y}"]).ends_with(0);
    let document = document.document("driftmgr.adopt/v1");
    assert_eq!(document["summary"]["clean"], 2, "{document:#}");
    let imports = world.read("root/imports.tf");
    assert!(imports.contains("torture_object.odd") && imports.contains("torture_object.one"), "{imports}");
    assert!(!imports.contains("two"), "nothing else was asked for: {imports}");
    let document = run(&["--import", "torture_object=gone"]).ends_with(0).document("driftmgr.adopt/v1");
    let gone = document["items"].as_array().expect("a list").iter().find(|item| item["id"] == "gone").expect("it");
    assert_eq!(gone["status"], "skipped", "{document:#}");
    run(&["--import", "torture_object=a", "--import", "torture_object=a"]).ends_with(1).says("named twice");
    run(&["--import", "torture_object=a!", "--import", "torture_object=a?"]).ends_with(1).says("ADDRESS=ID");
}

#[test]
fn the_planted_secret_is_nowhere() {
    let world = World::new(["plain"]);
    world.add("secretive", json!({"secret": PLANTED}));
    let mut outputs = Vec::new();
    for arguments in [&["--out-dir", "second", "--json"][..], &["--reclaim", "--arguments", "explicit"]] {
        let mut command = world.command(&[&["--dir", "root"], arguments].concat());
        outputs.push(command.env("DRIFTMGR_LOG", "trace").output().expect("driftmgr starts"));
    }
    let has_secret = |bytes: &[u8]| bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes());
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!has_secret(&output.stdout) && !has_secret(&output.stderr), "the secret is printed");
    }
    let generated = world.read("root/generated_variables.tf");
    assert!(generated.contains("sensitive") && generated.contains("= true"), "{generated}");
    let text = String::from_utf8_lossy(&outputs[1].stdout);
    assert!(text.contains("TF_VAR_"), "how to set it is said: {text}");
    let mut n_files = 0;
    let mut folders = vec![world.place.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("cloud") {
            } else if path.is_dir() {
                folders.push(path);
            } else {
                n_files += 1;
                assert!(!has_secret(&std::fs::read(&path).expect("the file")), "{} holds the secret", path.display());
            }
        }
    }
    assert!(n_files >= 10, "the store, the claims and both folders: {n_files}");
}

#[test]
fn a_full_disk_is_an_error_and_the_next_run_goes_on() {
    let names = names("n", 30);
    let world = World::new(names.iter().map(String::as_str));
    std::fs::create_dir(world.place.path("full")).expect("it is made");
    // A file system of its own, with two pages: the last of the files finds no room.
    let script = "mount -t tmpfs -o size=8k none full || exit 77\n\
                  \"$0\" \"$@\"; echo \"first: $?\" >&2; ls -A full >&2\n\
                  mount -o remount,size=4m full\n\
                  \"$0\" \"$@\"; echo \"second: $?\" >&2; ls -A full >&2\n";
    let adopt = world.command(&["--dir", "root", "--out-dir", "full", "--json", "--no-groups"]);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(adopt.get_program());
    command.args(adopt.get_args()).env_clear().current_dir(world.place.path(""));
    for (name, value) in adopt.get_envs() {
        command.env(name, value.expect("a value"));
    }
    let run = match command.output() {
        Ok(output) if output.status.code() != Some(77) && output.status.code() != Some(1) => Run::of(output),
        _ => return xtask::tools::skip("no file system of two pages can be made here"),
    };
    let (first, second) = run.stderr.split_once("first: 1\n").unwrap_or_else(|| panic!("{}", run.stderr));
    assert!(first.contains("No space left on device") && first.contains("Nothing was written"), "{first}");
    let (listed, _) = second.split_once("warning").unwrap_or((second, ""));
    assert!(!listed.contains(".tf") && !listed.contains(".tmp"), "nothing half-written is left: {listed}");
    assert!(second.contains("second: 0\n"), "{second}");
    let document = run.json();
    assert_eq!(
        (&document["effort"]["resumed"], &document["effort"]["searched"]),
        (&json!(30), &json!(0)),
        "{}",
        document["effort"]
    );
    for name in ["imports.tf", "generated_object.tf", "mapping.json"] {
        assert!(second.contains(name), "{second}");
    }
}

#[test]
fn a_provider_that_is_lost_leaves_what_is_finished() {
    let world = World::new(["one", "two"]);
    let mut command = world.command(&["--dir", "root", "--json"]);
    let run = Run::of(command.env("TORTURE_CRASH", "PlanResourceChange").output().expect("driftmgr starts"));
    let document = run.json();
    assert_eq!(document["summary"]["clean"], 0, "{document:#}");
    assert!(document["items"].to_string().contains("reason"), "{document:#}");
    world.clear("root");
    let (_, items) = world.adopted(&[]);
    assert_eq!(n_with(&items, "clean"), 2, "{items:?}");
}
