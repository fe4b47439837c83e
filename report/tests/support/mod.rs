//! Worlds to report on, read from JSON.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use drift::{Caller, Evidence, IgnoreRules, JudgeOptions, Question, RecordedAttributes, TypeMapping, Verdict};
use model::{
    Cause, CauseKind, Completeness, ObjectKey, RecordedInstance, RemoteObject, Scope, ScopeOutcome, ScopeStatus,
    Serial, Standing, StateRef,
};
use serde_json::Value;

pub(crate) struct World {
    pub(crate) input: Value,
    pub(crate) states: Vec<StateRef>,
    pub(crate) recorded: Vec<RecordedInstance>,
    attributes: Vec<BTreeMap<String, cty::Value>>,
    pub(crate) objects: Vec<RemoteObject>,
    pub(crate) scopes: Vec<ScopeOutcome>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) ignore: IgnoreRules,
}

impl RecordedAttributes for World {
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<cty::Value>>, Cause> {
        Ok(names.iter().map(|name| self.attributes[instance].get(*name).cloned()).collect())
    }

    fn all_attributes(&self, instance: usize) -> Result<cty::Value, Cause> {
        Ok(cty::Value::object(self.attributes[instance].clone()))
    }
}

/// Lists the folders of `tests/cases` or another such folder.
pub(crate) fn folders(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind);
    let entries = std::fs::read_dir(folder).expect("the cases exist");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    cases
}

/// Lists the lines of a comment that are markup: those outside fences, every one of which must end.
pub(crate) fn outside_fences(comment: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut fence: Option<&str> = None;
    for line in comment.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("diff")),
            None => lines.push(line),
        }
    }
    assert_eq!(fence, None, "a fence stays open");
    lines
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn texts(value: &Value, key: &str) -> Option<BTreeMap<String, String>> {
    let map = value.get(key)?.as_object()?;
    Some(map.iter().map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned())).collect())
}

fn attributes(value: &Value) -> BTreeMap<String, cty::Value> {
    let sensitive: Vec<&str> = list(value, "sensitive").filter_map(Value::as_str).collect();
    let Some(attributes) = value.get("attributes").and_then(Value::as_object) else { return BTreeMap::new() };
    let convert = |(name, value): (&String, &Value)| {
        let converted = cty::json::decode_implied(value.to_string().as_bytes()).expect("JSON is JSON");
        let marked = if sensitive.contains(&name.as_str()) { converted.mark_sensitive() } else { converted };
        (name.clone(), marked)
    };
    attributes.iter().map(convert).collect()
}

