//! Compares what was evaluated with what terraform planned, leaf by leaf.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What became of the leaves of one root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    /// Leaves that are known, and as terraform has them.
    pub n_known: usize,
    /// Leaves that are not known.
    pub n_unknown: usize,
    /// Leaves that are not known, of which terraform does not know the value either.
    pub n_unknown_to_both: usize,
    /// What is wrong: one line each.
    pub wrong: Vec<String>,
    /// What the provider plans otherwise than the code says, as it does when it is asked to plan what was evaluated: one line
    /// each.
    pub explained: Vec<String>,
    /// How many of those are not written: the provider fills them in.
    pub n_filled_in: usize,
    /// How often each reason makes a leaf unknown that terraform knows.
    pub reasons: BTreeMap<String, usize>,
}

impl Score {
    /// Adds what became of another root.
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_known += other.n_known;
        self.n_unknown += other.n_unknown;
        self.n_unknown_to_both += other.n_unknown_to_both;
        self.n_filled_in += other.n_filled_in;
        self.wrong.extend_from_slice(&other.wrong);
        self.explained.extend_from_slice(&other.explained);
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
    }

    /// Returns how many leaves that are written are known, and are what terraform hands to the provider.
    fn n_right(&self) -> usize {
        self.n_known + self.explained.len() - self.n_filled_in
    }

    /// Returns the share of leaves known among those terraform knows.
    pub(crate) fn share(&self) -> f64 {
        let n_known = self.n_right() as f64;
        let n_open = (self.n_unknown - self.n_unknown_to_both) as f64;
        if n_known + n_open == 0.0 { 1.0 } else { n_known / (n_known + n_open) }
    }

    /// Returns the number of leaves.
    pub(crate) fn n_leaves(&self) -> usize {
        self.n_right() + self.n_unknown
    }

    /// Returns the share of leaves known among all.
    pub(crate) fn share_of_all(&self) -> f64 {
        let n_known = self.n_right() as f64;
        if self.n_leaves() == 0 { 1.0 } else { n_known / self.n_leaves() as f64 }
    }
}

/// Compares the values of a root with its plan; from the code alone, where the score with answers is given: differences that
/// are explained there are explained here too.
pub(crate) fn compare(evaluated: &Value, plan: &Value, answered: Option<&Score>) -> Score {
    let mut score = Score::default();
    let planned = planned_instances(plan);
    let mut seen = BTreeSet::new();
    let undetermined: Vec<(&str, &str)> =
        list(&evaluated["undetermined"]).map(|entry| (text(&entry["address"]), text(&entry["reason"]))).collect();
    for instance in list(&evaluated["instances"]) {
        let address = text(&instance["address"]);
        seen.insert(address);
        if let Some(error) = instance["error"].as_str() {
            score.wrong.push(format!("{address}: {error}"));
            continue;
        }
        for diagnostic in list(&instance["diagnostics"]) {
            score.wrong.push(format!("{address}: {}", text(diagnostic)));
        }
        let Some(theirs) = planned.get(address) else {
            score.wrong.push(format!("{address}: terraform has no such instance"));
            continue;
        };
        let unknown: Vec<(&str, &str)> =
            list(&instance["unknown"]).map(|entry| (text(&entry[0]), text(&entry[1]))).collect();
        // A data source gives what was read, with whatever it fills in; it is not planned.
        let skips_nulls = theirs.is_read;
        let mut walk = Walk {
            score: &mut score,
            address,
            unknown: &unknown,
            skips_nulls,
            is_code_alone: answered.is_some(),
            found: Vec::new(),
        };
        walk.leaf(&instance["config"], theirs.after, theirs.unknown, "");
        let found = walk.found;
        for (path, ours, theirs_there) in found {
            let line = format!("{address} {path}: evaluated {ours}, planned {theirs_there}");
            // Null is a plan's answer only where there is a plan.
            let is_planned = instance["planned"].is_object();
            let is_same_plan = ancestors(&path).any(|path| {
                let [again, theirs, unknown] =
                    [&instance["planned"], theirs.after, theirs.unknown].map(|of| at(of, path));
                is_same(&again, &theirs, &unknown)
            });
            if (is_planned && is_same_plan) || answered.is_some_and(|answered| answered.explained.contains(&line)) {
                if ours == "null" {
                    score.n_filled_in += 1;
                }
                score.explained.push(line);
            } else {
                score.wrong.push(line);
            }
        }
    }
    for (address, theirs) in &planned {
        if seen.contains(address.as_str()) {
            continue;
        }
        let of = |prefix: &str| {
            address.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        };
        match undetermined.iter().find(|(prefix, _)| of(prefix)) {
            Some((_, reason)) => {
                score.n_unknown += 1;
                *score.reasons.entry(format!("instances: {}", general(reason))).or_default() += 1;
            }
            None if theirs.is_deleted => {}
            None => score.wrong.push(format!("{address}: terraform has this instance, and it was not found")),
        }
    }
    outputs(evaluated, plan, &mut score);
    score
}

