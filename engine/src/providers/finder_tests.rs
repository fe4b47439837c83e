//! Each place in which providers are found, which comes first, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A home, a root module and whatever lies around them.
struct Bench {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "root", "shared"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut bench = Self { folder, variables: Vec::new() };
        // What the machine has installed is none of the test's business.
        let shared = bench.path("shared").display().to_string();
        bench.set("XDG_DATA_DIRS", shared);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a package into a folder, and gives its program.
    fn package(&self, base: &str, address: &str, version: &str) -> PathBuf {
        let address: ProviderAddress = address.parse().unwrap();
        let program = format!("terraform-provider-{}_v{version}", address.provider_type);
        let name = format!("{base}/{address}/{version}/{}/{program}", package::platform());
        self.write(&name, &format!("the program of {version}"))
    }

    /// Puts the same package into a folder as an archive.
    fn archive(&self, base: &str, address: &str, version: &str) -> PathBuf {
        let address: ProviderAddress = address.parse().unwrap();
        let name = format!("terraform-provider-{}_{version}_{}.zip", address.provider_type, package::platform());
        let path = self.path(&format!("{base}/{address}/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        let program = format!("terraform-provider-{}_v{version}", address.provider_type);
        writer.start_file(program, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, format!("the program of {version}").as_bytes()).unwrap();
        writer.finish().unwrap();
        path
    }

    fn lock(&self, address: &str, version: &str, hashes: &[&str]) {
        let hashes = hashes.iter().map(|hash| format!("{hash:?}")).collect::<Vec<_>>().join(", ");
        let path = self.path("root/.terraform.lock.hcl");
        let before = fs::read_to_string(&path).unwrap_or_default();
        let entry = format!("provider \"{address}\" {{\n  version = \"{version}\"\n  hashes = [{hashes}]\n}}\n");
        fs::write(path, before + &entry).unwrap();
    }

    fn finder(&self, root: Option<&str>) -> (Finder, Diagnostics) {
        let environment = Environment::new(self.variables.clone(), Some(self.path("home")));
        let session = Session::new(environment, self.folder.path().to_owned());
        Finder::open(&session, root.map(Path::new))
    }

    fn find(&self, address: &str) -> Result<FoundProvider, Cause> {
        let (finder, diagnostics) = self.finder(Some("root"));
        assert_eq!(diagnostics, []);
        finder.find(&address.parse().unwrap())
    }

    fn find_without_root(&self, address: &str) -> Result<FoundProvider, Cause> {
        let (finder, diagnostics) = self.finder(None);
        assert_eq!(diagnostics, []);
        finder.find(&address.parse().unwrap())
    }
}

/// The `h1` hash of a package by its program.
fn h1(program: &Path) -> String {
    hash::h1_of_folder(program.parent().unwrap()).unwrap()
}

fn program(found: &FoundProvider) -> &Path {
    match &found.source {
        ProviderSource::Program { path, .. } => path,
        ProviderSource::Reattach(_) => panic!("{found:?} is a program"),
    }
}

fn place(found: &FoundProvider) -> String {
    match &found.source {
        ProviderSource::Program { place, .. } => place.to_string(),
        ProviderSource::Reattach(_) => "running".to_owned(),
    }
}

fn assert_fails(result: Result<FoundProvider, Cause>, kind: CauseKind, expected: &[&str]) {
    let cause = result.expect_err("there must be a reason");
    assert_eq!(cause.kind, kind, "{}", cause.detail);
    for text in expected {
        assert!(cause.detail.contains(text), "{text:?} is not in: {}", cause.detail);
    }
}

const TIME: &str = "registry.terraform.io/hashicorp/time";
const TOFU_TIME: &str = "registry.opentofu.org/hashicorp/time";
const DATA: &str = "root/.terraform/providers";

#[test]
fn the_locked_version_of_the_data_folder_is_found_and_verified() {
    let bench = Bench::new();
    bench.package(DATA, TIME, "0.15.0");
    let expected = bench.package(DATA, TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &["h1:other=", &h1(&expected), "zh:00"]);
    let found = bench.find(TIME).unwrap();
    assert_eq!(program(&found), expected);
    assert_eq!((found.version.as_deref(), place(&found).as_str()), (Some("0.14.2"), "data folder"));
    assert_eq!(found.verification, Verification::Verified { by: "h1" });
    assert_eq!(found.note(&TIME.parse().unwrap()), None);
}

#[test]
fn the_data_folder_is_where_the_variable_says_from_the_root() {
    let mut bench = Bench::new();
    bench.set("TF_DATA_DIR", "../data");
    let expected = bench.package("data/providers", TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &[&h1(&expected)]);
    assert_eq!(program(&bench.find(TIME).unwrap()).canonicalize().unwrap(), expected.canonicalize().unwrap());
}

#[test]
fn another_hash_is_refused_wherever_it_is_and_whoever_trusts_it() {
    for base in [DATA, "home/.terraform.d/plugins"] {
        let mut bench = Bench::new();
        let tampered = bench.package(base, TIME, "0.14.2");
        let expected = h1(&tampered);
        bench.lock(TIME, "0.14.2", &[&expected]);
        assert!(bench.find(TIME).is_ok());
        fs::write(&tampered, "something else").unwrap();
        let found = h1(&tampered);
        assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &[TIME, &expected, &found, "`terraform init`"]);
        bench.set(TRUST_VARIABLE, "any");
        assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &["It is not run"]);
    }
}

