//! Files that are taken for a state and are not one that can be read here: what they are and where to go from there.

use model::Diagnostic;

/// Recognizes by its first bytes what cannot be a state snapshot.
pub(crate) fn recognize_bytes(prefix: &[u8]) -> Option<Diagnostic> {
    let diagnostic = match prefix {
        [0x1f, 0x8b, ..] => Diagnostic::error(
            "state-compressed",
            "The state is compressed",
            "The file is a gzip stream, not JSON text. Some backends keep states like that, in pieces.",
        )
        .with_help("Decompress it first: `gunzip -c FILE | driftmgr state list -`."),
        [b'P', b'K', 3 | 5, ..] => Diagnostic::error(
            "state-plan-file",
            "This is a plan file, not a state",
            "The file is a zip archive, which is how `plan -out` saves a plan.",
        )
        .with_help("Name the state instead, or pipe it: `terraform state pull | driftmgr … -`."),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Diagnostic::error(
            "state-not-utf8",
            "The state is not UTF-8 text",
            "The file starts with a UTF-16 byte order mark: Windows PowerShell writes redirected output like that.",
        )
        .with_help("Write it again from another shell, or with `| Out-File -Encoding utf8NoBOM`."),
        prefix if prefix.starts_with(b"tfstate") => Diagnostic::error(
            "state-old-version",
            "The state is in a format from before Terraform 0.7",
            "The file is in the binary format that Terraform stopped reading with version 0.7.",
        ),
        prefix if prefix.trim_ascii_start().first() == Some(&b'<') => error_page(&prefix[..prefix.len().min(4096)]),
        _ => return None,
    };
    Some(diagnostic)
}

fn error_page(prefix: &[u8]) -> Diagnostic {
    let text = String::from_utf8_lossy(prefix);
    let said = ["Code", "Message", "title", "h1"].iter().filter_map(|tag| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        let (inner, _) = rest.split_once(&format!("</{tag}>"))?;
        let inner: String = inner.chars().filter(|c| !c.is_control()).take(200).collect();
        (!inner.trim().is_empty()).then(|| inner.trim().to_owned())
    });
    let said: Vec<String> = said.take(2).collect();
    let detail = if said.is_empty() {
        "The file is an XML or HTML page, most likely the answer of a server that refused the request.".to_owned()
    } else {
        format!("The file is an XML or HTML page that says {:?}: a server refused the request.", said.join(": "))
    };
    Diagnostic::error("state-error-page", "This is a server's page, not a state", detail)
        .with_help("Check the URL and the credentials that the file was fetched with.")
}

/// The top-level members that tell apart what a JSON document is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markers {
    /// The `version` member as it is written.
    pub(crate) version: Option<String>,
    pub(crate) has_encryption_version: bool,
    pub(crate) has_format_version: bool,
    /// The `backend` or `state_store` member: the type of backend, where it names one.
    pub(crate) pointer: Option<Option<String>>,
    pub(crate) has_plan: bool,
    pub(crate) has_values: bool,
    pub(crate) terraform_version: String,
}

impl Markers {
    /// Says why the document is not a state of version 4; `None` where it is one.
    pub(crate) fn objection(&self) -> Option<Diagnostic> {
        let pull = "Pipe the state instead: `terraform state pull | driftmgr … -`.";
        if let Some(backend) = &self.pointer {
            let where_to = match backend {
                Some(backend) => format!(" a backend of type {backend:?}"),
                None => " a backend".to_owned(),
            };
            return Some(
                Diagnostic::error(
                    "state-backend-pointer",
                    "This file points to the state, it does not hold it",
                    format!("`terraform init` wrote the file to remember that the state is kept in{where_to}."),
                )
                .with_help("Name the directory that holds `.terraform`, or the state's URL, instead of this file.")
                .with_help(pull),
            );
        }
        if self.has_encryption_version && self.version.is_none() {
            return Some(
                Diagnostic::error(
                    "state-encrypted",
                    "The state is encrypted",
                    "OpenTofu's state encryption wrote the file; its content cannot be read without the key.",
                )
                .with_help("Let OpenTofu decrypt it: `tofu state pull | driftmgr … -`."),
            );
        }
        if self.has_format_version && self.version.is_none() {
            let (code, summary, what) = if self.has_plan {
                ("state-plan-json", "This is a plan in JSON, not a state", "`show -json PLANFILE`")
            } else if self.has_values {
                ("state-show-json", "This is the output of `show -json`, not a state", "`show -json`")
            } else {
                ("state-other-json", "This is a machine-readable output, not a state", "a `-json` option")
            };
            let detail = format!(
                "The document has a `format_version`, as the output of {what} has. It lacks lineage, serial and provider \
                 configurations."
            );
            return Some(Diagnostic::error(code, summary, detail).with_help(pull));
        }
        let Some(version) = &self.version else {
            return Some(
                Diagnostic::error(
                    "state-no-version",
                    "This is JSON, but not a state",
                    "The document lacks the `version` member that every state snapshot has.",
                )
                .with_help(pull),
            );
        };
        match version.parse::<u64>() {
            Ok(4) => None,
            Ok(newer) if newer > 4 => Some(
                Diagnostic::error(
                    "state-newer-version",
                    "The state is in a newer format",
                    format!("The state has format version {newer}; this release reads version 4."),
                )
                .with_help("Look for a newer release of driftmgr."),
            ),
            Ok(older) => {
                let writer = match self.terraform_version.as_str() {
                    "" => String::new(),
                    version => format!(", written by Terraform {version}"),
                };
                Some(
                    Diagnostic::error(
                        "state-old-version",
                        "The state is in an older format",
                        format!("The state has format version {older}{writer}; only version 4 is read here."),
                    )
                    .with_help("Let Terraform convert it: `terraform state pull` writes version 4.")
                    .with_help("OpenTofu reads versions 1 to 3 up to its release 1.12."),
                )
            }
            Err(_) => Some(Diagnostic::error(
                "state-invalid-version",
                "The state's format version is not a whole number",
                format!("The member `version` is {version}; a state has the number 4 there."),
            )),
        }
    }
}
