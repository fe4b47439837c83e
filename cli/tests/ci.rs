//! `examples/ci`: checked against the schemas that CI services publish, and run as those services run them.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{Place, Run, torture};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TOKEN: &str = "planted-token-never-print-me";
const BOT: &str = "github-actions[bot]";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ci")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(examples().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Gives the scripts in a piece of YAML: what stands at `run`.
fn scripts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(scripts).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| match member {
                Value::String(script) if name == "run" => vec![script.as_str()],
                _ => scripts(member),
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{printed}");
    printed
}

/// Says by what each file is checked, so that no example is forgotten.
#[test]
fn every_example_follows_its_published_schema() {
    let (Some(schemas), Some(actionlint)) = (tools::or_skip(Tool::CheckJsonschema), tools::or_skip(Tool::Actionlint))
    else {
        return;
    };
    let shellcheck = schemas.with_file_name("shellcheck");
    let mut checked = BTreeSet::from(["README.md".to_owned()]);
    let mut schema = |arguments: &[&str], name: &str| {
        succeeds(Command::new(&schemas).args(arguments).arg(examples().join(name)));
        checked.insert(name.to_owned());
    };
    for name in ["github/driftmgr.yml", "github/driftmgr-shards.yml"] {
        schema(&["--builtin-schema", "vendor.github-workflows"], name);
        let linter = format!("-shellcheck={}", shellcheck.display());
        succeeds(Command::new(&actionlint).arg(linter).arg(examples().join(name)));
    }
    schema(&["--builtin-schema", "vendor.github-actions"], "github/action.yml");
    schema(&["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"], "gitlab/driftmgr.gitlab-ci.yml");
    for name in ["install.sh", "github/comment.sh", "gitlab/comment.sh"] {
        succeeds(Command::new(&shellcheck).arg(examples().join(name)));
        checked.insert(name.to_owned());
    }
    // Neither publishes a schema that its own examples follow: what is run is linted here, and run below.
    for (name, dialect) in [("github/action.yml", "bash"), ("atlantis/repos.yaml", "sh"), ("digger/digger.yml", "bash")]
    {
        let yaml = yaml(name);
        for script in scripts(&yaml) {
            let mut child = Command::new(&shellcheck)
                .args(["--shell", dialect, "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("shellcheck starts");
            child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("it reads");
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{name}:\n{}", String::from_utf8_lossy(&output.stdout));
        }
        checked.insert(name.to_owned());
    }
    let mut there = BTreeSet::new();
    for folder in ["", "github", "gitlab", "atlantis", "digger"] {
        for entry in std::fs::read_dir(examples().join(folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("UTF-8");
            if entry.path().is_file() {
                there.insert(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
    }
    assert_eq!(there, checked);
}

#[test]
fn every_example_installs_this_release() {
    assert_eq!(yaml("github/action.yml")["inputs"]["version"]["default"], VERSION);
    assert_eq!(yaml("gitlab/driftmgr.gitlab-ci.yml")["driftmgr"]["variables"]["DRIFTMGR_VERSION"], VERSION);
    for name in ["github/driftmgr.yml", "github/driftmgr-shards.yml"] {
        for line in text(name).lines().filter(|line| line.contains("catherinevee/driftmgr/")) {
            assert!(line.ends_with(&format!("@v{VERSION}")), "{name}: {line}");
        }
    }
    assert!(text("github/driftmgr-shards.yml").contains(&format!("install.sh {VERSION} ")));
    assert!(text("digger/digger.yml").contains(&format!("install.sh {VERSION} ")));
}

/// A forge on the loopback interface, as far as the scripts know one.
struct Forge {
    port: u16,
    held: Arc<Mutex<Held>>,
}

/// What a forge holds, and what was asked of it.
#[derive(Default)]
struct Held {
    /// The comments or notes, oldest first.
    comments: Vec<Value>,
    /// Whether the token may write.
    is_read_only: bool,
    /// Files to download, by path.
    files: Vec<(String, Vec<u8>)>,
    calls: Vec<String>,
}

impl Forge {
    fn start(held: Held) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let held = Arc::new(Mutex::new(held));
        let shared = Arc::clone(&held);
        // It ends with the test's process: nothing else waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &shared);
            }
        });
        Self { port, held }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn comments(&self) -> Vec<Value> {
        self.held.lock().expect("nobody failed").comments.clone()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.held.lock().expect("nobody failed").calls)
    }
}

fn serve(mut stream: TcpStream, held: &Mutex<Held>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut length, mut is_allowed) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(": ") {
            is_allowed |= value == format!("Bearer {TOKEN}") || (name == "PRIVATE-TOKEN" && value == TOKEN);
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap_or(0);
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut held = held.lock().expect("nobody failed");
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    held.calls.push(format!("{method} {target}"));
    let (status, answer) = if let Some((_, bytes)) = held.files.iter().find(|(path, _)| path == target) {
        (200, bytes.clone())
    } else if !is_allowed {
        (404, br#"{"message": "Not Found"}"#.to_vec())
    } else {
        let (status, answer) = answer(&mut held, method, target, &body);
        (status, answer.to_string().into_bytes())
    };
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len())?;
    stream.write_all(&answer)
}

/// Answers as the API of GitHub's issues and that of GitLab's notes do.
fn answer(held: &mut Held, method: &str, target: &str, body: &[u8]) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if path == "/user" {
        return (200, json!({"id": 7}));
    }
    let is_list = path == "/repos/shop/infra/issues/5/comments" || path == "/projects/9/merge_requests/5/notes";
    let one = path
        .strip_prefix("/repos/shop/infra/issues/comments/")
        .or_else(|| path.strip_prefix("/projects/9/merge_requests/5/notes/"));
    match (method, one) {
        ("GET", None) if is_list => {
            let page: usize = query.split('&').find_map(|part| part.strip_prefix("page=")?.parse().ok()).unwrap_or(1);
            (200, held.comments.chunks(100).nth(page - 1).unwrap_or_default().into())
        }
        ("POST" | "PATCH" | "PUT", _) if held.is_read_only => {
            (403, json!({"message": "Resource not accessible by integration"}))
        }
        ("POST", None) if is_list => {
            let id = held.comments.len() + 1;
            held.comments.push(comment(id, BOT, body["body"].as_str().unwrap_or_default()));
            (201, held.comments[id - 1].clone())
        }
        ("PATCH" | "PUT", Some(id)) => {
            match held.comments.iter_mut().find(|comment| comment["id"].as_u64() == id.parse().ok()) {
                Some(comment) => {
                    comment["body"] = body["body"].clone();
                    (200, comment.clone())
                }
                None => (404, json!({"message": "Not Found"})),
            }
        }
        _ => (404, json!({"message": "Not Found"})),
    }
}

fn comment(id: usize, login: &str, body: &str) -> Value {
    let author = if login == BOT { 7 } else { 8 };
    json!({"id": id, "user": {"login": login}, "author": {"id": author}, "body": body, "html_url": format!("https://example.com/{id}")})
}

/// Runs a script of the examples; what it prints never has the token.
fn script(name: &str, arguments: &[&Path], environment: &[(&str, &str)]) -> Run {
    let mut command = Command::new("bash");
    command.arg(examples().join(name)).args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(environment.iter().copied());
    let run = Run::of(command.output().expect("bash starts"));
    assert!(!run.stdout.contains(TOKEN) && !run.stderr.contains(TOKEN), "{}{}", run.stdout, run.stderr);
    run
}

/// Lays out a release whose program is a short script.
fn release(place: &Place) -> Vec<(String, Vec<u8>)> {
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_driftmgr"));
    for name in ["driftmgr", "terraform-provider-driftmgr"] {
        place.write(&format!("programs/{name}"), &program);
    }
    xtask::dist::lay_out(&place.path("dist"), &place.path("programs"), None, false).expect("the release is laid out");
    std::fs::read_dir(place.path("dist/cli"))
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let path = format!("/v{VERSION}/{}", entry.file_name().into_string().expect("UTF-8"));
            (path, std::fs::read(entry.path()).expect("it is read"))
        })
        .collect()
}