#[test]
fn an_additional_file_is_another_package() {
    let bench = Bench::new();
    let expected = bench.package(DATA, TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &[&h1(&expected)]);
    fs::write(expected.with_file_name("terraform-provider-time"), "runs first by name").unwrap();
    assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &[]);
}

#[test]
fn a_package_is_hashed_once() {
    let bench = Bench::new();
    let expected = bench.package(DATA, TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &[&h1(&expected)]);
    let (finder, _) = bench.finder(Some("root"));
    let first = finder.find(&TIME.parse().unwrap()).unwrap();
    fs::write(&expected, "something else").unwrap();
    assert_eq!(finder.find(&TIME.parse().unwrap()).unwrap(), first);
}

#[test]
fn places_are_searched_in_order() {
    let mut bench = Bench::new();
    fs::create_dir(bench.path("cache")).unwrap();
    bench.set("TF_PLUGIN_CACHE_DIR", bench.path("cache").display().to_string());
    bench.set("XDG_DATA_HOME", bench.path("xdg").display().to_string());
    let order = [
        (DATA, "data folder".to_owned()),
        ("cache", "plugin cache".to_owned()),
        ("root/terraform.d/plugins", format!("local mirror {}", bench.path("root/terraform.d/plugins").display())),
        ("home/.terraform.d/plugins", format!("local mirror {}", bench.path("home/.terraform.d/plugins").display())),
        ("xdg/opentofu/plugins", format!("local mirror {}", bench.path("xdg/opentofu/plugins").display())),
        ("xdg/terraform/plugins", format!("local mirror {}", bench.path("xdg/terraform/plugins").display())),
        ("shared/terraform/plugins", format!("local mirror {}", bench.path("shared/terraform/plugins").display())),
    ];
    let mut hash = None;
    for (base, expected) in order.iter().rev() {
        let program = bench.package(base, TIME, "0.14.2");
        if hash.is_none() {
            hash = Some(h1(&program));
            bench.lock(TIME, "0.14.2", &[&h1(&program)]);
        }
        assert_eq!(place(&bench.find(TIME).unwrap()), *expected);
    }
}

