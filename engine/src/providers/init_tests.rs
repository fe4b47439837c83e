//! What `terraform init` and `tofu init` install is what we find, and hashes as they say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::CauseKind;
use net::Environment;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

use super::{Finder, FoundProvider, Place, ProviderSource, Verification, hash, lock, package};
use crate::Session;

/// Runs a test with every CLI that is installed; it gets the CLI and the program of a provider.
fn with_each_cli(provider: Tool, test: impl Fn(&Path, &Path)) {
    let Some(provider) = tools::or_skip(provider) else { return };
    for cli in [Tool::Terraform, Tool::Tofu] {
        if let Some(cli) = tools::or_skip(cli) {
            test(&cli, &provider);
        }
    }
}

/// Makes a root module that requires a provider.
fn root(cli: &Path, config: &CliConfig, source: &str) -> RootFolder<'static> {
    let root = RootFolder::empty(cli, config, None).unwrap();
    let text =
        format!("terraform {{\n  required_providers {{\n    it = {{\n      source = {source:?}\n    }}\n  }}\n}}\n");
    root.write("main.tf", &text).unwrap();
    root
}

fn open(root: &RootFolder<'_>, variables: &[(&str, &str)]) -> (Finder, model::Diagnostics) {
    let mut all: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("TF_CLI_CONFIG_FILE".to_owned(), root.config_file().display().to_string());
    // What the machine has installed is none of the test's business.
    all.insert("XDG_DATA_DIRS".to_owned(), "/nowhere".to_owned());
    let session = Session::new(Environment::new(all, None), root.path());
    Finder::open(&session, Some(&root.path()))
}

fn find_in(root: &RootFolder<'_>, address: &str, variables: &[(&str, &str)]) -> Result<FoundProvider, model::Cause> {
    let (finder, diagnostics) = open(root, variables);
    assert_eq!(diagnostics, []);
    finder.find(&address.parse().unwrap())
}

fn place(found: &FoundProvider) -> (&Path, &Place) {
    match &found.source {
        ProviderSource::Program { path, place } => (path, place),
        ProviderSource::Reattach(_) => panic!("{found:?} is a program"),
    }
}

/// Replaces a link to a package by a copy of it, which can be changed.
fn unlink(folder: &Path) -> PathBuf {
    let program = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let (name, bytes) = (program.file_name(), fs::read(program.path()).unwrap());
    fs::remove_file(folder).or_else(|_| fs::remove_dir_all(folder)).unwrap();
    fs::create_dir(folder).unwrap();
    fs::write(folder.join(&name), bytes).unwrap();
    folder.join(name)
}

/// Puts a program into an archive, as a mirror's package.
fn archive(mirror: &Path, host: &str, program: &Path) -> PathBuf {
    let folder = mirror.join(host).join("hashicorp/time");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("terraform-provider-time_0.14.2_{}.zip", package::platform()));
    let mut writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("terraform-provider-time_v0.14.2", options).unwrap();
    std::io::copy(&mut fs::File::open(program).unwrap(), &mut writer).unwrap();
    writer.finish().unwrap();
    path
}

#[test]
fn what_init_installs_is_found_and_verified_and_refused_once_it_is_changed() {
    for (tool, address) in [(Tool::Time, "hashicorp/time"), (Tool::Aws, "hashicorp/aws")] {
        with_each_cli(tool, |cli, program| {
            let root = root(cli, &CliConfig::with_tools().unwrap(), address);
            root.init().unwrap();
            // In CI, too: nothing but the lock file is needed.
            let mut folder = PathBuf::new();
            for spelled in [address.to_owned(), format!("registry.opentofu.org/{address}")] {
                let found = find_in(&root, &spelled, &[("CI", "true")]).unwrap();
                assert_eq!(found.verification, Verification::Verified { by: "h1" });
                let (path, place) = place(&found);
                assert_eq!(
                    (path.canonicalize().unwrap(), place),
                    (program.canonicalize().unwrap(), &Place::DataFolder)
                );
                assert!(path.to_str().unwrap().contains(found.version.as_deref().unwrap()));
                folder = path.parent().unwrap().to_owned();
            }
            let changed = unlink(&folder);
            assert!(find_in(&root, address, &[]).is_ok(), "a copy is as good");
            let mut bytes = fs::read(&changed).unwrap();
            bytes.push(0);
            fs::write(&changed, bytes).unwrap();
            let cause = find_in(&root, address, &[]).expect_err("it was changed");
            assert_eq!(cause.kind, CauseKind::ProviderRefused);
            let plan = root.try_run(&["plan", "-no-color"]).unwrap();
            assert!(!plan.status.success(), "the CLI refuses it, too");
        });
    }
}