#[test]
fn a_release_is_installed_only_with_the_sum_it_must_have() {
    let place = Place::new();
    let forge = Forge::start(Held { files: release(&place), ..Held::default() });
    let (releases, folder) = (forge.url(), place.path("bin"));
    let install = |version: &str, more: &[(&str, &str)]| {
        let environment = [&[("DRIFTMGR_RELEASES", releases.as_str())], more].concat();
        script("install.sh", &[Path::new(version), &folder], &environment)
    };
    let run = install(VERSION, &[]).ends_with(0);
    assert_eq!(run.stdout.trim(), format!("driftmgr {VERSION}"));
    std::fs::remove_dir_all(&folder).expect("it was made");
    install(&format!("v{VERSION}"), &[("DRIFTMGR_SHA256", &"0".repeat(64))]).ends_with(1).says("it is not installed");
    install("99.0.0", &[]).ends_with(1).says("/v99.0.0/").says("is there such a release");
    install("", &[]).ends_with(1);
    // Somebody replaced the archive, not the sums.
    let mut held = forge.held.lock().expect("nobody failed");
    let archive = held.files.iter_mut().find(|(path, _)| path.contains(".zip")).expect("there is one");
    archive.1.push(0);
    drop(held);
    install(VERSION, &[]).ends_with(1).says("it is not installed");
    assert!(!folder.exists());
}

