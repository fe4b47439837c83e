//! What every place that holds states must do, and what each does besides.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod s3;

use std::path::Path;
use std::{fs, io};

use net::Environment;
use tfstate::backend::{self, BackendConfig, Context, Location, StateSource};
use tfstate::{Error, ErrorKind, StateSnapshot};

const STATE: &str = include_str!("../states/terraform-1.11.4.tfstate");

fn state_with_lineage(lineage: &str) -> String {
    format!(r#"{{"version": 4, "serial": 1, "lineage": "{lineage}", "resources": []}}"#)
}

fn lineage(snapshot: &StateSnapshot) -> &str {
    snapshot.index().lineage().as_str()
}

async fn snapshot(source: &dyn StateSource, workspace: &str) -> Result<StateSnapshot, Error> {
    let file = source.get(workspace).await?;
    assert!(!source.url().is_empty());
    assert_eq!(&*file.workspace, workspace);
    let (snapshot, diagnostics) = tokio::task::spawn_blocking(|| StateSnapshot::read(file)).await.expect("no panic")?;
    assert!(!model::diagnostic::has_errors(&diagnostics), "{diagnostics:?}");
    Ok(snapshot.expect("a state"))
}

/// The contract: the source holds [`STATE`] in its selected workspace, which it lists, and none called `absent`.
async fn check_contract(source: &dyn StateSource) {
    let selected = source.selected_workspace().to_owned();
    assert!(source.list_workspaces().await.unwrap().contains(&selected));
    assert_eq!(source.get("absent").await.unwrap_err().kind, ErrorKind::NotFound);
    for escape in ["../up", "a/b", "..", ""] {
        let kind = source.get(escape).await.unwrap_err().kind;
        assert!(matches!(kind, ErrorKind::Configuration | ErrorKind::NotFound), "{escape:?}: {kind:?}");
    }
    if let Some(version) = source.version(&selected).await.unwrap() {
        assert_eq!(source.get(&selected).await.unwrap().version, Some(version));
        assert_eq!(source.version("absent").await.unwrap_err().kind, ErrorKind::NotFound);
    }
    let snapshot = snapshot(source, &selected).await.unwrap();
    let (recorded, _) = snapshot.recorded_instances(0);
    assert_eq!(recorded.len(), snapshot.index().instances().filter(|instance| instance.is_managed()).count());
    for instance in &recorded {
        // Parts are read again, in any order.
        let position = recorded.len() - instance.position;
        snapshot.attributes(position, None).unwrap();
        let id = snapshot.attribute(instance.position, "id", None).unwrap().unwrap();
        assert_eq!(id.as_str(), instance.id.as_ref().map(model::ImportId::as_str));
    }
    assert!(snapshot.output("secret").unwrap().unwrap().is_sensitive);
    assert!(snapshot.output("absent").unwrap().is_none());
    assert_eq!(snapshot.check_results().unwrap().unwrap().len(), 1);
    assert_eq!(snapshot.instance(10_000).unwrap_err().kind, ErrorKind::NotFound);
}

fn context(variables: &[(&str, &str)]) -> Context {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Context::new(Environment::new(variables, None))
}

fn open(location: &str) -> Result<Box<dyn StateSource>, Error> {
    backend::open(&Location::parse(location)?, &context(&[]))
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "live.tfstate", STATE);
    let path = directory.path().join("live.tfstate");
    check_contract(&*open(path.to_str().unwrap()).unwrap()).await;
    check_contract(&*open(&format!("file://{}", path.display())).unwrap()).await;
}

#[tokio::test]
async fn a_root_module_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "terraform.tfstate", STATE);
    check_contract(&*open(directory.path().to_str().unwrap()).unwrap()).await;
}

#[tokio::test]
async fn standard_input_keeps_the_contract() {
    check_contract(&backend::stdin::Stdin::new(STATE.as_bytes())).await;
}

#[tokio::test]
async fn standard_input_is_read_once() {
    let source = backend::stdin::Stdin::new(STATE.as_bytes());
    source.get("default").await.unwrap();
    assert_eq!(source.get("default").await.unwrap_err().kind, ErrorKind::Configuration);
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        }
    }
    let error = backend::stdin::Stdin::new(Broken).get("default").await.unwrap_err();
    assert_eq!((error.kind, error.operation), (ErrorKind::Io, "read standard input"));
}

