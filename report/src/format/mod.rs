//! Formats: one file each.

use std::collections::BTreeMap;
use std::io;

use drift::summary::{service_name, type_name};
use drift::{Question, Verdict};
use model::{Coverage, Finding, Kind, ListStatus, PlanLook, Precision, ProviderConfigAddress, Tier};

use crate::Values;
use crate::redact::{self, Shown};
use crate::sheet::Sheet;
use crate::text::{count, escape_controls, shorten};

pub mod adopt;
mod comment;
pub mod explain;
pub mod github;
pub mod gitlab;
mod groups;
mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod page;
pub mod remedies;
pub mod sarif;
pub mod summary;
pub mod table;
pub mod terminal;

/// The formats of a verdict, and of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For a person at a terminal.
    Terminal,
    /// For a program: `driftmgr.drift/v1` or `driftmgr.check/v1`.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Annotations of a GitHub workflow.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit, for the test reports of any CI.
    Junit,
    /// GitLab's code quality report.
    Gitlab,
    /// The counts of GitLab's Terraform widget.
    GitlabTerraform,
    /// One page for a browser.
    Html,
}

/// Says what a format is called and good for.
#[derive(Clone, Copy, Debug)]
pub struct FormatRow {
    /// The format.
    pub format: Format,
    /// Its word in the `--format` option.
    pub word: &'static str,
    /// What it is, as a help text.
    pub about: &'static str,
}

impl Format {
    /// Lists every format, in the order of the documentation.
    pub const TABLE: &'static [FormatRow] = &[
        FormatRow { format: Self::Terminal, word: "terminal", about: "For people" },
        FormatRow { format: Self::Json, word: "json", about: "One document with a schema name and version" },
        FormatRow { format: Self::Markdown, word: "markdown", about: "For a pull request's comment" },
        FormatRow {
            format: Self::Github,
            word: "github",
            about: "Annotations of a GitHub workflow, and the summary of its step",
        },
        FormatRow { format: Self::Sarif, word: "sarif", about: "SARIF 2.1.0, for code scanning" },
        FormatRow { format: Self::Junit, word: "junit", about: "JUnit, for test reports" },
        FormatRow { format: Self::Gitlab, word: "gitlab", about: "GitLab's code quality report" },
        FormatRow {
            format: Self::GitlabTerraform,
            word: "gitlab-terraform",
            about: "The counts of GitLab's Terraform widget",
        },
        FormatRow { format: Self::Html, word: "html", about: "One page for a browser, which loads nothing" },
    ];

    /// Finds what a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.word == word).map(|row| row.format)
    }
}

/// How to write for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Which values to show.
    pub values: Values,
    /// Whether to use colours.
    pub color: bool,
    /// How many columns there are.
    pub width: usize,
    /// What findings of one kind are grouped by.
    pub group_by: GroupBy,
    /// How many findings of a group, and groups of a kind, are shown; `None` for all.
    pub top: Option<usize>,
    /// What a person does to see what was cut, as a clause: "--all shows them".
    pub see_all: String,
    /// What a person does to see the differences that are no drift, as a clause; empty where nothing can be done.
    pub see_tiers: String,
    /// Tells apart the comments of several runs on one pull request: a root, or empty.
    pub marker: String,
    /// The most characters a Markdown report may have.
    pub budget: usize,
    /// The most bytes a Markdown report may have.
    pub budget_bytes: usize,
}

impl Style {
    /// Gives the style of a report without colours, 100 columns wide.
    pub fn plain() -> Self {
        Self {
            values: Values::Safe,
            color: false,
            width: 100,
            group_by: GroupBy::Type,
            top: Some(10),
            see_all: "--format json shows them".to_owned(),
            see_tiers: String::new(),
            marker: String::new(),
            budget: markdown::BUDGET,
            budget_bytes: markdown::BUDGET_BYTES,
        }
    }
}

/// Writes what was read back from a document, in any format but that.
pub(crate) fn write_sheet(sheet: &Sheet, format: Format, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Terminal => page::write(sheet, style, out),
        Format::Json => Err(io::Error::other("a document is written from what it is about")),
        Format::Markdown => comment::write(sheet, style, out),
        Format::Github => github::write(sheet, style, out),
        Format::Sarif => sarif::write(sheet, style, out),
        Format::Junit => junit::write(sheet, style, out),
        Format::Gitlab => gitlab::write(sheet, style, out),
        Format::GitlabTerraform => gitlab::write_counts(sheet, style, out),
        Format::Html => html::write(sheet, style, out),
    }
}