/// A forge's script and what it needs.
type Poster = (&'static str, fn(&str) -> Vec<(&'static str, String)>, &'static str);

const POSTERS: [Poster; 2] = [
    (
        "github/comment.sh",
        |url| {
            [
                ("GITHUB_TOKEN", TOKEN),
                ("GITHUB_REPOSITORY", "shop/infra"),
                ("PULL_REQUEST", "5"),
                ("GITHUB_API_URL", url),
            ]
            .map(|(name, value)| (name, value.to_owned()))
            .into()
        },
        "PATCH",
    ),
    (
        "gitlab/comment.sh",
        |url| {
            let variables = [
                ("DRIFTMGR_GITLAB_TOKEN", TOKEN),
                ("CI_PROJECT_ID", "9"),
                ("CI_MERGE_REQUEST_IID", "5"),
                ("CI_API_V4_URL", url),
            ];
            variables.map(|(name, value)| (name, value.to_owned())).into()
        },
        "PUT",
    ),
];

fn post((name, environment, _): Poster, forge: &Forge, report: &Path, exit_code: &str) -> Run {
    let environment = environment(&forge.url());
    let mut environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    environment.push(("EXIT_CODE", exit_code));
    script(name, &[report], &environment)
}

#[test]
fn one_comment_is_kept_up_to_date_and_those_of_others_are_left_alone() {
    for poster in POSTERS {
        let place = Place::new();
        let marker = "<!-- driftmgr:check:infra -->\n";
        let first = place.write("first.md", format!("{marker}### one \"finding\" \\ of `ünïcode` 🦀\n"));
        let second = place.write("second.md", format!("{marker}### clean\n"));
        // More than a page of comments, among them one that looks like ours.
        let mut comments: Vec<Value> = (1..=150).map(|id| comment(id, "someone", "hello")).collect();
        comments[3] = comment(4, "someone", &format!("{marker}mine"));
        comments[120] = comment(121, BOT, "<!-- driftmgr:check:other -->\nthat of another run");
        let before = comments.clone();
        let forge = Forge::start(Held { comments, ..Held::default() });
        // Where there is nothing to say, nothing is said first.
        post(poster, &forge, &second, "0").ends_with(0);
        assert_eq!(forge.comments(), before);
        post(poster, &forge, &first, "2").ends_with(0);
        assert_eq!(forge.comments().len(), 151);
        assert_eq!(forge.comments()[150]["body"], std::fs::read_to_string(&first).expect("it is there"));
        forge.calls();
        // Afterwards the same comment says what is true now.
        post(poster, &forge, &second, "0").ends_with(0);
        assert_eq!(forge.comments()[150]["body"], std::fs::read_to_string(&second).expect("it is there"));
        assert_eq!(forge.comments()[..150], before[..]);
        let calls = forge.calls();
        assert!(calls.last().is_some_and(|call| call.starts_with(poster.2)), "{calls:?}");
    }
}

