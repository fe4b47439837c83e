//! Compares what was reported with the truth: precision and recall per kind of finding.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// The kinds that a truth file tells of.
pub(crate) const KINDS: &[&str] = &["changed", "missing", "unmanaged", "managed_elsewhere"];

/// One object under the kind of its finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Judged {
    pub(crate) kind: String,
    pub(crate) resource_type: String,
    pub(crate) id: String,
}

/// How well one kind was judged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Score {
    pub(crate) n_expected: usize,
    pub(crate) n_reported: usize,
    pub(crate) n_right: usize,
    /// Expected, and not reported.
    pub(crate) overlooked: Vec<Judged>,
    /// Reported, and neither expected nor optional.
    pub(crate) invented: Vec<Judged>,
}

impl Score {
    pub(crate) fn precision(&self) -> f64 {
        if self.n_reported == 0 { 1.0 } else { self.n_right as f64 / self.n_reported as f64 }
    }

    pub(crate) fn recall(&self) -> f64 {
        if self.n_expected == 0 { 1.0 } else { self.n_right as f64 / self.n_expected as f64 }
    }
}

/// Reads the objects of some kinds out of a truth file.
pub(crate) fn truth(document: &Value, kinds: &[&str]) -> Result<BTreeSet<Judged>> {
    let mut judged = BTreeSet::new();
    for kind in kinds {
        let objects = document[kind].as_array().with_context(|| format!("the truth has no list {kind:?}"))?;
        for object in objects {
            judged.insert(Judged {
                kind: (*kind).to_owned(),
                resource_type: text(object, "type")?,
                id: text(object, "id")?,
            });
        }
    }
    Ok(judged)
}

/// Reads the findings of a `driftmgr.drift/v1` document: those of the kinds that a truth file tells of, and not folded.
pub(crate) fn reported(document: &Value) -> Result<BTreeSet<Judged>> {
    let findings = document["findings"].as_array().context("the report has no list \"findings\"")?;
    let mut judged = BTreeSet::new();
    for finding in findings {
        let kind = text(finding, "kind")?;
        // A default, or what a service made for itself, is folded away with its reason: nobody is asked to look at it.
        let is_folded = finding["folded"].is_object() || finding["folded"].is_string();
        if KINDS.contains(&kind.as_str()) && !is_folded {
            judged.insert(Judged { kind, resource_type: text(finding, "type")?, id: text(finding, "id")? });
        }
    }
    Ok(judged)
}

/// Scores one kind; objects that the truth calls optional count neither way.
pub(crate) fn score(
    kind: &str,
    expected: &BTreeSet<Judged>,
    optional: &BTreeSet<Judged>,
    reported: &BTreeSet<Judged>,
) -> Score {
    let is_optional = |judged: &Judged| {
        optional.iter().any(|object| object.resource_type == judged.resource_type && object.id == judged.id)
    };
    let expected: BTreeSet<&Judged> = expected.iter().filter(|judged| judged.kind == kind).collect();
    let reported: BTreeSet<&Judged> =
        reported.iter().filter(|judged| judged.kind == kind && !is_optional(judged)).collect();
    Score {
        n_expected: expected.len(),
        n_reported: reported.len(),
        n_right: expected.intersection(&reported).count(),
        overlooked: expected.difference(&reported).map(|judged| (*judged).clone()).collect(),
        invented: reported.difference(&expected).map(|judged| (*judged).clone()).collect(),
    }
}

fn text(object: &Value, name: &str) -> Result<String> {
    let text = object[name].as_str().with_context(|| format!("{name:?} is no text in {object}"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_score_counts_what_is_right_overlooked_and_invented_and_leaves_the_optional_out() {
        let document = json!({
            "missing": [{"type": "t", "id": "a"}, {"type": "t", "id": "b"}],
            "optional": [{"type": "t", "id": "o"}],
        });
        let report = json!({"findings": [
            {"kind": "missing", "type": "t", "id": "a"},
            {"kind": "missing", "type": "t", "id": "c"},
            {"kind": "missing", "type": "t", "id": "o"},
            {"kind": "missing", "type": "t", "id": "default", "folded": {"reason": "a default"}},
            {"kind": "undetermined", "type": "t", "id": null},
        ]});
        let expected = truth(&document, &["missing"]).expect("a truth");
        let optional = truth(&document, &["optional"]).expect("a truth");
        let score = score("missing", &expected, &optional, &reported(&report).expect("a report"));
        assert_eq!((score.n_expected, score.n_reported, score.n_right), (2, 2, 1));
        assert_eq!(score.overlooked[0].id, "b");
        assert_eq!(score.invented[0].id, "c");
        assert!((score.precision() - 0.5).abs() < f64::EPSILON && (score.recall() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_finding_without_an_id_is_an_error_and_not_a_miss() {
        assert!(reported(&json!({"findings": [{"kind": "missing", "type": "t", "id": null}]})).is_err());
    }
}
