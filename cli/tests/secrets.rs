//! No secret leaves: planted ones of every sort, in every verb, format, log, file and error.
//!
//! What is planted begins with the same word, so that one look at the bytes tells; encodings are looked for as well.

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::Run;
use support::change::World;

/// What every planted secret contains.
const PLANTED: &str = "planted-";
/// Known by its form alone.
const BY_SHAPE: &str = "ghp_planted-by-shape-0123456789abcdef";
const FORMATS: &[&[&str]] = &[
    &[],
    &["--json"],
    &["--format", "markdown"],
    &["--format", "github"],
    &["--format", "sarif"],
    &["--format", "junit"],
    &["--format", "gitlab"],
    &["--format", "gitlab-terraform"],
    &["--format", "html"],
];

/// Makes a repository whose change, state and cloud hold secrets of every sort.
fn world() -> World {
    let world = World::of(&[("a", &["x", "y", "z"])]);
    let mut code = world.provider();
    write!(
        code,
        "variable \"hidden\" {{\n  sensitive = true\n  default   = \"planted-by-mark\"\n}}\n\
         resource \"torture_object\" \"x\" {{\n  name   = \"x\"\n  tier   = \"slow\"\n  secret = \"planted-by-schema\"\n  \
         tags   = {{ team = var.hidden, password = \"planted-by-name\", note = \"{BY_SHAPE}\" }}\n}}\n\
         resource \"torture_object\" \"y\" {{\n  name   = \"y\"\n  tier   = \"slow\"\n  secret = \"planted-y\"\n}}\n\
         resource \"torture_object\" \"z\" {{\n  name   = \"z\"\n  tier   = \"slow\"\n  secret = \"planted-z\"\n}}\n\
         output \"all\" {{\n  value     = torture_object.x.secret\n  sensitive = true\n}}\n"
    )
    .expect("text grows");
    world.write("a/main.tf", &code);
    // By the state.
    let path = world.place.path("repo/a/terraform.tfstate");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).expect("the state")).expect("it is JSON");
    let y = &mut state["resources"][1]["instances"][0];
    y["attributes"]["tier"] = json!("planted-by-state");
    y["sensitive_attributes"] = json!([[{"type": "get_attr", "value": "tier"}]]);
    state["outputs"] = json!({"all": {"value": "planted-output", "type": "string", "sensitive": true}});
    std::fs::write(&path, state.to_string()).expect("it is written");
    world.change("y", "tier", json!("planted-by-state-too"));
    // By hand, in the cloud.
    world.change("x", "secret", json!("planted-cloud"));
    world.change(
        "x",
        "tags",
        json!({"team": "planted-by-hand", "password": "planted-cloud-name", "note": format!("{BY_SHAPE}-cloud")}),
    );
    world.change("x", "tier", json!("medium"));
    // A provider that tells what it was told.
    world.change("z", "$error", json!("AccessDenied: planted-z must not be read"));
    world
}