/// Compares the values of expressions, by what they are called, with what the console printed for them.
pub(crate) fn compare_console(evaluated: &Value, printed: &BTreeMap<String, Value>) -> Score {
    let mut score = Score::default();
    for (name, theirs) in printed {
        let mut parts = name.splitn(2, '.');
        let kind = match parts.next() {
            Some("local") => "locals",
            Some("var") => "variables",
            _ => continue,
        };
        let ours = &evaluated["modules"][""][kind][parts.next().unwrap_or_default()];
        one_value(&mut score, name, ours, theirs, &Value::Bool(false));
    }
    score
}

fn outputs(evaluated: &Value, plan: &Value, score: &mut Score) {
    let changes = plan["output_changes"].as_object();
    for (name, change) in changes.into_iter().flatten() {
        let ours = &evaluated["modules"][""]["outputs"][name];
        if change["actions"][0] == "delete" {
            continue;
        }
        one_value(score, &format!("output {name}"), ours, &change["after"], &change["after_unknown"]);
    }
}

fn one_value(score: &mut Score, name: &str, ours: &Value, theirs: &Value, theirs_unknown: &Value) {
    for diagnostic in list(&ours["diagnostics"]) {
        score.wrong.push(format!("{name}: {}", text(diagnostic)));
    }
    let unknown: Vec<(&str, &str)> = list(&ours["unknown"]).map(|entry| (text(&entry[0]), text(&entry[1]))).collect();
    let mut walk =
        Walk { score, address: name, unknown: &unknown, skips_nulls: false, is_code_alone: false, found: Vec::new() };
    walk.leaf(&ours["value"], theirs, theirs_unknown, "");
    let found = walk.found;
    for (path, ours, theirs) in found {
        score.wrong.push(format!("{name} {path}: evaluated {ours}, terraform has {theirs}"));
    }
}

struct Planned<'p> {
    after: &'p Value,
    unknown: &'p Value,
    is_deleted: bool,
    /// Whether it is a data source, read already.
    is_read: bool,
}

fn planned_instances(plan: &Value) -> BTreeMap<String, Planned<'_>> {
    let mut planned = BTreeMap::new();
    let mut modules = vec![&plan["prior_state"]["values"]["root_module"]];
    while let Some(module) = modules.pop() {
        modules.extend(list(&module["child_modules"]));
        for resource in list(&module["resources"]).filter(|resource| resource["mode"] == "data") {
            let values =
                Planned { after: &resource["values"], unknown: &Value::Bool(false), is_deleted: false, is_read: true };
            planned.insert(text(&resource["address"]).to_owned(), values);
        }
    }
    for entry in list(&plan["resource_changes"]) {
        let change = &entry["change"];
        let actions: Vec<&str> = list(&change["actions"]).map(text).collect();
        let is_deleted = actions == ["delete"] || actions == ["forget"];
        let values = Planned { after: &change["after"], unknown: &change["after_unknown"], is_deleted, is_read: false };
        if entry["deposed"].is_null() {
            planned.insert(text(&entry["address"]).to_owned(), values);
        }
    }
    planned
}

