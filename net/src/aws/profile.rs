//! The shared config and credentials files.
//!
//! Source: "Configuration and credential file settings" of the AWS tools' reference guide.

use std::collections::BTreeMap;

use crate::{Environment, Error, ErrorKind};

/// Files larger than this are not configuration.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Holds the settings of one section, their names in lower case.
pub type Section = BTreeMap<String, String>;

/// Holds the profiles, SSO sessions and service settings of both shared files.
///
/// No `Debug`: profiles hold secrets.
#[derive(Clone, Default)]
pub struct Profiles {
    by_name: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, BTreeMap<String, Section>>,
}

impl Profiles {
    /// Reads both files from where the environment says they are; a file that is not there is empty.
    ///
    /// # Errors
    /// `Configuration` where a file exists and cannot be read, is not text, or is far too large.
    pub async fn load(environment: &Environment) -> Result<Self, Error> {
        let config = read(environment, "AWS_CONFIG_FILE", "~/.aws/config").await?;
        let credentials = read(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials").await?;
        Ok(Self::parse(&config, &credentials))
    }

    /// Parses the text of both files; in one profile, the credentials file wins.
    pub fn parse(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        for (title, section) in sections(config) {
            let (kind, name) = split_title(&title);
            match (kind, name) {
                ("profile", Some(name)) => profiles.merge(name, section.settings),
                ("default", None) => profiles.merge("default", section.settings),
                ("sso-session", Some(name)) => {
                    profiles.sso_sessions.entry(name.to_owned()).or_default().extend(section.settings);
                }
                ("services", Some(name)) => {
                    profiles.services.entry(name.to_owned()).or_default().extend(section.nested);
                }
                _ => {}
            }
        }
        for (title, section) in sections(credentials) {
            let name = title.strip_prefix("profile ").map_or(title.as_str(), str::trim);
            profiles.merge(name, section.settings);
        }
        profiles
    }

    /// Returns a profile.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.by_name.get(name)
    }

    /// Returns the names of all profiles, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Returns an `sso-session` section.
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sso_sessions.get(name)
    }

    /// Returns a setting of one service in a `services` section.
    pub fn service_setting(&self, section: &str, service: &str, setting: &str) -> Option<&str> {
        self.services.get(section)?.get(service)?.get(setting).map(String::as_str)
    }

    fn merge(&mut self, name: &str, settings: Section) {
        self.by_name.entry(name.to_owned()).or_default().extend(settings);
    }
}

async fn read(environment: &Environment, variable: &'static str, default: &str) -> Result<String, Error> {
    let named = environment.get(variable);
    let path = environment.expand_home(named.unwrap_or(default));
    if named.is_none() && environment.home().is_none() {
        return Ok(String::new());
    }
    let fail = |message: &str| {
        Error::new(ErrorKind::Configuration, "aws profiles", message).with_context("file", path.display().to_string())
    };
    match tokio::fs::metadata(&path).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(fail("the file cannot be read: check its permissions").with_source(error)),
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            return Err(fail("the file is far too large for AWS settings"));
        }
        Ok(_) => {}
    }
    let bytes = tokio::fs::read(&path)
        .await
        .map_err(|error| fail("the file cannot be read: check its permissions").with_source(error))?;
    String::from_utf8(bytes).map_err(|_| fail("the file is not UTF-8 text: it may be another file, or encrypted"))
}

#[derive(Default)]
struct RawSection {
    settings: Section,
    nested: BTreeMap<String, Section>,
}

fn sections(text: &str) -> Vec<(String, RawSection)> {
    let mut sections: Vec<(String, RawSection)> = Vec::new();
    let mut parent: Option<String> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            parent = None;
            if let Some(rest) = trimmed.strip_prefix('[') {
                // A title without its bracket opens a section nobody can name.
                let title = rest.split_once(']').map_or("", |(title, _)| title.trim());
                sections.push((title.to_owned(), RawSection::default()));
                continue;
            }
        }
        let Some((_, section)) = sections.last_mut() else { continue };
        let Some((name, value)) = trimmed.split_once('=') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), without_comment(value));
        match &parent {
            Some(parent) if line.starts_with([' ', '\t']) => {
                section.nested.entry(parent.clone()).or_default().insert(name, value);
            }
            _ => {
                parent = value.is_empty().then(|| name.clone());
                section.settings.insert(name, value);
            }
        }
    }
    sections
}

/// Cuts a comment off: `#` or `;` after white space.
fn without_comment(value: &str) -> String {
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min().unwrap_or(value.len());
    value[..end].trim().to_owned()
}

fn split_title(title: &str) -> (&str, Option<&str>) {
    match title.split_once(char::is_whitespace) {
        Some((kind, name)) => (kind, Some(name.trim().trim_matches(['"', '\'']))),
        None => (title, None),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn both_files_make_one_profile() {
        let profiles = Profiles::parse(
            "[default]\nregion = eu-west-1 # home\n[profile \"with space\"]\nRole_Arn=arn:aws:iam::1:role/r\n\
             source_profile = default\nservices = local\n[sso-session corp]\nsso_region = us-east-1\n\
             [services local]\ns3 =\n  endpoint_url = http://localhost:5000\nec2 =\n\tendpoint_url=http://localhost:5001\n",
            "[default]\naws_access_key_id = AKIA#1\nregion = ignored-by-nobody\n; note\n[other]\naws_secret_access_key=a=b\n",
        );
        assert_eq!(profiles.profile("default").unwrap()["aws_access_key_id"], "AKIA#1");
        assert_eq!(profiles.profile("default").unwrap()["region"], "ignored-by-nobody");
        assert_eq!(profiles.profile("with space").unwrap()["role_arn"], "arn:aws:iam::1:role/r");
        assert_eq!(profiles.profile("other").unwrap()["aws_secret_access_key"], "a=b");
        assert_eq!(profiles.sso_session("corp").unwrap()["sso_region"], "us-east-1");
        assert_eq!(profiles.service_setting("local", "s3", "endpoint_url"), Some("http://localhost:5000"));
        assert_eq!(profiles.service_setting("local", "ec2", "endpoint_url"), Some("http://localhost:5001"));
        assert_eq!(profiles.names().collect::<Vec<_>>(), ["default", "other", "with space"]);
    }

    #[test]
    fn settings_before_any_section_and_broken_lines_are_skipped() {
        let profiles = Profiles::parse("a = 1\n[default\nregion = x\nnonsense\n[profile]\n", "");
        assert_eq!(profiles.profile("default"), None);
        assert_eq!(profiles.names().count(), 0);
    }
}