#[test]
fn a_mirror_of_the_configuration_serves_what_it_includes_and_local_ones_no_longer_count() {
    let mut bench = Bench::new();
    let text = r#"
provider_installation {
  filesystem_mirror {
    path    = "../one"
    include = ["hashicorp/*", "example.com/*/*"]
    exclude = ["registry.terraform.io/hashicorp/aws"]
  }
  filesystem_mirror {
    path = "../two"
  }
  direct {}
}
"#;
    let path = bench.write("rc", text).display().to_string();
    bench.set("TF_CLI_CONFIG_FILE", path);
    for address in [TIME, "registry.opentofu.org/hashicorp/aws", "example.com/a/b", "example.net/a/b"] {
        for base in ["one", "two", "home/.terraform.d/plugins"] {
            bench.package(base, address, "1.0.0");
        }
    }
    for (address, expected) in [
        (TIME, "one"),
        (TOFU_TIME, "one"),
        ("hashicorp/aws", "two"),
        ("example.com/a/b", "one"),
        ("example.net/a/b", "two"),
    ] {
        let found = bench.find(address).unwrap();
        let expected = format!("filesystem mirror {}", bench.path("root/..").join(expected).display());
        assert_eq!(place(&found), expected, "{address}");
    }
    bench.package("home/.terraform.d/plugins", "hashicorp/random", "1.0.0");
    assert_fails(bench.find("hashicorp/random"), CauseKind::NoProvider, &["filesystem mirror"]);
}

#[test]
fn a_development_override_comes_before_what_is_installed_and_a_running_one_before_that() {
    let mut bench = Bench::new();
    let installed = bench.package(DATA, TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &[&h1(&installed)]);
    let expected = bench.write("dev/terraform-provider-time", "mine");
    let text = "provider_installation {\n  dev_overrides {\n    \"HashiCorp/Time\" = \"../dev\"\n    \"a/b\" = \"../none\"\n  }\n  direct {}\n}\n";
    bench.write("home/.terraformrc", text);
    let found = bench.find(TOFU_TIME).unwrap();
    assert_eq!(program(&found).canonicalize().unwrap(), expected.canonicalize().unwrap());
    assert_eq!((place(&found).as_str(), found.version.as_deref()), ("dev_overrides", None));
    assert!(found.note(&TOFU_TIME.parse().unwrap()).unwrap().contains("two registries"));
    assert_fails(bench.find("a/b"), CauseKind::NoProvider, &["no program named terraform-provider-b", "Build it"]);

    bench.set("CI", "true");
    assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &["dev_overrides", "in CI"]);
    bench.set(TRUST_VARIABLE, "any");
    assert!(bench.find(TIME).is_ok());
    bench.set(TRUST_VARIABLE, "");

    bench.set("CI", "false");
    let running = r#"{"hashicorp/time":{"Protocol":"grpc","ProtocolVersion":5,"Pid":7,"Addr":{"Network":"unix","String":"/tmp/p"}}}"#;
    bench.set("TF_REATTACH_PROVIDERS", running);
    assert!(matches!(bench.find(TIME).unwrap().source, ProviderSource::Reattach(Reattach { pid: 7, .. })));
    bench.set("GITHUB_ACTIONS", "true");
    assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &["TF_REATTACH_PROVIDERS", "in CI"]);
}

#[test]
fn a_variable_that_cannot_be_used_lets_nothing_start() {
    let mut bench = Bench::new();
    bench.package(DATA, TIME, "0.14.2");
    bench.set("TF_REATTACH_PROVIDERS", "{");
    let (finder, diagnostics) = bench.finder(Some("root"));
    assert_eq!(diagnostics.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["reattach-invalid"]);
    assert_fails(finder.find(&TIME.parse().unwrap()), CauseKind::ProviderRefused, &["Correct or unset it"]);
}

#[test]
fn the_registries_addresses_mean_one_provider_each_lock_with_its_own_package() {
    let bench = Bench::new();
    let (own, other) = (bench.package(DATA, TIME, "1.0.0"), bench.package(DATA, TOFU_TIME, "1.0.0"));
    fs::write(&other, "another build").unwrap();
    bench.lock(TOFU_TIME, "1.0.0", &[&h1(&other)]);
    let found = bench.find(TIME).unwrap();
    assert_eq!((program(&found), found.address.to_string().as_str()), (other.as_path(), TOFU_TIME));
    assert_eq!(found.verification, Verification::Verified { by: "h1" });
    assert!(found.note(&TIME.parse().unwrap()).unwrap().contains("two registries"));

    bench.lock(TIME, "1.0.0", &[&h1(&own)]);
    assert_eq!(program(&bench.find(TIME).unwrap()), own);
    assert_eq!(program(&bench.find(TOFU_TIME).unwrap()), other);

    fs::remove_dir_all(bench.path(DATA).join("registry.terraform.io")).unwrap();
    fs::remove_file(bench.path("root/.terraform.lock.hcl")).unwrap();
    bench.lock(TIME, "1.0.0", &["h1:own="]);
    assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &["different builds"]);
}

