//! Checks to report on, read from JSON: findings as the judge makes them, and a change that meets some of them.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::path::Path;

use cty::PathStep;
use drift::change::{self, RootChange, Touch, TouchKind};
use drift::{IgnoreRules, JudgeOptions, Question, Summary, Verdict, fails};
use model::{
    AttributeDifference, Cause, CauseKind, Coverage, Diagnostic, Finding, Fingerprint, InstanceAddress, Kind, Position,
    Precision, Remedy, Serial, Span, StateRef, Tier,
};
use report::{CheckReport, CheckedRootReport, DriftReport, Format, RevisionRef, Style, write_check, write_drift};
use serde_json::Value;

/// A check, as a whole.
pub(crate) struct CheckCase {
    pub(crate) input: Value,
    pub(crate) roots: Vec<RootCase>,
    diagnostics: Vec<Diagnostic>,
    ignore: IgnoreRules,
}

pub(crate) struct RootCase {
    input: Value,
    change: Option<RootChange>,
    owners: Vec<String>,
    n_aside: u64,
    outcome: Result<Verdict, String>,
    states: Vec<StateRef>,
}

/// Which part of a check is reported on.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) roots: Vec<usize>,
    /// `1/2`; `None` is the whole.
    pub(crate) shard: Option<String>,
    /// How many roots that the change does not meet belong to the part.
    pub(crate) n_unchanged: u64,
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}

fn path(steps: &Value) -> cty::Path {
    let step = |step: &Value| match step {
        Value::Object(names) => PathStep::GetAttr(names["attr"].as_str().expect("a name").into()),
        key => PathStep::Index(cty::json::decode_implied(key.to_string().as_bytes()).expect("a key")),
    };
    let steps = steps.as_array().expect("a path is a list");
    let first = PathStep::GetAttr(steps[0].as_str().expect("an attribute").into());
    std::iter::once(first).chain(steps[1..].iter().map(step)).collect()
}

fn span(value: &Value) -> Option<Span> {
    let line = number(value, "line")? as usize;
    let at = |column| Position { byte: 0, line, column };
    let file = text(value, "file").unwrap_or("main.tf").into();
    Some(Span { file, start: at(3), end: at(number(value, "end_column").unwrap_or(20) as usize) })
}

fn cause(value: &Value) -> Cause {
    let kind = CauseKind::from_word(text(value, "kind").expect("a kind")).expect("a kind of cause");
    Cause::new(kind, text(value, "detail").expect("a detail"))
}

fn difference(value: &Value) -> AttributeDifference {
    let kind = Kind::from_word(text(value, "kind").unwrap_or("changed")).expect("a kind");
    let tier = Tier::from_word(text(value, "tier").unwrap_or("declared")).expect("a tier");
    let is_marked = value.get("marked").is_some();
    let side = |name: &str| {
        let side = value.get(name)?;
        let side = cty::json::decode_implied(side.to_string().as_bytes()).expect("JSON is JSON");
        Some(if is_marked { side.mark_sensitive() } else { side })
    };
    AttributeDifference {
        is_security_relevant: value.get("security_relevant").is_some(),
        cause: text(value, "cause").map(str::to_owned),
        propagated_from: text(value, "propagated_from").map(|address| address.parse().expect("an address")),
        code: side("code"),
        state: side("state"),
        cloud: side("cloud"),
        source: span(value),
        is_sensitive: value.get("sensitive").is_some(),
        ..AttributeDifference::new(kind, path(&value["path"]), tier)
    }
}

