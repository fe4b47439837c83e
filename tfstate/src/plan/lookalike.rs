//! What is taken for plan JSON and is something else: what it is, and the command that makes plan JSON.

use model::Diagnostic;

/// Says how plan JSON is made.
fn made_like(file: &str) -> String {
    let plan = if file == "-" || file.contains("://") { "plan.tfplan" } else { file };
    format!("Make the JSON of a saved plan with `terraform show -json {plan} > plan.json`, or with `tofu show -json`.")
}

/// Recognizes by its first bytes what cannot be plan JSON.
pub(super) fn recognize_bytes(prefix: &[u8], file: &str) -> Option<Diagnostic> {
    let not_json = |detail: &str| Diagnostic::error("plan-not-json", "This is not a plan in JSON", detail);
    let generic = made_like("plan.tfplan");
    let diagnostic = match prefix {
        [] => {
            not_json("The file is empty. The command that should have written it probably failed.").with_help(generic)
        }
        [b'P', b'K', 3 | 5, ..] => Diagnostic::error(
            "plan-file",
            "This is a saved plan, not its JSON",
            "The file is a zip archive, which is how `plan -out` saves a plan. Only the program that made it, with the \
             providers it used, can say what it holds.",
        )
        .with_help(made_like(file)),
        [0x1f, 0x8b, ..] => not_json("The file is a gzip stream.").with_help("Decompress it first: `gunzip -c FILE`."),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => not_json(
            "The file starts with a UTF-16 byte order mark: Windows PowerShell writes redirected output like that.",
        )
        .with_help("Write it again from another shell, or with `| Out-File -Encoding utf8NoBOM`."),
        prefix => match prefix.trim_ascii_start().first() {
            Some(b'{') => return None,
            Some(b'<') => not_json(
                "The file is an XML or HTML page, most likely the answer of a server that refused the request.",
            ),
            _ => not_json(
                "The file does not begin with `{`. It may be the text that `plan` or `show` prints for people, or a \
                 program around terraform printed a line before it.",
            )
            .with_help(generic),
        },
    };
    Some(diagnostic)
}

/// The top-level members that tell apart what a JSON document is.
#[derive(Clone, Debug, Default)]
pub(super) struct Markers {
    pub(super) is_event: bool,
    pub(super) is_encrypted: bool,
    pub(super) has_version: bool,
    pub(super) is_redacted: bool,
    pub(super) has_data: bool,
    pub(super) has_values: bool,
    pub(super) has_plan: bool,
}

impl Markers {
    pub(super) fn note(&mut self, name: &str) {
        match name {
            "@level" | "@message" => self.is_event = true,
            "encryption_version" | "encrypted_data" => self.is_encrypted = true,
            "version" | "lineage" | "serial" => self.has_version = true,
            "plan_format_version" => self.is_redacted = true,
            "data" => self.has_data = true,
            "values" => self.has_values = true,
            "planned_values" | "resource_changes" | "resource_drift" | "prior_state" | "configuration" => {
                self.has_plan = true;
            }
            _ => {}
        }
    }

    /// Says why the document is no plan; `None` where it is one.
    pub(super) fn objection(&self, format_version: &str) -> Option<Diagnostic> {
        let help = made_like("plan.tfplan");
        let diagnostic = if self.is_event {
            Diagnostic::error(
                "plan-event-stream",
                "This is the log of `plan -json`, not the plan",
                "Each line of the file is an event. They tell what changes, but no values.",
            )
            .with_help(format!("Save the plan with `terraform plan -out=plan.tfplan`. {help}"))
        } else if self.is_encrypted && format_version.is_empty() {
            Diagnostic::error(
                "plan-encrypted",
                "The plan is encrypted",
                "OpenTofu's encryption wrote the file; its content cannot be read without the key.",
            )
            .with_help("Let OpenTofu decrypt it: `tofu show -json plan.tfplan > plan.json`.")
        } else if self.is_redacted && format_version.is_empty() {
            Diagnostic::error(
                "plan-redacted",
                "This is the redacted plan of HCP Terraform",
                "It has a `plan_format_version`, as the answer of `…/json-output-redacted` has: values, prior state and \
                 configuration were taken out, so nothing can be compared.",
            )
            .with_help("Fetch `…/plans/PLAN/json-output` instead; that needs permission to read the state.")
        } else if format_version.is_empty() && self.has_version {
            Diagnostic::error(
                "plan-is-state",
                "This is a state, not a plan",
                "The document has the members of a state snapshot.",
            )
            .with_help("Compare a state with `driftmgr drift --state FILE`.")
            .with_help(help)
        } else if !format_version.is_empty() && !self.has_plan && self.has_values {
            Diagnostic::error(
                "plan-is-state",
                "This is a state, not a plan",
                "The document is what `show -json` prints where it is given no plan, or a state.",
            )
            .with_help(help)
        } else if format_version.is_empty() && self.has_data {
            Diagnostic::error(
                "plan-other-json",
                "This is JSON, but not a plan",
                "The document looks like an answer of HCP Terraform's API, which describes a plan or a run.",
            )
            .with_help("Fetch `…/plans/PLAN/json-output`: that is the plan itself.")
        } else if format_version.is_empty() || !self.has_plan {
            Diagnostic::error(
                "plan-other-json",
                "This is JSON, but not a plan",
                "The document lacks the members that every plan has.",
            )
            .with_help(help)
        } else {
            return None;
        };
        Some(diagnostic)
    }
}