#[test]
fn an_address_of_before_namespaces_means_the_locked_provider_or_hashicorps() {
    let bench = Bench::new();
    let legacy = "registry.terraform.io/-/datadog";
    let datadog = bench.package(DATA, "datadog/datadog", "3.0.0");
    bench.lock("registry.terraform.io/datadog/datadog", "3.0.0", &[&h1(&datadog)]);
    let found = bench.find(legacy).unwrap();
    assert_eq!(found.address.to_string(), "registry.terraform.io/datadog/datadog");
    assert!(found.note(&legacy.parse().unwrap()).unwrap().contains("before 0.13"));

    let time = bench.package(DATA, TOFU_TIME, "0.14.2");
    let found = bench.find("registry.terraform.io/-/time").unwrap();
    assert_eq!(program(&found), time);

    // Two of one name are told apart, and neither is meant by the name alone.
    for namespace in ["one", "two"] {
        let own = bench.package(DATA, &format!("{namespace}/time"), "1.0.0");
        bench.lock(&format!("registry.terraform.io/{namespace}/time"), "1.0.0", &[&h1(&own)]);
        assert_eq!(program(&bench.find(&format!("{namespace}/time")).unwrap()), own);
    }
    assert_eq!(program(&bench.find("registry.terraform.io/-/time").unwrap()), time);
}

#[test]
fn the_environment_says_what_is_trusted() {
    let trust = |variables: &[(&str, &str)]| {
        let mut bench = Bench::new();
        for (name, value) in variables {
            bench.set(name, *value);
        }
        let (finder, diagnostics) = bench.finder(None);
        (finder.trust, diagnostics.iter().map(|problem| problem.code).collect::<Vec<_>>())
    };
    for name in CI_VARIABLES {
        assert_eq!(trust(&[(name, "true")]).0, Trust::Locked, "{name}");
        assert_eq!(trust(&[(name, "False")]).0, Trust::Anything, "{name}");
    }
    assert_eq!(trust(&[]).0, Trust::Anything);
    assert_eq!(trust(&[("CI", "true"), (TRUST_VARIABLE, "any")]).0, Trust::Anything);
    assert_eq!(trust(&[(TRUST_VARIABLE, "locked")]).0, Trust::Locked);
    assert_eq!(trust(&[(TRUST_VARIABLE, "nobody")]), (Trust::Locked, vec!["invalid-trust"]));
}

#[test]
fn without_a_root_the_newest_release_of_all_places_is_taken_unverified() {
    let mut bench = Bench::new();
    bench.set("TF_PLUGIN_CACHE_DIR", "cache");
    bench.package("cache", TIME, "0.9.0");
    bench.package("cache", TIME, "1.0.0-rc1");
    bench.package("home/.terraform.d/plugins", TOFU_TIME, "0.14.2");
    bench.package("home/.terraform.d/plugins", "a/b", "1.0.0-rc1");
    // Neither a lock file nor a mirror that lies about belongs to the state.
    bench.package("terraform.d/plugins", TIME, "99.0.0");
    bench.write(".terraform.lock.hcl", "provider {");
    let found = bench.find_without_root(TIME).unwrap();
    assert_eq!(found.version.as_deref(), Some("0.14.2"));
    assert!(
        matches!(&found.verification, Verification::Unverified { reason } if reason.contains("without a root module"))
    );
    assert_eq!(bench.find_without_root("a/b").unwrap().version.as_deref(), Some("1.0.0-rc1"));
    assert_fails(bench.find_without_root("a/c"), CauseKind::NoProvider, &["Looked in: plugin cache", "--dir"]);
    bench.set("CI", "1");
    assert_fails(bench.find_without_root(TIME), CauseKind::ProviderRefused, &["without a root module", "unverified"]);
}