#[tokio::test]
async fn workspaces_lie_beside_the_default_state() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, "terraform.tfstate", &state_with_lineage("default"));
    write(root, "terraform.tfstate.backup", &state_with_lineage("backup"));
    write(root, "terraform.tfstate.d/prod/terraform.tfstate", &state_with_lineage("prod"));
    write(root, "terraform.tfstate.d/alpha/terraform.tfstate", &state_with_lineage("alpha"));
    fs::create_dir_all(root.join("terraform.tfstate.d/never-applied")).unwrap();
    let source = open(root.to_str().unwrap()).unwrap();
    assert_eq!(source.list_workspaces().await.unwrap(), ["default", "alpha", "prod"]);
    assert_eq!(source.selected_workspace(), "default");
    assert_eq!(lineage(&snapshot(&*source, "prod").await.unwrap()), "prod");

    write(root, ".terraform/environment", "prod");
    assert_eq!(open(root.to_str().unwrap()).unwrap().selected_workspace(), "prod");
    let source = backend::open_root(root, None, &context(&[("TF_WORKSPACE", "alpha")])).unwrap();
    assert_eq!(source.selected_workspace(), "alpha");
    let error = source.get("beta").await.unwrap_err();
    assert!(error.help.iter().any(|help| help.contains("default, alpha, prod")), "{:?}", error.help);

    let folder = root.join("terraform.tfstate.d");
    let source = open(folder.to_str().unwrap()).unwrap();
    assert_eq!(source.list_workspaces().await.unwrap(), ["alpha", "prod"]);
    assert_eq!(lineage(&snapshot(&*source, "prod").await.unwrap()), "prod");
}

#[tokio::test]
async fn what_init_noted_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, ".terraform/terraform.tfstate", include_str!("../states/backend-pointer.tfstate"));
    write(root, "live.tfstate", &state_with_lineage("live"));
    write(root, "terraform.tfstate", &state_with_lineage("wrong"));
    let source = open(root.to_str().unwrap()).unwrap();
    assert_eq!(lineage(&snapshot(&*source, "default").await.unwrap()), "live");

    // Code alone names the place as well, and another kind in the code means that `init` has not run since.
    let arguments = [("path".to_owned(), cty::Value::string("code.tfstate"))].into();
    let code = BackendConfig { kind: "local".to_owned(), arguments };
    write(root, "code.tfstate", &state_with_lineage("code"));
    let source = backend::open_root(root, Some(&code), &context(&[("TF_DATA_DIR", "elsewhere")])).unwrap();
    assert_eq!(lineage(&snapshot(&*source, "default").await.unwrap()), "code");

    write(root, ".terraform/terraform.tfstate", r#"{"version": 3, "backend": {"type": "consul", "config": {}}}"#);
    let error = open(root.to_str().unwrap()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.help.iter().any(|help| help.contains("state pull")));
    write(root, ".terraform/terraform.tfstate", "{\"version\": 3, \"backend\": {\"type\": \"s3\", \"conf");
    assert_eq!(open(root.to_str().unwrap()).unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_held_lock_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "terraform.tfstate", STATE);
    let note =
        r#"{"ID": "1", "Operation": "OperationTypeApply", "Who": "ann@host", "Created": "2026-01-02T03:04:05Z"}"#;
    write(directory.path(), ".terraform.tfstate.lock.info", note);
    let file = open(directory.path().to_str().unwrap()).unwrap().get("default").await.unwrap();
    let [warning] = file.warnings.as_slice() else { panic!("one warning") };
    assert_eq!(warning.code, "state-locked");
    assert!(warning.detail.contains("ann@host") && warning.detail.contains("2026-01-02"), "{}", warning.detail);
}

#[tokio::test]
async fn a_state_that_is_written_meanwhile_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "terraform.tfstate", STATE);
    let source = open(directory.path().to_str().unwrap()).unwrap();
    let snapshot = snapshot(&*source, "default").await.unwrap();
    let version = source.version("default").await.unwrap();
    write(directory.path(), "terraform.tfstate", &STATE.replace("1.11.4", "1.11.40"));
    assert_ne!(source.version("default").await.unwrap(), version);
    let error = snapshot.attributes(0, None).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Moved);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let error = open("/no/such/terraform.tfstate").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("/no/such/terraform.tfstate"));
    let directory = tempfile::tempdir().unwrap();
    let source = open(directory.path().to_str().unwrap()).unwrap();
    assert_eq!(source.list_workspaces().await.unwrap(), Vec::<String>::new());
    assert_eq!(source.get("default").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn urls_never_show_credentials() {
    let error = Location::parse("s3://key:planted-secret@bucket/state").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(!format!("{error} {error:?}").contains("planted-secret"));
    let location = Location::parse("s3://bucket/state?token=planted-secret#planted-secret").unwrap();
    assert_eq!(location.to_string(), "s3://bucket/state");
    let error = open("ftp://bucket/state?token=planted-secret").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(!format!("{error} {error:?}").contains("planted-secret"));
}