#[test]
fn the_plugin_cache_and_another_data_folder_are_found() {
    with_each_cli(Tool::Time, |cli, _| {
        let root = root(cli, &CliConfig::with_tools().unwrap(), "hashicorp/time");
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        fs::create_dir(&cache).unwrap();
        let mut init = root.command(cli);
        init.args(["init", "-input=false"]).env("TF_DATA_DIR", "data").env("TF_PLUGIN_CACHE_DIR", &cache);
        assert!(init.output().unwrap().status.success());
        let found = find_in(&root, "hashicorp/time", &[("TF_DATA_DIR", "data")]).unwrap();
        assert_eq!((place(&found).1, &found.verification), (&Place::DataFolder, &Verification::Verified { by: "h1" }));

        fs::remove_dir_all(root.path().join("data")).unwrap();
        let variables = [("TF_PLUGIN_CACHE_DIR", cache.to_str().unwrap())];
        let found = find_in(&root, "hashicorp/time", &variables).unwrap();
        assert_eq!((place(&found).1, &found.verification), (&Place::PluginCache, &Verification::Verified { by: "h1" }));

        // The mirror that the CLI configuration names comes last.
        let found = find_in(&root, "hashicorp/time", &[]).unwrap();
        assert!(matches!(place(&found).1, Place::FilesystemMirror(_)));
        assert_eq!(found.verification, Verification::Verified { by: "h1" });
    });
}

#[test]
fn an_archive_of_a_mirror_is_hashed_as_the_cli_does() {
    with_each_cli(Tool::Time, |cli, program| {
        let folder = tempfile::tempdir().unwrap();
        let host = if cli.ends_with("terraform") { "registry.terraform.io" } else { "registry.opentofu.org" };
        let archive = archive(folder.path(), host, program);
        let root = root(cli, &CliConfig::default().mirror(folder.path()), "hashicorp/time");
        let write_lock = |hash: &str| {
            let text =
                format!("provider \"{host}/hashicorp/time\" {{\n  version = \"0.14.2\"\n  hashes = [\"{hash}\"]\n}}\n");
            root.write(lock::NAME, &text).unwrap();
        };
        let zh = hash::zh(&archive).unwrap();
        write_lock(&zh);
        let cause = find_in(&root, "hashicorp/time", &[]).expect_err("it is packed");
        assert_eq!(cause.kind, CauseKind::NoProvider);
        assert!(cause.detail.contains(archive.to_str().unwrap()) && cause.detail.contains("init`"), "{}", cause.detail);

        // The CLI takes the archive by the hash that we computed, and adds the one of what it unpacked.
        root.init().unwrap();
        let lock = fs::read_to_string(root.path().join(lock::NAME)).unwrap();
        assert!(lock.contains(&hash::h1_of_archive(&archive).unwrap()) && lock.contains(&zh), "{lock}");
        let found = find_in(&root, "hashicorp/time", &[]).unwrap();
        assert_eq!(found.verification, Verification::Verified { by: "h1" });

        write_lock(&zh);
        let found = find_in(&root, "hashicorp/time", &[("CI", "true")]).unwrap();
        assert_eq!(found.verification, Verification::Verified { by: "zh" });
        write_lock(&zh.replace(|c: char| c.is_ascii_digit(), "0"));
        assert!(matches!(find_in(&root, "hashicorp/time", &[]).unwrap().verification, Verification::Unverified { .. }));
        let cause = find_in(&root, "hashicorp/time", &[("CI", "true")]).expect_err("nothing vouches for it");
        assert_eq!(cause.kind, CauseKind::ProviderRefused);
    });
}

#[test]
fn an_override_that_the_cli_takes_is_taken() {
    with_each_cli(Tool::Time, |cli, program| {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(program, folder.path().join("terraform-provider-time")).unwrap();
        let config = CliConfig::default().dev_override("hashicorp/time", folder.path());
        let root = root(cli, &config, "hashicorp/time");
        let plan = root.try_run(&["plan", "-no-color"]).unwrap();
        assert!(String::from_utf8_lossy(&plan.stdout).contains("development overrides"), "{plan:?}");
        let found = find_in(&root, "hashicorp/time", &[]).unwrap();
        assert_eq!(
            place(&found),
            (&*folder.path().join("terraform-provider-time"), &Place::DevOverride(folder.path().into()))
        );
        assert!(find_in(&root, "hashicorp/time", &[("CI", "true")]).is_err());
    });
}