#[test]
fn with_no_place_at_all_that_is_said() {
    let bench = Bench::new();
    assert_fails(bench.find_without_root(TIME), CauseKind::NoProvider, &["no mirror to look in"]);
}

#[test]
fn a_root_that_locks_nothing_uses_its_data_folder_unverified() {
    let mut bench = Bench::new();
    let expected = bench.package(DATA, TIME, "0.9.0");
    bench.package("home/.terraform.d/plugins", TIME, "0.14.2");
    let found = bench.find(TIME).unwrap();
    assert_eq!(program(&found), expected, "what is installed counts before what is newer elsewhere");
    assert!(
        matches!(&found.verification, Verification::Unverified { reason } if reason.contains("has no .terraform.lock"))
    );
    bench.lock("registry.terraform.io/a/b", "1.0.0", &[]);
    let found = bench.find(TIME).unwrap();
    assert!(matches!(&found.verification, Verification::Unverified { reason } if reason.contains("does not name it")));
    bench.package(DATA, "a/b", "1.0.0");
    let found = bench.find("a/b").unwrap();
    assert!(matches!(&found.verification, Verification::Unverified { reason } if reason.contains("names no hash")));
    bench.set("GITLAB_CI", "true");
    assert_fails(bench.find("a/b"), CauseKind::ProviderRefused, &["names no hash", "commit .terraform.lock.hcl"]);
}

#[test]
fn what_is_not_there_says_where_was_looked_and_what_is_there_instead() {
    let mut bench = Bench::new();
    fs::create_dir(bench.path("cache")).unwrap();
    bench.set("TF_PLUGIN_CACHE_DIR", "../cache");
    bench.package(DATA, TIME, "0.13.0");
    bench.lock(TIME, "0.14.2", &["h1:x="]);
    let expected =
        ["time 0.14.2", "data folder", "plugin cache", "Other versions are there: 0.13.0", "`terraform init`"];
    assert_fails(bench.find(TIME), CauseKind::NoProvider, &expected);
    let archive = bench.archive("home/.terraform.d/plugins", TIME, "0.14.2");
    assert_fails(bench.find(TIME), CauseKind::NoProvider, &["Archives", &archive.display().to_string(), "unpacks"]);
    assert_fails(bench.find("terraform.io/builtin/terraform"), CauseKind::NoProvider, &["part of terraform itself"]);
    assert_fails(bench.find("../../x"), CauseKind::NoProvider, &["no address"]);
}

#[test]
fn an_empty_package_says_so() {
    let bench = Bench::new();
    let program = bench.package(DATA, TIME, "0.14.2");
    fs::rename(&program, program.with_file_name("terraform-provider-other")).unwrap();
    bench.lock(TIME, "0.14.2", &[&h1(&program)]);
    assert_fails(bench.find(TIME), CauseKind::NoProvider, &["holds no program named terraform-provider-time"]);
}

#[test]
fn an_archive_at_hand_vouches_for_the_folder_that_holds_the_same() {
    let bench = Bench::new();
    let program = bench.package(DATA, TIME, "0.14.2");
    bench.lock(TIME, "0.14.2", &["zh:00"]);
    let is_unverified = |expected: &str| {
        let found = bench.find(TIME).unwrap();
        matches!(&found.verification, Verification::Unverified { reason } if reason.contains(expected))
    };
    assert!(is_unverified("only zh hashes"));
    let archive = bench.archive("home/.terraform.d/plugins", TIME, "0.14.2");
    assert!(is_unverified("only zh hashes"), "an archive that is not locked proves nothing");
    fs::remove_file(bench.path("root/.terraform.lock.hcl")).unwrap();
    bench.lock(TIME, "0.14.2", &["zh:00", &hash::zh(&archive).unwrap()]);
    assert_eq!(bench.find(TIME).unwrap().verification, Verification::Verified { by: "zh" });
    fs::write(program, "something else").unwrap();
    assert_fails(bench.find(TIME), CauseKind::ProviderRefused, &[&archive.display().to_string(), "expected is h1:"]);
}