#[test]
fn a_comment_that_cannot_be_written_is_said() {
    let place = Place::new();
    let report = place.write("report.md", "<!-- driftmgr:check: -->\nfound\n");
    let other = place.write("other.md", "# a file of somebody\n");
    for poster in POSTERS {
        let forge = Forge::start(Held { is_read_only: true, ..Held::default() });
        let run = post(poster, &forge, &report, "2");
        // On GitHub that is how it is for a fork, and the step's summary has the report; on GitLab somebody chose the token.
        if poster.0.starts_with("github") {
            assert!(run.ends_with(0).stdout.contains("::notice"));
        } else {
            run.ends_with(1).says("HTTP 403");
        }
        post(poster, &forge, &other, "2").ends_with(1).says("no Markdown report of driftmgr");
        assert_eq!(forge.comments(), Vec::<Value>::new());
    }
    let run = script("gitlab/comment.sh", &[&report], &[]).ends_with(0);
    assert!(run.stdout.contains("DRIFTMGR_GITLAB_TOKEN is not set"));
}

/// A root module with one object that somebody changed by hand, and a change that sets the same argument.
struct Collision {
    root: RootFolder<'static>,
    place: Place,
}

impl Collision {
    fn make() -> Option<Self> {
        let terraform = tools::or_skip(Tool::Terraform)?;
        let place = Place::new();
        let config = CliConfig::default().dev_override("registry.terraform.io/driftmgr/torture", &torture());
        let root = RootFolder::empty(&terraform, &config, None).expect("a root module");
        let world = Self { root, place };
        world.code("written");
        world.object("written");
        world.root.run(&["import", "-no-color", "torture_legacy.x", "x"]).expect("the object is imported");
        world.object("by hand");
        // What Atlantis and Digger find on their search path.
        std::fs::create_dir(world.place.path("bin")).expect("a folder");
        symlink(&terraform, world.place.path("bin/terraform")).expect("a link");
        symlink(env!("CARGO_BIN_EXE_driftmgr"), world.place.path("bin/driftmgr")).expect("a link");
        Some(world)
    }

    /// Makes the object, as an apply or somebody's hand would.
    fn object(&self, comment: &str) {
        self.place.write("cloud/torture_legacy/x.json", json!({"comment": comment}).to_string());
    }

    fn code(&self, comment: &str) {
        let cloud = self.place.path("cloud").display().to_string();
        let mut code = String::from("terraform {\n  required_providers {\n    torture = {\n");
        code.push_str("      source = \"driftmgr/torture\"\n    }\n  }\n}\n");
        writeln!(code, "provider \"torture\" {{\n  cloud = {cloud:?}\n}}").expect("text grows");
        writeln!(code, "resource \"torture_legacy\" \"x\" {{\n  name    = \"x\"\n  comment = {comment:?}\n}}")
            .expect("text grows");
        self.root.write("main.tf", &code).expect("the code is written");
    }

    fn plan(&self) -> PathBuf {
        self.root.run(&["plan", "-no-color", "-input=false", "-out=p.tfplan"]).expect("a plan");
        self.root.path().join("p.tfplan")
    }

    /// Gives a command with nothing in its environment but what CI needs.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.place.path("bin").display()))
            .env("HOME", self.place.path("home"))
            .env("TF_CLI_CONFIG_FILE", self.root.config_file())
            .env("CHECKPOINT_DISABLE", "1")
            .current_dir(self.root.path());
        command
    }
}

#[test]
fn atlantis_and_digger_say_what_a_plan_meets() {
    let Some(world) = Collision::make() else { return };
    for (name, variables) in
        [("atlantis/repos.yaml", &["PLANFILE", "SHOWFILE"][..]), ("digger/digger.yml", &["DIGGER_PLANFILE"])]
    {
        let yaml = yaml(name);
        let [line] = scripts(&yaml["workflows"]["driftmgr"]["plan"])[..] else { panic!("{name} runs one line") };
        let run = |plan: &Path| {
            let mut command = world.command("sh");
            command.args(["-c", line]);
            for (variable, path) in variables.iter().zip([plan.to_path_buf(), plan.with_extension("json")]) {
                command.env(variable, path);
            }
            Run::of(command.output().expect("sh starts"))
        };
        world.code("changed");
        let met = run(&world.plan()).ends_with(2);
        assert!(met.stdout.contains("torture\\_legacy.x") || met.stdout.contains("torture_legacy.x"), "{}", met.stdout);
        // Without the change, what was done by hand is no concern of this plan.
        world.code("written");
        run(&world.plan()).ends_with(0);
        // A plan that cannot be shown is an error, not an empty one.
        run(&world.root.path().join("main.tf")).ends_with(1);
    }
}