struct Walk<'w> {
    score: &'w mut Score,
    address: &'w str,
    unknown: &'w [(&'w str, &'w str)],
    /// Whether what is not written is not judged here.
    skips_nulls: bool,
    /// Whether nothing was answered.
    is_code_alone: bool,
    /// What differs: path, ours, theirs.
    found: Vec<(String, String, String)>,
}

impl Walk<'_> {
    fn leaf(&mut self, ours: &Value, theirs: &Value, theirs_unknown: &Value, path: &str) {
        let is_unknown_there = theirs_unknown == &Value::Bool(true);
        if is_unknown(ours) {
            self.score.n_unknown += 1;
            if is_unknown_there || contains_true(theirs_unknown) {
                self.score.n_unknown_to_both += 1;
            } else {
                *self.score.reasons.entry(self.reason(path)).or_default() += 1;
            }
            return;
        }
        if ours.is_null() {
            // What is not written is left out, so this is a claim that there is nothing.
            let is_nothing = theirs.is_null() || theirs.as_array().is_some_and(Vec::is_empty);
            if !self.skips_nulls && (is_unknown_there || !is_nothing) {
                self.differ(path, ours, theirs, is_unknown_there);
            }
            return;
        }
        if let Some(of) = ours.get("$").filter(|tag| *tag == "set").and_then(|_| ours["of"].as_array()) {
            self.set(ours, of, theirs, theirs_unknown, path);
            return;
        }
        match ours {
            Value::Object(entries) => {
                if is_unknown_there || !theirs.is_object() {
                    // An object of which nothing is written says nothing.
                    if entries.values().any(|value| !value.is_null()) {
                        self.differ(path, ours, theirs, is_unknown_there);
                    }
                    return;
                }
                for (name, ours) in entries {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.leaf(ours, &theirs[name], &theirs_unknown[name], &path);
                }
            }
            Value::Array(elements) => {
                let n_theirs = theirs.as_array().map_or(0, Vec::len);
                let n_unknown = theirs_unknown.as_array().map_or(0, Vec::len);
                if is_unknown_there
                    || (theirs.as_array().is_none() && n_unknown == 0)
                    || elements.len() != n_theirs.max(n_unknown)
                {
                    self.differ(path, ours, theirs, is_unknown_there);
                    return;
                }
                if elements.is_empty() {
                    self.score.n_known += 1;
                }
                for (index, ours) in elements.iter().enumerate() {
                    self.leaf(ours, &theirs[index], &theirs_unknown[index], &format!("{path}[{index}]"));
                }
            }
            _ if is_unknown_there || !is_equal(ours, theirs) => self.differ(path, ours, theirs, is_unknown_there),
            _ => self.score.n_known += 1,
        }
    }

    /// An element of a set counts as right where one of theirs has all that is known of it.
    fn set(&mut self, whole: &Value, ours: &[Value], theirs: &Value, theirs_unknown: &Value, path: &str) {
        let is_unknown_there = theirs_unknown == &Value::Bool(true);
        let none = Vec::new();
        let theirs_elements = theirs.as_array().unwrap_or(&none);
        let unknown_elements = theirs_unknown.as_array().unwrap_or(&none);
        if is_unknown_there || (theirs.is_null() && unknown_elements.is_empty()) {
            self.differ(path, whole, theirs, is_unknown_there);
            return;
        }
        if ours.is_empty() {
            if theirs_elements.is_empty() && unknown_elements.is_empty() {
                self.score.n_known += 1;
            } else {
                self.differ(path, whole, theirs, false);
            }
            return;
        }
        let n_theirs = theirs_elements.len().max(unknown_elements.len());
        let mut free: Vec<usize> = (0..n_theirs).collect();
        for (index, element) in ours.iter().enumerate() {
            let fits = |other: usize, skips_nulls: bool| {
                let mut score = Score::default();
                let mut walk = Walk {
                    score: &mut score,
                    address: "",
                    unknown: &[],
                    skips_nulls,
                    is_code_alone: self.is_code_alone,
                    found: Vec::new(),
                };
                let null = Value::Null;
                let theirs = theirs_elements.get(other).unwrap_or(&null);
                walk.leaf(element, theirs, unknown_elements.get(other).unwrap_or(&null), "");
                walk.found.is_empty()
            };
            // What a provider fills into an element that is not known whole is judged where the plan's answers make it known.
            let skips_nulls = self.skips_nulls || (self.is_code_alone && contains_unknown(element));
            let exact = free.iter().position(|other| fits(*other, self.skips_nulls));
            let found = exact.or_else(|| free.iter().position(|other| fits(*other, skips_nulls)));
            let path = format!("{path}[{index}]");
            match found {
                Some(position) => {
                    let other = free.remove(position);
                    let outer = std::mem::replace(&mut self.skips_nulls, skips_nulls);
                    let null = Value::Null;
                    let theirs = theirs_elements.get(other).unwrap_or(&null);
                    self.leaf(element, theirs, unknown_elements.get(other).unwrap_or(&null), &path);
                    self.skips_nulls = outer;
                }
                None => self.differ(&path, element, theirs, false),
            }
        }
        let is_open = ours.iter().any(contains_unknown);
        if !free.is_empty() && !is_open {
            self.differ(path, whole, theirs, false);
        }
    }

    fn differ(&mut self, path: &str, ours: &Value, theirs: &Value, is_unknown_there: bool) {
        let theirs = if is_unknown_there { "an unknown value".to_owned() } else { short(theirs) };
        self.found.push((path.to_owned(), short(ours), theirs));
    }

    fn reason(&self, path: &str) -> String {
        let exact = self.unknown.iter().find(|(place, _)| place.trim_start_matches('.') == path);
        let found = exact.or_else(|| {
            let first = path.split(['.', '[']).next().unwrap_or_default();
            self.unknown.iter().find(|(place, _)| place.trim_start_matches('.').starts_with(first))
        });
        match found {
            Some((_, reason)) => general(reason),
            None => format!("no reason is given ({})", self.address),
        }
    }
}

