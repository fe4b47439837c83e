//! Which commit a change is compared with: where it left the branch that it goes to.

use net::Environment;

use super::git::Git;
use super::{CheckBase, CheckedRevision};
use crate::{Error, ErrorKind};

const OPERATION: &str = "find the code before the change";

/// What a variable of a CI service says.
#[derive(Clone, Copy)]
enum Says {
    /// The name of the branch that the change goes to.
    Branch,
    /// A commit of it.
    Commit,
}

/// The variables in which CI services say what a change goes to, in order.
const VARIABLES: &[(&str, Says)] = &[
    ("GITHUB_BASE_REF", Says::Branch),
    ("CI_MERGE_REQUEST_DIFF_BASE_SHA", Says::Commit),
    ("BITBUCKET_PR_DESTINATION_COMMIT", Says::Commit),
    ("SYSTEM_PULLREQUEST_TARGETBRANCH", Says::Branch),
    ("CHANGE_TARGET", Says::Branch),
];

/// Both ends of a change.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) base: CheckedRevision,
    pub(super) head: CheckedRevision,
}

/// Finds the commit where the change began.
///
/// # Errors
/// Where there is none, with what to do about it: mostly the history was not fetched.
pub(super) fn find(git: &Git, environment: &Environment, asked: &CheckBase) -> Result<Ends, Error> {
    let head = git.commit("HEAD").ok_or_else(|| {
        let detail = "The repository has no commit yet.";
        Error::new(ErrorKind::NotFound, OPERATION, detail)
            .with_help("Without the code before the change, --base none judges everything as `driftmgr drift` does.")
    })?;
    let (name, said_by) = match asked {
        CheckBase::Revision(name) => (vec![name.clone(), format!("origin/{name}")], "--base".to_owned()),
        CheckBase::Auto | CheckBase::Nothing => named(environment),
    };
    let Some((found, commit)) = name.iter().find_map(|name| Some((name, git.commit(name)?))) else {
        return Err(not_there(git, &name, &said_by));
    };
    let Some(base) = git.merge_base(&commit, &head) else {
        let detail = format!("{found} ({said_by}) and HEAD have no commit in common.");
        return Err(deepen(git, Error::new(ErrorKind::NotFound, OPERATION, detail)));
    };
    Ok(Ends { base: Git::named(found, &base), head: Git::named("HEAD", &head) })
}

/// Gives the names that the branch which the change goes to may have, and who says so.
fn named(environment: &Environment) -> (Vec<String>, String) {
    for (variable, says) in VARIABLES {
        let Some(value) = environment.get(variable) else { continue };
        let short = value.strip_prefix("refs/heads/").unwrap_or(value);
        let names = match says {
            Says::Commit => vec![value.to_owned()],
            Says::Branch => vec![format!("refs/remotes/origin/{short}"), short.to_owned()],
        };
        return (names, (*variable).to_owned());
    }
    (vec!["refs/remotes/origin/HEAD".to_owned()], "the default branch of origin".to_owned())
}

fn not_there(git: &Git, names: &[String], said_by: &str) -> Error {
    let name = names.last().map(String::as_str).unwrap_or_default();
    let detail = format!("There is no commit {name:?} here, which {said_by} names.");
    let error = Error::new(ErrorKind::NotFound, OPERATION, detail);
    if said_by == "--base" {
        return deepen(git, error);
    }
    deepen(git, error.with_help("Name what the change is compared with: --base origin/main."))
}

/// Says how to get the history, and how to do without.
fn deepen(git: &Git, error: Error) -> Error {
    let error = if git.is_shallow() {
        error
            .with_help(
                "The history was cut off when it was fetched. On GitHub, give actions/checkout `fetch-depth: 0`.",
            )
            .with_help("Elsewhere fetch more of it: git fetch --deepen=1000 origin, or git fetch --unshallow origin.")
    } else {
        error.with_help("Fetch the branch that the change goes to: git fetch origin.")
    };
    error.with_help("Without the code before the change, --base none judges everything as `driftmgr drift` does.")
}