/// Every text that was planted.
fn planted() -> Vec<String> {
    let names = [
        "planted-by-schema",
        "planted-by-mark",
        "planted-by-name",
        "planted-by-state",
        "planted-by-state-too",
        "planted-by-hand",
        "planted-cloud",
        "planted-cloud-name",
        "planted-output",
        "planted-x",
        "planted-y",
        "planted-z",
        BY_SHAPE,
    ];
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Looks for every planted secret in every encoding.
#[track_caller]
fn holds_nothing(bytes: &[u8], what: &str) {
    let contains = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(!contains(PLANTED), "{what} holds a secret:\n{}", String::from_utf8_lossy(bytes));
    for secret in planted() {
        let digest = Sha256::digest(secret.as_bytes());
        let hex = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let base64 = base64(secret.as_bytes());
        for encoded in [hex, base64.trim_end_matches('=').to_owned()] {
            assert!(!contains(&encoded), "{what} holds {secret} as {encoded}");
        }
    }
}

/// Encodes bytes as base64 does, so that the test depends on nobody's encoder.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..=part.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

/// Runs a verb in the root module, with everything logged.
fn run(world: &World, folder: &str, arguments: &[&str]) -> Run {
    let mut command = world.place.driftmgr();
    command
        .args(arguments)
        .current_dir(world.place.path(folder))
        .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("DRIFTMGR_LOG", "trace");
    Run::of(command.output().expect("driftmgr starts"))
}

#[track_caller]
fn shows_nothing(run: &Run, arguments: &[&str]) {
    holds_nothing(run.stdout.as_bytes(), &format!("standard output of {arguments:?}"));
    holds_nothing(run.stderr.as_bytes(), &format!("standard error of {arguments:?}"));
}

/// Lists the files in a folder, and in those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Looks at everything that was written beside the repository and the cloud.
#[track_caller]
fn wrote_nothing(world: &World, n_least: usize) {
    let own = [world.place.path("repo"), world.place.path("cloud")];
    let written: Vec<PathBuf> =
        files(&world.place.path("")).into_iter().filter(|path| !own.iter().any(|own| path.starts_with(own))).collect();
    assert!(written.len() >= n_least, "{written:?}");
    for path in written {
        holds_nothing(&std::fs::read(&path).expect("the file"), &path.display().to_string());
    }
}

#[test]
fn no_format_of_drift_and_check_shows_a_secret() {
    let world = world();
    for format in FORMATS {
        for values in [&[][..], &["--values", "none"]] {
            let drift = [&["drift"][..], format, values].concat();
            let told = run(&world, "repo/a", &drift);
            assert!([2, 3].contains(&told.code), "{told:?}");
            shows_nothing(&told, &drift);
            let check = [&["check", "--base", "main"][..], format, values].concat();
            let told = run(&world, "repo", &check);
            assert!([2, 3].contains(&told.code), "{told:?}");
            shows_nothing(&told, &check);
        }
    }
    // The secrets are what differs, and that is said.
    let told = run(&world, "repo/a", &["drift", "--json"]).json();
    let x = told["findings"].as_array().expect("findings").iter().filter(|it| it["address"] == "torture_object.x");
    let paths: Vec<String> = x
        .flat_map(|finding| finding["attributes"].as_array().cloned().unwrap_or_default())
        .map(|attribute| attribute["path"].as_str().unwrap_or_default().to_owned())
        .collect();
    for path in ["secret", "tags[\"team\"]", "tags[\"password\"]", "tags[\"note\"]", "tier"] {
        assert!(paths.iter().any(|it| it == path), "{path} differs: {paths:?}");
    }
    wrote_nothing(&world, 1);
}

#[test]
fn no_other_verb_shows_or_writes_a_secret() {
    let world = world();
    let place = |name: &str| world.place.path(name).display().to_string();
    let report = place("report.json");
    let verbs: &[(&str, &[&str])] = &[
        ("repo/a", &["remediate"]),
        ("repo/a", &["remediate", "--json"]),
        ("repo/a", &["remediate", "--format", "patch"]),
        (
            "repo/a",
            &["baseline", "record", "--reason", "known", "--approver", "ann", "--file", &place("recorded.json")],
        ),
        ("repo/a", &["baseline", "suggest", "--reason", "known"]),
        ("repo/a", &["explain", "torture_object.x"]),
        ("repo/a", &["explain", "torture_object.x", "--json"]),
        ("repo/a", &["explain", "var.hidden"]),
        ("repo/a", &["explain", "output.all"]),
        ("repo/a", &["state", "list", "terraform.tfstate"]),
        ("repo/a", &["query", "--json"]),
        ("repo", &["roots", "--json"]),
        ("repo", &["check", "--base", "main", "--json", "--output", &report]),
    ];
    for (folder, arguments) in verbs {
        shows_nothing(&run(&world, folder, arguments), arguments);
    }
    for format in FORMATS {
        let merge = [&["report", "merge", &report][..], format].concat();
        let told = run(&world, "repo", &merge);
        assert!([2, 3].contains(&told.code), "{told:?}");
        shows_nothing(&told, &merge);
    }
    wrote_nothing(&world, 2);
}

#[test]
fn no_error_quotes_a_secret() {
    let world = world();
    world.write("a/variables.tf", "variable \"n\" {\n  type      = number\n  sensitive = true\n  default   = 1\n}\n");
    let plan = world.place.write("plan.json", "{\"format_version\": \"1.2\", \"planted-key\": \"planted-plan\"");
    let plan = plan.display().to_string();
    let state = world
        .place
        .write("broken.tfstate", "{\"version\": 4, \"resources\": [{\"planted-state\": \"planted-state\"}]}");
    let state = state.display().to_string();
    let wrong: &[&[&str]] = &[
        &["drift", "--var", "n=planted-number"],
        &["explain", "var.n", "--var", "n=planted-number"],
        &["drift", "--plan", &plan],
        &["check", "--plan", &plan],
        &["drift", "--state", &state],
        &["state", "list", &state],
        &["report", "merge", &plan],
    ];
    for arguments in wrong {
        let told = run(&world, "repo/a", arguments);
        assert_ne!(told.code, 0, "{arguments:?}: {told:?}");
        shows_nothing(&told, arguments);
    }
    std::fs::remove_file(&plan).expect("it was written");
    std::fs::remove_file(&state).expect("it was written");
    // Code that does not parse, in the middle of a secret.
    world
        .write("a/broken.tf", "resource \"torture_object\" \"w\" {\n  secret = \"planted-in-broken-code\n  tier = 1\n");
    for arguments in [&["drift"][..], &["drift", "--json"], &["explain", "torture_object.x"], &["remediate"]] {
        shows_nothing(&run(&world, "repo/a", arguments), arguments);
    }
    shows_nothing(&run(&world, "repo", &["check", "--base", "main"]), &["check"]);
    wrote_nothing(&world, 1);
}