/// Makes one reason of those that differ in names only.
fn general(reason: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in reason.split(' ') {
        let is_name = word.contains('.') && word.len() > 3 || word.contains('"') || word.contains('[');
        words.push(if is_name { "…" } else { word });
    }
    words.dedup_by(|one, other| one == other && *one == "…");
    words.join(" ")
}

fn is_unknown(value: &Value) -> bool {
    value.get("$").is_some_and(|tag| tag == "unknown")
}

fn contains_unknown(value: &Value) -> bool {
    match value {
        _ if is_unknown(value) => true,
        Value::Array(elements) => elements.iter().any(contains_unknown),
        Value::Object(entries) => entries.values().any(contains_unknown),
        _ => false,
    }
}

fn contains_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Array(elements) => elements.iter().any(contains_true),
        Value::Object(entries) => entries.values().any(contains_true),
        _ => false,
    }
}

fn is_equal(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        // The texts of one large number differ, and are read to within the last bit.
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= f64::EPSILON * ours.abs(),
        _ => ours == theirs,
    }
}

/// Tells whether a plan of what was evaluated is the plan of terraform.
fn is_same(again: &Value, theirs: &Value, theirs_unknown: &Value) -> bool {
    if is_unknown(again) || theirs_unknown == &Value::Bool(true) {
        return is_unknown(again) && theirs_unknown == &Value::Bool(true);
    }
    let again = if again.get("$").is_some_and(|tag| tag == "set") { &again["of"] } else { again };
    match again {
        Value::Array(elements) => {
            let n_theirs = [theirs, theirs_unknown].map(|of| of.as_array().map_or(0, Vec::len));
            elements.len() == n_theirs[0].max(n_theirs[1])
                && elements.iter().enumerate().all(|(n, again)| is_same(again, &theirs[n], &theirs_unknown[n]))
        }
        Value::Object(entries) => {
            let known = theirs.as_object().into_iter().flat_map(|entries| entries.keys());
            known.into_iter().all(|name| entries.contains_key(name))
                && entries.iter().all(|(name, again)| is_same(again, &theirs[name], &theirs_unknown[name]))
        }
        again => is_equal(again, theirs),
    }
}