/// What findings of one kind are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The Terraform type.
    Type,
    /// The service of the cloud.
    Service,
    /// The account.
    Account,
    /// The region.
    Region,
    /// The value of the tag with this key.
    Tag(String),
}

impl GroupBy {
    /// Reads `type`, `service`, `account`, `region` or `tag:KEY`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "type" => Some(Self::Type),
            "service" => Some(Self::Service),
            "account" => Some(Self::Account),
            "region" => Some(Self::Region),
            _ => word.strip_prefix("tag:").filter(|key| !key.is_empty()).map(|key| Self::Tag(key.to_owned())),
        }
    }

    /// Gives the group of a finding.
    pub(crate) fn of(&self, finding: &Finding, values: Values) -> String {
        let name = match self {
            Self::Type => type_name(finding),
            Self::Service => finding.native_type.as_ref().map(service_name),
            Self::Account => finding.account.as_ref().map(model::AccountId::as_str),
            Self::Region => Some(finding.region.as_ref().map_or("global", model::Region::as_str)),
            Self::Tag(key) => {
                let value = finding.tags.get(key);
                return match value.map(|value| values.of_text(value)) {
                    Some(Some(value)) => format!("{key} = {value}"),
                    Some(None) => format!("{key} (value not shown)"),
                    None => format!("without {key}"),
                };
            }
        };
        name.unwrap_or("(unknown)").to_owned()
    }
}

/// The findings of one kind that are shown, in groups, the largest first.
pub(crate) struct Section<'a> {
    pub(crate) kind: Kind,
    pub(crate) n_findings: usize,
    pub(crate) groups: Vec<(String, Vec<&'a Finding>)>,
}

/// Groups what is shown; what is undetermined has a place of its own in every format.
pub(crate) fn sections<'a>(findings: &'a [Finding], style: &Style) -> Vec<Section<'a>> {
    let mut by_kind: BTreeMap<(bool, Kind), BTreeMap<String, Vec<&Finding>>> = BTreeMap::new();
    let is_shown = |finding: &&Finding| {
        finding.kind != Kind::Undetermined && finding.ignored.is_none() && finding.folded.is_none()
    };
    let failing: std::collections::BTreeSet<Kind> =
        findings.iter().filter(|finding| finding.fails).map(|finding| finding.kind).collect();
    for finding in findings.iter().filter(is_shown) {
        let groups = by_kind.entry((!failing.contains(&finding.kind), finding.kind)).or_default();
        groups.entry(style.group_by.of(finding, style.values)).or_default().push(finding);
    }
    let section = |((_, kind), groups): ((bool, Kind), BTreeMap<String, Vec<&'a Finding>>)| {
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, findings)| std::cmp::Reverse(findings.len()));
        Section { kind, n_findings: groups.iter().map(|(_, findings)| findings.len()).sum(), groups }
    };
    by_kind.into_iter().map(section).collect()
}

/// Says in a few words what came out.
pub(crate) fn headline(verdict: &Verdict) -> String {
    let asks = if verdict.question == Question::Unmanaged { "unmanaged resources" } else { "drift" };
    if model::diagnostic::has_errors(&verdict.diagnostics) {
        return "Nothing was judged, because of an error".to_owned();
    }
    let found_nothing = verdict.summary.by_kind.keys().all(|kind| *kind == Kind::Undetermined);
    match (verdict.summary.n_failing, verdict.is_complete) {
        (0, true) if found_nothing => format!("No {asks} found"),
        (0, false) if found_nothing => format!("No {asks} found, but not everything was seen"),
        (0, true) => "Nothing found that fails".to_owned(),
        (0, false) => "Nothing found that fails, but not everything was seen".to_owned(),
        (1, _) => "1 finding fails".to_owned(),
        (n_failing, _) => format!("{n_failing} findings fail"),
    }
}

