//! The lock file: which version of each provider was selected, and what its packages hash to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hcl::syntax::BlockSyntax;
use model::{Diagnostic, Diagnostics, ProviderAddress, diagnostic};

use super::version::Version;
use crate::Session;

/// The name of the file, in the root module.
pub(super) const NAME: &str = ".terraform.lock.hcl";
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// What a root module's lock file says.
#[derive(Debug)]
pub(super) enum Lock {
    /// There is no root module, so there is none.
    NoRoot,
    /// The root module has none.
    Absent,
    /// It cannot be used, so nothing can be checked against it.
    Broken(PathBuf),
    /// It says this.
    Present(PathBuf, Vec<Entry>),
}

/// What it says about one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The provider.
    pub(super) address: ProviderAddress,
    /// The version that was selected.
    pub(super) version: Version,
    /// What its packages may hash to, each with its scheme.
    pub(super) hashes: BTreeSet<String>,
}

impl Entry {
    /// Gives the hashes of one scheme.
    pub(super) fn hashes(&self, scheme: &str) -> BTreeSet<&str> {
        let is_of_scheme = |hash: &&str| hash.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':'));
        self.hashes.iter().map(String::as_str).filter(is_of_scheme).collect()
    }
}

impl Lock {
    /// Gives the entries.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Present(_, entries) => entries,
            Self::NoRoot | Self::Absent | Self::Broken(_) => &[],
        }
    }
}

/// Reads the lock file of a root module.
pub(super) fn read(session: &Session, root: &Path) -> (Lock, Diagnostics) {
    let path = root.join(NAME);
    let name = path.display().to_string();
    let text = match session.read_trusted(&path, MAX_BYTES) {
        Ok(Some(text)) => text,
        Ok(None) => return (Lock::Absent, Diagnostics::new()),
        Err(reason) => {
            let detail = format!("{name} cannot be read: {reason}.");
            return (Lock::Broken(path), vec![invalid(detail)]);
        }
    };
    let (entries, diagnostics) = parse(&name, &text);
    let lock = if diagnostic::has_errors(&diagnostics) { Lock::Broken(path) } else { Lock::Present(path, entries) };
    (lock, diagnostics)
}

fn invalid(detail: String) -> Diagnostic {
    Diagnostic::error("lock-file-invalid", "The lock file cannot be used", detail)
        .with_help("Restore it from version control, or let `terraform init` write it anew and review the difference.")
}

fn parse(name: &str, text: &str) -> (Vec<Entry>, Diagnostics) {
    let (file, problems) = hcl::File::parse(name, text);
    let mut diagnostics: Diagnostics =
        problems.into_iter().map(|problem| Diagnostic { span: problem.span, ..invalid(problem.detail) }).collect();
    let (mut entries, mut known) = (Vec::new(), BTreeSet::new());
    for block in file.body.blocks("provider") {
        match parse_entry(&file, block) {
            Ok(entry) if !known.insert(entry.address.clone()) => {
                let detail = format!("It has two `provider` blocks for {}.", entry.address);
                diagnostics.push(invalid(detail).at_span(file.span(&block.header)));
            }
            Ok(entry) => entries.push(entry),
            Err(detail) => diagnostics.push(invalid(detail).at_span(file.span(&block.header))),
        }
    }
    (entries, diagnostics)
}

fn parse_entry(file: &hcl::File, block: &BlockSyntax) -> Result<Entry, String> {
    let [label] = block.labels.as_slice() else {
        return Err("A `provider` block has one label, the provider's address.".to_owned());
    };
    let address: ProviderAddress =
        label.parse().map_err(|error| format!("{label:?} is no provider's address: {error}."))?;
    let literal = |name: &str| {
        let Some(attribute) = block.body.attribute(name) else { return Ok(None) };
        let value = file.literal(&attribute.expression);
        value.map(Some).map_err(|error| format!("`{name}` of {address} must be a literal: {}.", error.reason))
    };
    let version = literal("version")?;
    let version = version
        .as_ref()
        .and_then(|version| version.as_str())
        .ok_or_else(|| format!("`version` of {address} must be a text, the version that was selected."))?;
    let version = Version::parse(version).ok_or_else(|| format!("{version:?}, the version of {address}, is none."))?;
    let mut hashes = BTreeSet::new();
    if let Some(list) = literal("hashes")? {
        if !matches!(list.ty(), cty::Type::Tuple(_)) {
            return Err(format!("`hashes` of {address} must be a list of texts."));
        }
        for hash in list.elements() {
            let hash = hash.as_str().ok_or_else(|| format!("`hashes` of {address} must hold texts only."))?;
            hashes.insert(hash.to_owned());
        }
    }
    Ok(Entry { address, version, hashes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/time" {
  version     = "0.14.2"
  constraints = "~> 0.14"
  hashes = [
    "h1:abc=",
    "zh:00ff",
    "zh:11ff",
  ]
}
"#;

    #[test]
    fn entries_have_version_and_hashes_by_scheme() {
        let (entries, diagnostics) = parse("lock", GOOD);
        assert_eq!(diagnostics, []);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].version.to_string(), "0.14.2");
        assert_eq!(entries[0].hashes("h1"), BTreeSet::from(["h1:abc="]));
        assert_eq!(entries[0].hashes("zh").len(), 2);
    }

    #[test]
    fn a_mistake_names_its_place() {
        for (text, expected) in [
            ("provider \"a/b\" {\n  version = \"1\"\n}\n", "\"1\", the version of"),
            ("provider \"a/b\" {\n}\n", "`version` of"),
            ("provider \"a/b\" {\n  version = \"1.0.0\"\n  hashes = [1]\n}\n", "must hold texts only"),
            ("provider \"a/b\" {\n  version = \"1.0.0\"\n  hashes = \"h1:x\"\n}\n", "must be a list"),
            ("provider \"a/b\" {\n  version = \"1.0.0\"\n  hashes = [var.x]\n}\n", "must be a literal"),
            ("provider \"a/b/c/d\" {\n  version = \"1.0.0\"\n}\n", "is no provider's address"),
            ("provider {\n  version = \"1.0.0\"\n}\n", "one label"),
            (
                "provider \"a/b\" {\n  version = \"1.0.0\"\n}\nprovider \"a/b\" {\n  version = \"1.0.0\"\n}\n",
                "two `provider`",
            ),
            ("<<<<<<< HEAD\n", ""),
        ] {
            let (_, diagnostics) = parse("lock", text);
            let problem = diagnostics.first().unwrap_or_else(|| panic!("{text} is wrong"));
            assert!(problem.detail.contains(expected), "{text}: {problem}");
            assert_eq!(problem.code, "lock-file-invalid");
            assert!(problem.span.is_some(), "{text}: {problem}");
        }
    }
}