fn finding(value: &Value, address: &str) -> Finding {
    let kind = Kind::from_word(text(value, "kind").expect("a kind")).expect("a kind");
    let address: Option<InstanceAddress> = (!address.is_empty()).then(|| address.parse().expect("an address"));
    let remedy = |word: &Value| {
        let address = address.clone().expect("what is remedied has an address");
        match word.as_str().expect("a word") {
            "apply" => Remedy::Apply { address },
            "refresh" => Remedy::Refresh { address },
            "forget" => Remedy::Forget { from: address.resource.clone() },
            "import" => Remedy::Import { to: address, id: "an-id".into() },
            word => panic!("{word} is no remedy here"),
        }
    };
    let attributes: Vec<AttributeDifference> = list(value, "attributes").map(difference).collect();
    let of_what =
        address.as_ref().map_or_else(|| text(value, "id").unwrap_or_default().to_owned(), ToString::to_string);
    Finding {
        severity: fails::severity(kind, &attributes),
        fingerprint: Fingerprint(format!("{kind}:{of_what}")),
        id: text(value, "id").map(Into::into),
        name: text(value, "name").map(str::to_owned),
        resource_type: address.as_ref().map(|address| address.resource.resource_type.clone()),
        account: Some(text(value, "account").unwrap_or("111111111111").into()),
        region: Some(text(value, "region").unwrap_or("eu-west-1").into()),
        precision: Some(Precision::Provider),
        source: span(value),
        ignored: text(value, "ignored").map(str::to_owned),
        folded: text(value, "folded").map(str::to_owned),
        cause: value.get("cause").map(cause),
        remedies: list(value, "remedies").map(remedy).collect(),
        attributes,
        address: address.clone(),
        ..Finding::new(kind, text(value, "reason").unwrap_or("It was found.").to_owned())
    }
}

fn touch(value: &Value, address: &str) -> Touch {
    let how = match text(value, "how").expect("how") {
        "creates" => TouchKind::Creates,
        "updates" => TouchKind::Updates,
        "replaces" => TouchKind::Replaces,
        "destroys" => TouchKind::Destroys,
        "forgets" => TouchKind::Forgets,
        "imports" => TouchKind::Imports,
        "moves" => TouchKind::Moves { from: text(value, "from").expect("from").parse().expect("an address") },
        other => panic!("{other} is nothing that a change does"),
    };
    Touch {
        address: address.parse().expect("an address"),
        how,
        paths: list(value, "paths").map(path).collect(),
        source: span(value),
        unsure: text(value, "unsure").map(str::to_owned),
    }
}

/// Gives what stands there once, or as often as `times` says, with `#` in its address as the number.
fn times(value: &Value) -> Vec<(Value, String)> {
    let address = text(value, "address").unwrap_or_default();
    match number(value, "times") {
        None => vec![(value.clone(), address.to_owned())],
        Some(times) => {
            (0..times).map(|number| (value.clone(), address.replace('#', &format!("{number:05}")))).collect()
        }
    }
}

impl RootCase {
    fn of(input: &Value) -> Self {
        let change = input.get("change").map(|change| RootChange {
            touches: list(change, "touches").flat_map(times).map(|(value, address)| touch(&value, &address)).collect(),
            causes: list(change, "causes").map(cause).collect(),
        });
        let states = list(input, "states")
            .map(|url| StateRef {
                url: url.as_str().expect("a URL").into(),
                workspace: text(input, "workspace").unwrap_or("default").into(),
                lineage: "1fdb2f3e-0000-4000-8000-000000000000".into(),
                serial: Serial(7),
            })
            .collect();
        let (outcome, n_aside) = match text(input, "error") {
            Some(error) => (Err(error.to_owned()), 0),
            None => {
                let (verdict, n_aside) = Self::judge(input, change.as_ref());
                (Ok(verdict), n_aside)
            }
        };
        let owners = list(input, "owners").filter_map(Value::as_str).map(str::to_owned).collect();
        Self { input: input.clone(), change, owners, n_aside, outcome, states }
    }

    fn judge(input: &Value, change: Option<&RootChange>) -> (Verdict, u64) {
        let mut findings: Vec<Finding> =
            list(input, "findings").flat_map(times).map(|(value, address)| finding(&value, &address)).collect();
        let options = JudgeOptions::for_question(Question::Drift);
        for finding in &mut findings {
            finding.fails = options.fail_on.fails(finding);
        }
        let n_undetermined = findings.iter().filter(|finding| finding.kind == Kind::Undetermined).count() as u64;
        let n_instances = number(input, "instances").unwrap_or(findings.len() as u64);
        let coverage =
            Coverage { n_instances, n_checked: n_instances - n_undetermined, n_undetermined, ..Coverage::default() };
        let mut verdict = Verdict {
            question: Question::Drift,
            summary: Summary::of(&findings, &coverage),
            findings,
            coverage,
            diagnostics: list(input, "diagnostics").map(diagnostic).collect(),
            as_of: Some("2026-06-01T11:00:00Z".parse().expect("a time")),
            rule_uses: Vec::new(),
            is_complete: n_undetermined == 0,
        };
        let n_aside = change.map_or(0, |change| change::judge(&mut verdict, change, &options).n_aside);
        (verdict, n_aside)
    }
}