#[test]
fn a_lock_file_with_a_mistake_lets_nothing_start() {
    let bench = Bench::new();
    bench.package(DATA, TIME, "0.14.2");
    bench.write("root/.terraform.lock.hcl", "provider \"registry.terraform.io/hashicorp/time\" {\n<<<<<<< HEAD\n");
    let (finder, diagnostics) = bench.finder(Some("root"));
    assert!(diagnostics.iter().all(|problem| problem.code == "lock-file-invalid") && !diagnostics.is_empty());
    assert_fails(
        finder.find(&TIME.parse().unwrap()),
        CauseKind::ProviderRefused,
        &["cannot be used", "version control"],
    );
}

#[test]
fn tofu_is_told_by_its_lock_file_or_its_files() {
    for (name, text) in [
        (".terraform.lock.hcl", format!("provider \"{TOFU_TIME}\" {{\n  version = \"0.14.2\"\n}}\n")),
        ("main.tofu", String::new()),
    ] {
        let bench = Bench::new();
        bench.write(&format!("root/{name}"), &text);
        bench.write("home/.terraformrc", "plugin_cache_dir = \"../of-terraform\"");
        bench.write("home/.tofurc", "plugin_cache_dir = \"../of-tofu\"");
        fs::create_dir(bench.path("of-tofu")).unwrap();
        assert_fails(bench.find(TIME), CauseKind::NoProvider, &["plugin cache", "../of-tofu", "`tofu init`"]);
    }
}

#[test]
fn the_cli_configuration_is_read_where_terraform_reads_it() {
    let cache = |bench: &Bench| {
        let (finder, diagnostics) = bench.finder(Some("root"));
        let cache = finder.config.plugin_cache.as_ref().map(|path| path.display().to_string());
        (cache.unwrap_or_default(), diagnostics.iter().map(|problem| problem.code).collect::<Vec<_>>())
    };
    let mut bench = Bench::new();
    assert_eq!(cache(&bench), (String::new(), vec![]));
    bench.set("XDG_CONFIG_HOME", bench.path("xdg").display().to_string());
    bench.write("xdg/opentofu/tofurc", "plugin_cache_dir = \"/xdg\"");
    assert_eq!(cache(&bench).0, "/xdg");
    bench.write("xdg/opentofu/x.tfrc", "plugin_cache_dir = \"/unused\"");
    bench.write("home/.tofurc", "plugin_cache_dir = \"/tofu\"");
    assert_eq!(cache(&bench).0, "/tofu");
    bench.write("home/.terraformrc", "plugin_cache_dir = \"$WHERE/${WHAT}/$UNSET\"");
    bench.set("WHERE", "/where");
    bench.set("WHAT", "what");
    assert_eq!(cache(&bench).0, "/where/what/");
    fs::write(bench.path("home/.terraformrc"), "").unwrap();
    bench.write("home/.terraform.d/b.tfrc.json", "{\"plugin_cache_dir\": \"/b\"}");
    bench.write("home/.terraform.d/a.tfrc", "plugin_cache_dir = \"/a\"");
    bench.write("home/.terraform.d/0.rc", "plugin_cache_dir = \"/none\"");
    assert_eq!(cache(&bench).0, "/a");
    bench.set("TERRAFORM_CONFIG", "legacy");
    assert_eq!(cache(&bench), (String::new(), vec!["cli-config-missing"]));
    bench.write("legacy", "plugin_cache_dir = \"/legacy\"\n");
    assert_eq!(cache(&bench).0, "/legacy");
    bench.set("TF_CLI_CONFIG_FILE", "named");
    assert_eq!(cache(&bench), (String::new(), vec!["cli-config-missing"]));
    bench.write("named", "provider_installation {\n  nonsense {}\n  filesystem_mirror {}\n  direct { include = [\"*/a\"] }\n}\nprovider_installation {}\n");
    assert_eq!(cache(&bench), (String::new(), vec!["cli-config-invalid"; 4]));
    bench.write("named", "= broken");
    assert_eq!(cache(&bench), (String::new(), vec!["cli-config-invalid"]));
    bench.set("TF_PLUGIN_CACHE_DIR", "/set");
    assert_eq!(cache(&bench).0, "/set");
}
