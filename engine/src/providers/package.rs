//! How packages of providers lie in a folder: `HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/`, or zipped beside the versions.
//!
//! Source: "Provider Installation" in the documentation of the CLI configuration file, section "Implied Local Mirror
//! Directories", and the behavior of `init`.

use std::fs;
use std::path::{Path, PathBuf};

use model::ProviderAddress;

use super::version::Version;

/// What lies in a folder for one version of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// The version.
    pub(super) version: Version,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Whether it is an archive, which is not unpacked here.
    pub(super) is_packed: bool,
}

/// Gives this machine's platform as Go names it: `linux_amd64`.
pub(super) fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        architecture => architecture,
    };
    format!("{os}_{architecture}")
}

/// Tells whether the parts of an address can be names of folders: nothing that leads out of the folder they are in.
pub(super) fn is_plain(address: &ProviderAddress) -> bool {
    let is_plain = |part: &str| {
        !part.starts_with('.')
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
            && part.len() <= 255
    };
    is_plain(&address.host) && is_plain(&address.namespace) && is_plain(&address.provider_type)
}

/// Lists the packages for this machine that a folder holds of a provider, newest first; none where nothing is there.
pub(super) fn list(base: &Path, address: &ProviderAddress) -> Vec<Package> {
    let folder = base.join(&*address.host).join(&*address.namespace).join(&*address.provider_type);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let platform = platform();
    let prefix = format!("terraform-provider-{}_", address.provider_type);
    let suffix = format!("_{platform}.zip");
    let mut packages = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some(version) = Version::parse(&name) {
            let path = entry.path().join(&platform);
            if path.is_dir() {
                packages.push(Package { version, path, is_packed: false });
            }
        } else {
            let name = name.to_lowercase();
            let version = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(&suffix));
            if let Some(version) = version.and_then(Version::parse) {
                packages.push(Package { version, path: entry.path(), is_packed: true });
            }
        }
    }
    // Of one version, what is unpacked comes first; the path only keeps the order the same from run to run.
    packages.sort_by(|left, right| {
        let newest_first = right.version.cmp(&left.version);
        newest_first.then(left.is_packed.cmp(&right.is_packed)).then_with(|| left.path.cmp(&right.path))
    });
    packages
}

/// Finds the program in an unpacked package: the first by name that is called `terraform-provider-TYPE`, with nothing
/// behind it, or `_` or `.` and whatever.
pub(super) fn program(folder: &Path, provider_type: &str) -> Option<PathBuf> {
    let prefix = format!("terraform-provider-{provider_type}");
    let is_program = |name: &str| {
        name.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_') || rest.starts_with('.'))
    };
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.iter().filter(|name| is_program(name)).map(|name| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, "x").expect("it is written");
    }

    #[test]
    fn versions_are_listed_newest_first_and_unpacked_before_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let address: ProviderAddress = "example.com/a/b".parse().expect("an address");
        let base = folder.path().join("example.com/a/b");
        let platform = platform();
        for version in ["1.9.0", "1.10.0", "2.0.0-beta1", "nonsense"] {
            write(&base.join(version).join(&platform).join("terraform-provider-b"));
        }
        write(&base.join("3.0.0/plan9_amd64/terraform-provider-b"));
        write(&base.join(format!("terraform-provider-b_1.10.0_{platform}.zip")));
        write(&base.join(format!("Terraform-Provider-b_0.1.0_{platform}.zip")));
        write(&base.join("terraform-provider-b_4.0.0_plan9_amd64.zip"));
        write(&base.join(format!("terraform-provider-other_5.0.0_{platform}.zip")));
        let found: Vec<(String, bool)> =
            list(folder.path(), &address).iter().map(|p| (p.version.to_string(), p.is_packed)).collect();
        let expected = [("2.0.0-beta1", false), ("1.10.0", false), ("1.10.0", true), ("1.9.0", false), ("0.1.0", true)];
        assert_eq!(found, expected.map(|(version, is_packed)| (version.to_owned(), is_packed)));
    }

    #[test]
    fn programs_have_one_of_the_names_that_terraform_takes() {
        for (names, expected) in [
            (&["terraform-provider-b_v1.0.0_x5"][..], Some("terraform-provider-b_v1.0.0_x5")),
            (&["terraform-provider-b"], Some("terraform-provider-b")),
            (&["terraform-provider-b.exe", "LICENSE"], Some("terraform-provider-b.exe")),
            (&["terraform-provider-b_v2", "terraform-provider-b_v1"], Some("terraform-provider-b_v1")),
            (&["terraform-provider-bb", "terraform-provider-b-x", "b"], None),
            (&["terraform-provider-b/inner"], None),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            for name in names {
                write(&folder.path().join(name));
            }
            assert_eq!(program(folder.path(), "b"), expected.map(|name| folder.path().join(name)), "{names:?}");
        }
    }

    #[test]
    fn an_address_never_leads_out_of_its_folder() {
        for text in ["../a/b", "h/../b", "h/a/..", "h/a/.b"] {
            assert!(!is_plain(&text.parse().expect("three parts")), "{text}");
        }
        assert!(is_plain(&"localhost:8080/a_b/c-d".parse().expect("an address")));
    }
}