/// Says of each provider configuration how its instances were looked at, the largest first.
///
/// Several states may have one configuration of the same name: they count together.
pub(crate) fn configurations(coverage: &Coverage) -> Vec<String> {
    let mut by_name: BTreeMap<(&str, Option<&str>, Precision), Looked> = BTreeMap::new();
    for part in &coverage.configurations {
        let name = (part.provider.as_str(), part.provider_version.as_deref(), part.precision);
        let looked = by_name.entry(name).or_default();
        looked.instances += part.n_instances;
        looked.checked += part.n_checked;
        looked.calls += part.calls.values().sum::<u64>();
    }
    let mut rows: Vec<_> = by_name.into_iter().filter(|(_, looked)| looked.instances > 0).collect();
    rows.sort_by_key(|(_, looked)| std::cmp::Reverse(looked.instances));
    let row = |((name, version, precision), looked): ((&str, Option<&str>, Precision), Looked)| {
        let name = escape_controls(name).into_owned();
        let name = name.parse::<ProviderConfigAddress>().map_or(name, |address| short_name(&address));
        let seen = format!("{} of {}", looked.checked, count(looked.instances, "instance"));
        match precision {
            Precision::Provider => {
                let version = version.map_or_else(String::new, |version| format!(" {}", escape_controls(version)));
                let calls = count(looked.calls, "call");
                format!("provider {name}{version}: {seen}, {calls}")
            }
            Precision::Inventory => format!("inventory for {name}: {seen}"),
        }
    };
    coverage.plan.iter().map(plan).chain(rows.into_iter().map(row)).collect()
}

/// Says what a plan's refresh is good for.
fn plan(look: &PlanLook) -> String {
    let made = match look.made_at {
        Some(at) => format!(" at {at:.0}"),
        None => " at a time that it does not tell".to_owned(),
    };
    let version = match look.terraform_version.as_str() {
        "" => String::new(),
        version => format!(" by version {}", escape_controls(version)),
    };
    let doubt = if look.is_surely_refreshed { "" } else { ", if it was made with one" };
    format!("seen by the refresh of the plan, made{made}{version}{doubt}")
}

/// Says how many differences were folded away because they are no drift, and of which tiers; `None` where there are none.
pub(crate) fn noise(verdict: &Verdict) -> Option<String> {
    let is_noise =
        |finding: &&Finding| finding.kind == Kind::Changed && finding.folded.is_some() && finding.ignored.is_none();
    let mut by_tier: BTreeMap<Tier, u64> = BTreeMap::new();
    let noise: Vec<&Finding> = verdict.findings.iter().filter(is_noise).collect();
    for difference in noise.iter().flat_map(|finding| &finding.attributes) {
        *by_tier.entry(difference.tier).or_default() += 1;
    }
    let n_differences: u64 = by_tier.values().sum();
    if n_differences == 0 {
        return None;
    }
    let mut tiers: Vec<_> = by_tier.into_iter().collect();
    tiers.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let tiers: Vec<String> =
        tiers.iter().map(|(tier, number)| format!("{number} {}", tier.as_str().replace('_', " "))).collect();
    let verb = if n_differences == 1 { "is" } else { "are" };
    Some(format!(
        "{} of {} that {verb} no drift: {}",
        count(n_differences, "difference"),
        count(noise.len() as u64, "instance"),
        tiers.join(", ")
    ))
}

/// Says what providers were asked to list, and what that gave; `None` where they were not asked.
pub(crate) fn lists(coverage: &Coverage) -> Option<String> {
    let asked = || coverage.lists.iter().filter(|outcome| outcome.status != ListStatus::NotListed);
    let n_asked = asked().count() as u64;
    if n_asked == 0 {
        return None;
    }
    let n_ended = asked().filter(|outcome| outcome.status == ListStatus::Listed).count();
    let n_objects = asked().map(|outcome| outcome.n_objects).sum();
    let n_calls = asked().flat_map(|outcome| outcome.calls.values()).sum();
    let (n_asked, n_objects) = (count(n_asked, "type"), count(n_objects, "object"));
    Some(format!("lists of providers: {n_ended} of {n_asked}, {n_objects}, {}", count(n_calls, "call")))
}

/// How the instances of one provider configuration were looked at.
#[derive(Default)]
struct Looked {
    instances: u64,
    checked: u64,
    calls: u64,
}

/// Names a provider configuration as people do: `hashicorp/aws.us_east_1`.
fn short_name(address: &ProviderConfigAddress) -> String {
    let provider = address.provider.to_string();
    let provider = ["registry.terraform.io/", "registry.opentofu.org/"]
        .iter()
        .find_map(|host| provider.strip_prefix(host))
        .unwrap_or(&provider);
    let module = if address.module.is_root() { String::new() } else { format!("{}.", address.module) };
    let alias = address.alias.as_ref().map_or_else(String::new, |alias| format!(".{alias}"));
    let key = address.key.as_ref().map_or_else(String::new, ToString::to_string);
    format!("{module}{provider}{alias}{key}")
}