/// Runs the composite action's steps one after the other, as the runner would.
fn act(world: &Collision, forge: &Forge, plan: &Path) -> (i32, String) {
    let action = yaml("github/action.yml");
    let mut context = vec![
        ("github.action_path".to_owned(), examples().join("github").display().to_string()),
        ("github.event.pull_request.number".to_owned(), "5".to_owned()),
        ("inputs.releases".to_owned(), forge.url()),
        ("inputs.token".to_owned(), TOKEN.to_owned()),
        ("inputs.plan".to_owned(), plan.display().to_string()),
    ];
    for (name, input) in action["inputs"].as_object().expect("inputs") {
        let name = format!("inputs.{name}");
        if !context.iter().any(|(known, _)| *known == name) {
            context.push((name, input["default"].as_str().expect("every input has a default").to_owned()));
        }
    }
    let (mut code, mut printed, mut path) = (0, String::new(), None);
    std::fs::create_dir_all(world.place.path("runner")).expect("a folder");
    for step in action["runs"]["steps"].as_array().expect("steps") {
        let mut command = world.command("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().expect("a script")]);
        for (name, value) in step["env"].as_object().expect("variables") {
            let mut value = value.as_str().expect("a text").to_owned();
            for (name, is) in &context {
                value = value.replace(&format!("${{{{ {name} }}}}"), is);
            }
            assert!(!value.contains("${{"), "{value}");
            command.env(name, value);
        }
        for variable in ["GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env(variable, world.place.path(variable));
        }
        command
            .env("RUNNER_TEMP", world.place.path("runner"))
            .env("GITHUB_REPOSITORY", "shop/infra")
            .env("GITHUB_API_URL", forge.url());
        if let Some(path) = &path {
            command.env("PATH", path);
        }
        let output = command.output().expect("bash starts");
        printed.extend([String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)]);
        code = output.status.code().unwrap_or(-1);
        if code != 0 {
            break;
        }
        if let Ok(text) = std::fs::read_to_string(world.place.path("GITHUB_PATH")) {
            let rest = std::env::var("PATH").unwrap_or_default();
            path = Some(format!("{}:{rest}", text.lines().collect::<Vec<_>>().join(":")));
        }
        if let (Some(id), Ok(text)) = (step["id"].as_str(), std::fs::read_to_string(world.place.path("GITHUB_OUTPUT")))
        {
            for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
                context.insert(0, (format!("steps.{id}.outputs.{name}"), value.to_owned()));
            }
        }
    }
    for variable in ["GITHUB_PATH", "GITHUB_OUTPUT"] {
        let _ = std::fs::remove_file(world.place.path(variable));
    }
    assert!(!printed.contains(TOKEN), "{printed}");
    (code, printed)
}

#[test]
fn the_action_comments_annotates_and_ends_as_the_check_does() {
    let Some(world) = Collision::make() else { return };
    let forge = Forge::start(Held { files: release(&world.place), ..Held::default() });
    let show = |world: &Collision| {
        world.plan();
        let json = world.root.run(&["show", "-json", "p.tfplan"]).expect("the plan is shown");
        world.place.write("plan.json", json)
    };
    world.code("changed");
    let (code, printed) = act(&world, &forge, &show(&world));
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("::error "), "{printed}");
    let comments = forge.comments();
    assert_eq!(comments.len(), 1, "{printed}");
    assert!(comments[0]["body"].as_str().is_some_and(|body| body.contains("by hand")), "{}", comments[0]);
    let summary = std::fs::read_to_string(world.place.path("GITHUB_STEP_SUMMARY")).expect("there is a summary");
    assert!(summary.contains("by hand"), "{summary}");
    // The change is taken back: the same comment says so.
    world.code("written");
    let (code, printed) = act(&world, &forge, &show(&world));
    assert_eq!(code, 0, "{printed}");
    assert_eq!(forge.comments().len(), 1);
    assert_ne!(forge.comments()[0]["body"], comments[0]["body"]);
}

#[test]
fn the_scripts_can_be_run() {
    for name in ["install.sh", "github/comment.sh", "gitlab/comment.sh"] {
        let mode = std::fs::metadata(examples().join(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name}");
    }
}