fn diagnostic(value: &Value) -> Diagnostic {
    let (summary, detail) = (text(value, "summary").expect("a summary"), text(value, "detail").expect("a detail"));
    match text(value, "severity") {
        Some("error") => Diagnostic::error("a-code", summary, detail),
        _ => Diagnostic::warning("a-code", summary, detail),
    }
}

impl CheckCase {
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("check.json");
        let input = std::fs::read_to_string(&path).expect("every check has a check.json");
        Self::from_json(serde_json::from_str(&input).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    pub(crate) fn from_json(input: Value) -> Self {
        let mut roots: Vec<RootCase> = list(&input, "roots").map(RootCase::of).collect();
        roots.sort_by(|a, b| text(&a.input, "name").cmp(&text(&b.input, "name")));
        Self {
            roots,
            diagnostics: list(&input, "diagnostics").map(diagnostic).collect(),
            ignore: drift::ignore::parse(".driftmgrignore.yaml", "").0,
            input,
        }
    }

    pub(crate) fn whole(&self) -> Part {
        let n_unchanged = number(&self.input, "n_unchanged").unwrap_or_default();
        Part { roots: (0..self.roots.len()).collect(), shard: None, n_unchanged }
    }

    /// Writes the verdict of its first root module as `drift` does.
    pub(crate) fn render_drift(&self, format: Format, style: &Style) -> String {
        let root = &self.roots[0];
        let report = DriftReport {
            verdict: root.outcome.as_ref().expect("it has a verdict"),
            states: &root.states,
            root: text(&root.input, "name"),
            directory: text(&root.input, "directory"),
            ignore: &self.ignore,
        };
        let mut out = Vec::new();
        write_drift(&report, format, style, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("reports are text")
    }

    /// Writes a part of it.
    pub(crate) fn render(&self, part: &Part, format: Format, style: &Style) -> String {
        fn revision(value: &Value) -> Option<RevisionRef<'_>> {
            Some(RevisionRef { name: text(value, "name")?, commit: text(value, "commit")? })
        }
        let roots: Vec<CheckedRootReport<'_>> = part
            .roots
            .iter()
            .map(|position| {
                let root = &self.roots[*position];
                let directory = text(&root.input, "directory").expect("a directory");
                CheckedRootReport {
                    name: text(&root.input, "name").unwrap_or(directory),
                    directory,
                    workspace: text(&root.input, "workspace"),
                    owners: &root.owners,
                    why: text(&root.input, "why"),
                    change: root.change.as_ref(),
                    n_aside: root.n_aside,
                    report: root.outcome.as_ref().map_err(Clone::clone).map(|verdict| DriftReport {
                        verdict,
                        states: &root.states,
                        root: text(&root.input, "name"),
                        directory: Some(directory),
                        ignore: &self.ignore,
                    }),
                }
            })
            .collect();
        let whole = self.whole();
        let n_roots = number(&self.input, "n_roots").unwrap_or(self.roots.len() as u64 + whole.n_unchanged);
        let n_here = part.roots.len() as u64 + part.n_unchanged;
        let report = CheckReport {
            base: revision(&self.input["base"]),
            head: revision(&self.input["head"]),
            roots: &roots,
            n_roots,
            n_unchanged: part.n_unchanged,
            n_other_shards: n_roots - n_here,
            shards: part.shard.as_slice(),
            diagnostics: &self.diagnostics,
            at: "2026-06-01T12:00:00Z".parse().expect("a time"),
        };
        let mut out = Vec::new();
        write_check(&report, format, style, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("reports are text")
    }
}