/// Gives the title of a kind.
pub(crate) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Changed => "Changed",
        Kind::Missing => "Missing",
        Kind::Unmanaged => "Unmanaged",
        Kind::Pending => "Pending",
        Kind::Stale => "Stale state",
        Kind::Collision => "Collisions",
        Kind::Orphan => "Orphans",
        Kind::PendingDestroy => "Pending removal",
        Kind::Dangling => "Dangling",
        Kind::NotImported => "Not imported",
        Kind::DoubleOwner => "Owned twice",
        Kind::ManagedElsewhere => "Managed elsewhere",
        Kind::Undetermined => "Undetermined",
    }
}

/// Gives a kind as it follows a number.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::NotImported => "not imported",
        Kind::DoubleOwner => "owned twice",
        Kind::ManagedElsewhere => "managed elsewhere",
        Kind::PendingDestroy => "pending removal",
        Kind::Stale => "stale",
        kind => kind.as_str(),
    }
}

/// Names what a finding is about: its address, else its id, ARN or name.
pub(crate) fn subject(finding: &Finding) -> String {
    match &finding.address {
        Some(address) => address.with_deposed(finding.deposed.as_ref()),
        None => {
            let id = finding.id.as_ref().map(model::ImportId::as_str);
            id.or(finding.arn.as_deref()).or(finding.name.as_deref()).unwrap_or("(without id)").to_owned()
        }
    }
}

/// Says where an object lies.
pub(crate) fn place(finding: &Finding) -> String {
    let account = finding.account.as_ref().map(model::AccountId::as_str);
    match (account, finding.region.as_ref().map(model::Region::as_str)) {
        (Some(account), Some(region)) => format!("{account}/{region}"),
        (Some(account), None) => account.to_owned(),
        (None, Some(region)) => region.to_owned(),
        (None, None) => String::new(),
    }
}

/// Writes one side of a difference, so long at most.
pub(crate) fn side(
    difference: &model::AttributeDifference,
    value: Option<&cty::Value>,
    values: Values,
    columns: usize,
) -> String {
    match values.of(difference, value) {
        Shown::Absent => "(none)".to_owned(),
        Shown::Hidden => "(not shown)".to_owned(),
        Shown::Sensitive => "(sensitive)".to_owned(),
        Shown::Value(value) => shorten(&escape_controls(&value.to_string()), columns).into_owned(),
    }
}

/// Writes the path of a difference.
pub(crate) fn path(difference: &model::AttributeDifference) -> String {
    escape_controls(&redact::path(&difference.path).to_string()).into_owned()
}

/// Names the remedies of a finding, the usual one first.
pub(crate) fn remedies(finding: &Finding) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = finding
        .remedies
        .iter()
        .map(|remedy| match remedy {
            model::Remedy::Import { .. } => "import it",
            model::Remedy::Forget { .. } => "forget it with a `removed` block",
            model::Remedy::UpdateCode { .. } => "accept it into the code",
            model::Remedy::Apply { .. } => "apply",
            model::Remedy::Refresh { .. } => "apply with -refresh-only",
            model::Remedy::Move { .. } => "write a `moved` block",
            model::Remedy::Baseline { .. } => "put it into the baseline",
        })
        .collect();
    words.dedup();
    words
}

/// Says what a remedy does, by its word in a document.
pub(crate) fn remedy_words(action: &str) -> Option<&'static str> {
    Some(match action {
        "import" => "import it",
        "forget" => "forget it with a `removed` block",
        "update_code" => "accept it into the code",
        "apply" => "apply",
        "refresh" => "apply with -refresh-only",
        "move" => "write a `moved` block",
        "baseline" => "put it into the baseline",
        _ => return None,
    })
}

/// Gives the title of a kind where it is about one thing.
pub(crate) fn title_of_one(kind: Kind) -> &'static str {
    match kind {
        Kind::Orphan => "Orphan",
        Kind::Collision => "Collision",
        kind => title(kind),
    }
}

/// Says how a finding meets the change.
pub(crate) fn impact_sentence(impact: model::Impact) -> &'static str {
    match impact {
        model::Impact::Destroys => "This change destroys it.",
        model::Impact::Collides => "This change sets what somebody else changed meanwhile.",
        model::Impact::Reverts => "Applying this change undoes it.",
        model::Impact::Touches => "This change is about the same instance.",
    }
}