impl World {
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("world.json");
        let input = std::fs::read_to_string(&path).expect("every case has a world.json");
        Self::from_json(serde_json::from_str(&input).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    pub(crate) fn from_json(input: Value) -> Self {
        let account = |value: &Value| text(value, "account").unwrap_or("111111111111").into();
        let region = |value: &Value| match value.get("region") {
            None => Some("eu-west-1".into()),
            Some(region) => region.as_str().map(Into::into),
        };
        let scope = |value: &Value| Scope {
            cloud: "aws".into(),
            account: account(value),
            region: region(value),
            native_type: text(value, "native_type").expect("a native type").into(),
        };
        let at = |value: &Value, key: &str| text(value, key).unwrap_or("2026-06-01T11:00:00Z").parse().expect("a time");
        let cause = |value: &Value| {
            let kind = CauseKind::from_word(text(value, "kind").expect("a kind")).expect("a kind of cause");
            Cause::new(kind, text(value, "detail").expect("a detail"))
        };
        let state = |url: &Value| StateRef {
            url: url.as_str().expect("a URL").into(),
            workspace: "default".into(),
            lineage: "1fdb2f3e-0000-4000-8000-000000000000".into(),
            serial: Serial(7),
        };
        let mut states: Vec<StateRef> = list(&input, "states").map(state).collect();
        for (position, state) in states.iter_mut().enumerate() {
            state.workspace = if position == 0 { "default".into() } else { format!("w{position}").into() };
        }
        let recorded = |(position, value): (usize, &Value)| RecordedInstance {
            address: text(value, "address").expect("an address").parse().expect("an address"),
            deposed: text(value, "deposed").map(Into::into),
            is_tainted: false,
            provider: r#"provider["registry.terraform.io/hashicorp/aws"]"#.parse().expect("a provider"),
            id: text(value, "id").map(Into::into),
            import_id: None,
            arn: None,
            identity: None,
            account: Some(account(value)),
            region: region(value),
            state: value.get("state").and_then(Value::as_u64).unwrap_or(0) as usize,
            position,
        };
        let object = |value: &Value| RemoteObject {
            scope: scope(value),
            key: ObjectKey(text(value, "id").expect("an id").into()),
            resource_type: text(value, "type").map(Into::into),
            import_id: text(value, "id").map(Into::into),
            identity: None,
            arn: text(value, "arn").map(str::to_owned),
            name: text(value, "name").map(str::to_owned),
            tags: texts(value, "tags"),
            attributes: attributes(value),
            volatile: Vec::new(),
            parent: None,
            standing: match (text(value, "default"), text(value, "managed_by")) {
                (Some(reason), _) => Standing::Default(reason.to_owned()),
                (None, Some(by)) => {
                    Standing::ManagedElsewhere { by: by.to_owned(), evidence: "its tags say so".to_owned() }
                }
                (None, None) => Standing::Ordinary,
            },
            completeness: Completeness::Full,
            source: "ec2:DescribeVpcs".into(),
            fetched_at: at(value, "fetched_at"),
            cause: value.get("cause").map(cause),
        };
        let outcome = |value: &Value| ScopeOutcome {
            scope: scope(value),
            status: match text(value, "status") {
                None => ScopeStatus::Complete,
                Some("partial") => ScopeStatus::Partial,
                Some(_) => ScopeStatus::Failed,
            },
            causes: list(value, "causes").map(cause).collect(),
            n_objects: value.get("objects").and_then(Value::as_u64).unwrap_or(0),
            calls: BTreeMap::from([("ec2:DescribeVpcs".to_owned(), 1)]),
            started: at(value, "started"),
            finished: at(value, "finished"),
        };
        let (ignore, diagnostics) =
            drift::ignore::parse(".driftmgrignore.yaml", text(&input, "ignore").unwrap_or_default());
        assert_eq!(diagnostics, [], "the ignore file of a case is right");
        Self {
            states,
            recorded: list(&input, "recorded").enumerate().map(recorded).collect(),
            attributes: list(&input, "recorded").map(attributes).collect(),
            objects: list(&input, "objects").map(object).collect(),
            scopes: list(&input, "scopes").map(outcome).collect(),
            callers: list(&input, "callers")
                .map(|value| Caller { cloud: "aws".into(), profile: None, account: account(value) })
                .collect(),
            ignore,
            input,
        }
    }

    pub(crate) fn judge(&self) -> Verdict {
        let types = [
            ("aws_vpc", "aws.ec2.vpc"),
            ("aws_subnet", "aws.ec2.subnet"),
            ("aws_security_group", "aws.ec2.security_group"),
            ("aws_iam_role", "aws.iam.role"),
        ];
        let mapping = |native_type: &str| TypeMapping {
            cloud: "aws".into(),
            native_types: vec![native_type.into()],
            inline_in: Vec::new(),
        };
        let types = types.iter().map(|(name, native_type)| ((*name).into(), mapping(native_type))).collect();
        let question = match text(&self.input, "question") {
            None => Question::DriftAndUnmanaged,
            Some("drift") => Question::Drift,
            Some(_) => Question::Unmanaged,
        };
        let evidence = Evidence {
            states: &self.states,
            recorded: &self.recorded,
            attributes: self,
            types: &types,
            scopes: &self.scopes,
            callers: &self.callers,
            declared: None,
            unrecorded: &[],
            removed_by_change: &BTreeSet::new(),
            readings: &BTreeMap::new(),
            provider_uses: &[],
            ignore: &self.ignore,
        };
        let now = "2026-06-01T12:00:00Z".parse().expect("a time");
        let mut objects = self.objects.iter().cloned();
        drift::judge(&evidence, &mut objects, &JudgeOptions::for_question(question), now)
    }
}