#[test]
fn the_doctor_says_where_each_provider_is() {
    with_each_cli(Tool::Time, |cli, _| {
        let root = root(cli, &CliConfig::with_tools().unwrap(), "hashicorp/time");
        let variables = [("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())];
        let session = Session::new(Environment::new(variables, None), root.path());
        let checks = || {
            let request = crate::DoctorRequest {
                profiles: Vec::new(),
                dir: None,
                catalog: None,
                store: root.path().join("store.db"),
            };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let checks = runtime.block_on(crate::doctor(&session, &request));
            let providers = checks.into_iter().filter(|check| check.name == "provider");
            providers
                .map(|check| (check.status, format!("{} {}", check.detail, check.help.join(" "))))
                .collect::<Vec<_>>()
        };
        let before = checks();
        assert_eq!(before.len(), 1);
        assert_eq!(before[0].0, crate::CheckStatus::Warned);
        assert!(before[0].1.contains("is not installed. Looked in: data folder"), "{}", before[0].1);
        root.init().unwrap();
        let after = checks();
        assert_eq!((after.len(), after[0].0), (1, crate::CheckStatus::Passed), "{after:?}");
        for expected in ["hashicorp/time 0.14.2: /", "(data folder); verified by its h1 hash in the lock file."] {
            assert!(after[0].1.contains(expected), "{}", after[0].1);
        }
        assert!(!after[0].1.contains("registries"), "what is as it should be needs no note: {}", after[0].1);
    });
}

/// CLI configurations, right and wrong.
const CONFIGURATIONS: &[&str] = &[
    "",
    "# nothing",
    "plugin_cache_dir = \"/tmp\"\ndisable_checkpoint = true",
    "plugin_cache_dir = \"/nowhere\"",
    "plugin_cache_dir = [",
    "credentials \"app.example.com\" {\n  token = \"x\"\n}\nhost \"example.com\" {\n  services = {\n    \"modules.v1\" = \"https://x/\"\n  }\n}",
    "provider_installation {}",
    "provider_installation = {}",
    "provider_installation \"x\" {}",
    "provider_installation {}\nprovider_installation {}",
    "provider_installation {\n  direct {}\n}",
    "provider_installation {\n  direct = {}\n}",
    "provider_installation {\n  direct \"x\" {}\n}",
    "provider_installation {\n  nonsense {}\n}",
    "provider_installation {\n  filesystem_mirror {}\n}",
    "provider_installation {\n  filesystem_mirror { path = \"/tmp\" }\n}",
    "provider_installation {\n  filesystem_mirror { path = \"\" }\n}",
    "provider_installation {\n  network_mirror { url = \"https://example.com/\" }\n}",
    "provider_installation {\n  network_mirror { url = \"http://example.com/\" }\n}",
    "provider_installation {\n  network_mirror {}\n}",
    "provider_installation {\n  direct { include = [\"a/*\", \"*/*\", \"*/*/*\", \"h.example/a/b\", \"A/B\"] }\n}",
    "provider_installation {\n  direct { include = [\"*/a\"] }\n}",
    "provider_installation {\n  direct { include = [\"*/a/*\"] }\n}",
    "provider_installation {\n  direct { exclude = [\"a\"] }\n}",
    "provider_installation {\n  direct { exclude = [\"a/b/c/d\"] }\n}",
    "provider_installation {\n  direct { exclude = [\"a/\"] }\n}",
    "provider_installation {\n  direct { include = \"a/b\" }\n}",
    "provider_installation {\n  dev_overrides {\n    \"a/b\" = \"/tmp\"\n  }\n  direct {}\n}",
    "provider_installation {\n  dev_overrides = {\n    \"a/b\" = \"/tmp\"\n  }\n}",
    "provider_installation {\n  dev_overrides {\n    \"a/b/c/d\" = \"/tmp\"\n  }\n}",
    "provider_installation {\n  direct {}\n  dev_overrides {\n    \"a/b\" = \"/tmp\"\n  }\n}",
    "{\"provider_installation\": [{\"dev_overrides\": [{\"a/b\": \"/tmp\"}], \"direct\": [{}]}]}",
    "{\"provider_installation\": {\"dev_overrides\": {\"a/b\": \"/tmp\"}, \"direct\": {}}}",
    "{\"provider_installation\": {\"direct\": {}, \"dev_overrides\": {\"a/b\": \"/tmp\"}}}",
    "{\"provider_installation\": {\"filesystem_mirror\": [{\"path\": \"/tmp\"}, {\"path\": \"/\"}]}}",
    "{\"provider_installation\": [{\"direct\": {}}, {\"direct\": {}}]}",
    "{\"provider_installation\": 1}",
    "{\"plugin_cache_dir\": \"/tmp\", \"n\": -1.5e3, \"x\": [true, {\"a\": [{}]}]}",
    "a {\n",
    "a = 1 }",
    "a = \"b\nc\"",
];

#[test]
fn a_cli_configuration_is_wrong_exactly_where_the_cli_says_so() {
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(cli) = tools::or_skip(tool) else { continue };
        let root = RootFolder::empty(&cli, &CliConfig::default(), None).unwrap();
        if tool == Tool::Tofu {
            root.write("main.tofu", "").unwrap();
        }
        let (mut n_wrong, mut others) = (0, Vec::new());
        for text in CONFIGURATIONS {
            fs::write(root.config_file(), text).unwrap();
            let output = root.try_run(&["version", "-no-color"]).unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let is_wrong = said.contains("There are some problems");
            let (_, diagnostics) = open(&root, &[]);
            // In JSON, the CLI wants each block in a list; what it refuses for that cannot be misunderstood.
            let is_lenient = is_wrong && text.starts_with('{');
            if !is_lenient && diagnostics.is_empty() == is_wrong {
                others.push(format!(
                    "{text}
{said}
{diagnostics:?}"
                ));
            }
            n_wrong += usize::from(is_wrong);
        }
        assert!(others.is_empty(), "{}", others.join("\n"));
        assert!(n_wrong > 15, "{n_wrong} of {} are wrong", CONFIGURATIONS.len());
    }
}

#[test]
fn of_several_mirrors_the_one_the_cli_takes_is_taken() {
    with_each_cli(Tool::Time, |cli, program| {
        let folder = tempfile::tempdir().unwrap();
        for mirror in ["one", "two"] {
            for host in ["registry.terraform.io", "registry.opentofu.org"] {
                let version = folder.path().join(mirror).join(host).join("hashicorp/time/0.14.2");
                let package = version.join(package::platform());
                fs::create_dir_all(&package).unwrap();
                std::os::unix::fs::symlink(program, package.join("terraform-provider-time")).unwrap();
            }
        }
        let root = root(cli, &CliConfig::default(), "hashicorp/time");
        let mut places = std::collections::BTreeSet::new();
        let json = format!(
            r#"{{"provider_installation": [{{"filesystem_mirror": [{{"path": "{0}/one", "exclude": ["*/*"]}}, {{"path": "{0}/two"}}]}}]}}"#,
            folder.path().display()
        );
        let mut texts = vec![json];
        for (one, two) in [
            ("", ""),
            ("include = [\"other/*\"]", ""),
            ("include = [\"hashicorp/*\"]", ""),
            ("exclude = [\"hashicorp/time\"]", ""),
            ("include = [\"*/*\"]\n    exclude = [\"hashicorp/aws\"]", "exclude = [\"*/*/*\"]"),
            ("include = [\"example.com/*/*\"]", "include = [\"HashiCorp/Time\"]"),
            ("exclude = [\"*/*\"]", "exclude = [\"hashicorp/*\"]"),
        ] {
            let mirror = |name: &str, patterns: &str| {
                let path = folder.path().join(name);
                format!("  filesystem_mirror {{\n    path = {:?}\n    {patterns}\n  }}\n", path.display().to_string())
            };
            texts.push(format!("provider_installation {{\n{}{}}}\n", mirror("one", one), mirror("two", two)));
        }
        for text in texts {
            fs::write(root.config_file(), &text).unwrap();
            let data = root.path().join(".terraform");
            let init = root.try_run(&["init", "-no-color", "-input=false"]).unwrap();
            // What init installed is a link into the mirror it chose.
            let taken = init.status.success().then(|| {
                let found = find_in(&root, "hashicorp/time", &[]).unwrap();
                assert_eq!(place(&found).1, &Place::DataFolder);
                place(&found).0.parent().unwrap().canonicalize().unwrap()
            });
            let _ = fs::remove_dir_all(&data);
            let found = find_in(&root, "hashicorp/time", &[]).ok();
            let own = found.as_ref().map(|found| place(found).0.parent().unwrap().canonicalize().unwrap());
            assert_eq!(own, taken, "{text}");
            places.insert(own);
            let _ = fs::remove_file(root.path().join(lock::NAME));
        }
        assert_eq!(places.len(), 3, "each mirror and none were taken: {places:?}");
    });
}

#[test]
fn what_a_provider_prints_to_be_attached_to_is_understood() {
    let Some(program) = tools::or_skip(Tool::Time) else { return };
    let mut provider = std::process::Command::new(program)
        .arg("-debug")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(provider.stdout.take().unwrap()));
    let line = lines.map_while(Result::ok).find(|line| line.contains("TF_REATTACH_PROVIDERS='"));
    provider.kill().unwrap();
    provider.wait().unwrap();
    let line = line.unwrap();
    let text = line.split('\'').nth(1).unwrap();
    let running = super::reattach::parse(text).unwrap();
    let reattach = &running[&"hashicorp/time".parse().unwrap()];
    assert_eq!((reattach.protocol_version, reattach.pid), (5, provider.id()));
    assert!(reattach.is_test && Path::new(&reattach.address).is_absolute());
}