/// Gives a path and all paths that lead to it, the longest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rfind(['.', '[']).map(|end| &path[..end]))
}

/// Follows a path that this module wrote.
fn at(value: &Value, path: &str) -> Value {
    let mut value = value;
    for step in path.split(['.', '[']) {
        if value.get("$").is_some_and(|tag| tag == "set") {
            value = &value["of"];
        }
        value = match step.strip_suffix(']').map(str::parse::<usize>) {
            Some(Ok(index)) => &value[index],
            _ => &value[step],
        };
    }
    value.clone()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 200 { text } else { format!("{}…", text.chars().take(200).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(instance: Value, change: Value) -> Score {
        let evaluated = json!({"instances": [instance]});
        compare(&evaluated, &json!({"resource_changes": [{"address": "a.b", "change": change}]}), None)
    }

    fn wrong(config: Value, after: Value, after_unknown: Value) -> usize {
        let instance = json!({"address": "a.b", "config": config});
        check(instance, json!({"actions": ["create"], "after": after, "after_unknown": after_unknown})).wrong.len()
    }

    #[test]
    fn what_is_the_same_is_right_and_what_differs_is_wrong() {
        assert_eq!(wrong(json!({"x": 1, "y": ["a"]}), json!({"x": 1.0, "y": ["a"], "z": true}), json!({})), 0);
        assert_eq!(wrong(json!({"x": 1}), json!({"x": 2}), json!({})), 1);
        assert_eq!(wrong(json!({"x": "1"}), json!({"x": 1}), json!({})), 1);
        assert_eq!(wrong(json!({"x": ["a"]}), json!({"x": ["a", "b"]}), json!({})), 1);
    }

    #[test]
    fn a_claim_that_nothing_is_written_can_be_wrong() {
        assert_eq!(wrong(json!({"x": null}), json!({"x": []}), json!({})), 0);
        assert_eq!(wrong(json!({"x": null}), json!({"x": "a"}), json!({})), 1);
    }

    #[test]
    fn what_terraform_does_not_know_nobody_may_claim() {
        assert_eq!(wrong(json!({"x": 1}), json!({}), json!({"x": true})), 1);
        assert_eq!(wrong(json!({"x": {"$": "unknown"}}), json!({"x": 1}), json!({})), 0);
    }

    #[test]
    fn elements_of_sets_are_told_by_what_is_known_of_them() {
        let set = |elements: Value| json!({"x": {"$": "set", "of": elements}});
        assert_eq!(wrong(set(json!(["b", "a"])), json!({"x": ["a", "b"]}), json!({})), 0);
        assert_eq!(wrong(set(json!(["c", "a"])), json!({"x": ["a", "b"]}), json!({})), 2);
        assert_eq!(
            wrong(set(json!([{"p": {"$": "unknown"}, "q": 2}])), json!({"x": [{"p": 1, "q": 2}]}), json!({})),
            0
        );
    }

    #[test]
    fn instances_must_be_those_of_the_plan() {
        let change = json!({"actions": ["create"], "after": {}, "after_unknown": {}});
        assert_eq!(check(json!({"address": "a.c", "config": {}}), change.clone()).wrong.len(), 2);
        let evaluated = json!({"instances": [], "undetermined": [{"address": "a.b", "reason": "nobody knows"}]});
        let plan = json!({"resource_changes": [{"address": "a.b[0]", "change": change}]});
        let score = compare(&evaluated, &plan, None);
        assert_eq!((score.wrong.len(), score.n_unknown), (0, 1));
    }

    #[test]
    fn only_the_same_plan_explains_a_difference() {
        let with_plan = |planned: Value| {
            let instance = json!({"address": "a.b", "config": {"x": "A"}, "planned": planned});
            check(instance, json!({"actions": ["create"], "after": {"x": "a"}, "after_unknown": {}}))
        };
        assert_eq!(with_plan(json!({"x": "a"})).wrong.len(), 0);
        assert_eq!(with_plan(json!({"x": "A"})).wrong.len(), 1);
        assert_eq!(with_plan(json!("the provider fails")).wrong.len(), 1);
    }
}
