//! A small world to judge: states, objects and scopes, said in one line each.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Value};
use drift::exact::{Outcome, ProviderUse, Reading};
use drift::{
    Caller, Declaration, DeclaredArguments, DeclaredBlock, Evidence, IgnoreRules, InlineIn, JudgeOptions, Question,
    RecordedAttributes, TypeMapping, UnrecordedInstance, Verdict, judge,
};
use jiff::Timestamp;
use model::{
    AttributeDifference, Cause, CauseKind, Completeness, Finding, Kind, ObjectKey, Position, RecordedInstance,
    RemoteObject, ResourceAddress, Scope, ScopeOutcome, ScopeStatus, Serial, Span, Standing, StateRef, Tier,
};

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const REGION: &str = "eu-west-1";

/// Which Terraform types manage which native types, and whether these are global.
const TYPES: &[(&str, &str)] = &[
    ("aws_vpc", "aws.ec2.vpc"),
    ("aws_default_vpc", "aws.ec2.vpc"),
    ("aws_subnet", "aws.ec2.subnet"),
    ("aws_sqs_queue", "aws.sqs.queue"),
    ("aws_iam_role", "aws.iam.role"),
];

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

pub(crate) fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

pub(crate) fn json(text: &str) -> Value {
    cty::json::decode_implied(text.as_bytes()).expect(text)
}

pub(crate) struct World {
    pub(crate) states: Vec<StateRef>,
    pub(crate) recorded: Vec<RecordedInstance>,
    pub(crate) attributes: Vec<BTreeMap<String, Value>>,
    pub(crate) objects: Vec<RemoteObject>,
    pub(crate) scopes: Vec<ScopeOutcome>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) declared: Option<Code>,
    pub(crate) references: Option<References>,
    pub(crate) ignore: IgnoreRules,
    pub(crate) options: JudgeOptions,
    pub(crate) types: BTreeMap<model::ResourceType, TypeMapping>,
    pub(crate) unrecorded: Vec<UnrecordedInstance>,
    pub(crate) removed_by_change: BTreeSet<model::InstanceAddress>,
    pub(crate) readings: BTreeMap<usize, Reading>,
    pub(crate) provider_uses: Vec<ProviderUse>,
}

/// The blocks and the arguments they write; other addresses have no block.
#[derive(Default)]
pub(crate) struct Code(pub(crate) BTreeMap<String, Vec<&'static str>>);

/// Code that has every block, and in which arguments refer to others: `(address, argument, address, attribute)`.
pub(crate) struct References(pub(crate) Vec<(&'static str, &'static str, &'static str, &'static str)>);

impl DeclaredArguments for References {
    fn block(&self, _: &ResourceAddress) -> DeclaredBlock {
        DeclaredBlock::Unknown
    }

    fn argument(&self, _: &ResourceAddress, _: &Path) -> Declaration {
        Declaration::Unknown
    }

    fn moved_to(&self, address: &model::InstanceAddress) -> Option<model::InstanceAddress> {
        (address.to_string() == "aws_vpc.before").then(|| "aws_vpc.after".parse().expect("an address"))
    }

    fn references(&self, address: &model::InstanceAddress, path: &Path) -> Vec<(model::InstanceAddress, Path)> {
        let is_meant = |(own, argument, _, _): &&(&str, &str, &str, &str)| {
            address.to_string() == *own && path.to_string() == *argument
        };
        let refers = |(_, _, to, attribute): &(&str, &str, &str, &str)| {
            let path = if attribute.is_empty() { Path::new() } else { Path::new().attr(*attribute) };
            (to.parse().expect("an address"), path)
        };
        self.0.iter().filter(is_meant).map(refers).collect()
    }
}

impl DeclaredArguments for Code {
    fn block(&self, address: &ResourceAddress) -> DeclaredBlock {
        let position = Position { line: 3, column: 1, byte: 20 };
        let span = Span { file: "main.tf".into(), start: position, end: position };
        if self.0.contains_key(&address.to_string()) { DeclaredBlock::Present(span) } else { DeclaredBlock::Absent }
    }

    fn argument(&self, address: &ResourceAddress, path: &Path) -> Declaration {
        let position = Position { line: 4, column: 3, byte: 40 };
        let Some(arguments) = self.0.get(&address.to_string()) else { return Declaration::Unknown };
        let path = path.to_string();
        if arguments.iter().any(|argument| path.starts_with(argument)) {
            Declaration::Written(Span { file: "main.tf".into(), start: position, end: position })
        } else {
            Declaration::Silent
        }
    }
}

impl RecordedAttributes for World {
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Cause> {
        let attributes = &self.attributes[instance];
        if attributes.contains_key("broken") {
            return Err(Cause::new(CauseKind::InvalidReply, "The instance cannot be decoded."));
        }
        Ok(names.iter().map(|name| attributes.get(*name).cloned()).collect())
    }

    fn all_attributes(&self, instance: usize) -> Result<Value, Cause> {
        Ok(Value::object(self.attributes[instance].clone()))
    }
}

impl World {
    /// A world with one state, nothing recorded, nothing seen, and complete scopes for every type.
    pub(crate) fn new() -> Self {
        let types = TYPES.iter().map(|(resource_type, native_type)| {
            let inline_in = match *resource_type {
                "aws_subnet" => vec![InlineIn { resource_type: "aws_vpc".into(), attribute: "inline".to_owned() }],
                _ => Vec::new(),
            };
            let mapping = TypeMapping { cloud: "aws".into(), native_types: vec![(*native_type).into()], inline_in };
            ((*resource_type).into(), mapping)
        });
        let mut world = Self {
            states: Vec::new(),
            recorded: Vec::new(),
            attributes: Vec::new(),
            objects: Vec::new(),
            scopes: Vec::new(),
            callers: Vec::new(),
            declared: None,
            references: None,
            ignore: IgnoreRules::default(),
            options: JudgeOptions::for_question(Question::DriftAndUnmanaged),
            types: types.collect(),
            unrecorded: Vec::new(),
            removed_by_change: BTreeSet::new(),
            readings: BTreeMap::new(),
            provider_uses: Vec::new(),
        };
        world.state("a.tfstate");
        for native_type in ["aws.ec2.vpc", "aws.ec2.subnet", "aws.sqs.queue", "aws.iam.role"] {
            world.scope(native_type, ScopeStatus::Complete);
        }
        world
    }

    pub(crate) fn state(&mut self, url: &str) -> &mut StateRef {
        self.states.push(StateRef {
            url: url.into(),
            workspace: "default".into(),
            lineage: url.into(),
            serial: Serial(1),
        });
        self.states.last_mut().expect("one was pushed")
    }

    /// Records an instance in the last state, in the usual account and region.
    pub(crate) fn record(&mut self, address: &str, id: &str) -> &mut RecordedInstance {
        self.record_with(address, id, "{}")
    }

    /// Records an instance with attributes, given in JSON.
    pub(crate) fn record_with(&mut self, address: &str, id: &str, attributes: &str) -> &mut RecordedInstance {
        let address: model::InstanceAddress = address.parse().expect(address);
        let provider = address.resource_type().as_str().split('_').next().expect("a prefix");
        self.attributes
            .push(json(attributes).entries().map(|(name, value)| (name.to_owned(), value.clone())).collect());
        self.recorded.push(RecordedInstance {
            deposed: None,
            is_tainted: false,
            provider: format!("provider[\"registry.terraform.io/hashicorp/{provider}\"]").parse().expect("a provider"),
            id: Some(id.into()),
            import_id: None,
            arn: None,
            identity: None,
            account: Some(ACCOUNT.into()),
            region: Some(REGION.into()),
            state: self.states.len() - 1,
            position: self.recorded.len(),
            address,
        });
        self.recorded.last_mut().expect("one was pushed")
    }

    /// Says what the provider said of the instance recorded last.
    pub(crate) fn read(&mut self, outcome: Outcome) {
        let reading = Reading {
            observed_at: at("2026-06-01T11:59:00Z"),
            provider_version: Some("6.47.1".to_owned()),
            identity: None,
            outcome,
        };
        self.readings.insert(self.recorded.len() - 1, reading);
    }

    /// Says that the provider saw the instance recorded last, with these differences.
    pub(crate) fn read_differences(&mut self, differences: Vec<AttributeDifference>) {
        self.read(Outcome::Seen { differences, observed: None });
    }

    /// Adds an object to the cloud, in the usual account and region.
    pub(crate) fn object(&mut self, native_type: &str, id: &str) -> &mut RemoteObject {
        let resource_type = TYPES.iter().find(|(_, native)| *native == native_type).map(|(name, _)| (*name).into());
        self.objects.push(RemoteObject {
            scope: scope(native_type, REGION),
            key: ObjectKey(id.into()),
            resource_type,
            import_id: Some(id.into()),
            identity: None,
            arn: None,
            name: None,
            tags: None,
            attributes: BTreeMap::new(),
            volatile: Vec::new(),
            parent: None,
            standing: Standing::Ordinary,
            completeness: Completeness::Full,
            source: "test:List".into(),
            fetched_at: at("2026-06-01T11:00:00Z"),
            cause: None,
        });
        self.objects.last_mut().expect("one was pushed")
    }

    /// Sets the outcome of a scope in the usual account and region.
    pub(crate) fn scope(&mut self, native_type: &str, status: ScopeStatus) -> &mut ScopeOutcome {
        let scope = scope(native_type, REGION);
        self.scopes.retain(|outcome| outcome.scope != scope);
        self.scopes.push(ScopeOutcome {
            scope,
            status,
            causes: Vec::new(),
            n_objects: 0,
            calls: BTreeMap::new(),
            started: at("2026-06-01T10:59:00Z"),
            finished: at("2026-06-01T11:00:00Z"),
        });
        self.scopes.last_mut().expect("one was pushed")
    }

    pub(crate) fn judge(&self) -> Verdict {
        self.judge_in_order(self.objects.clone())
    }

    pub(crate) fn judge_in_order(&self, objects: Vec<RemoteObject>) -> Verdict {
        let evidence = Evidence {
            states: &self.states,
            recorded: &self.recorded,
            attributes: self,
            types: &self.types,
            scopes: &self.scopes,
            callers: &self.callers,
            declared: match (&self.declared, &self.references) {
                (Some(code), _) => Some(code as &dyn DeclaredArguments),
                (None, references) => references.as_ref().map(|code| code as &dyn DeclaredArguments),
            },
            unrecorded: &self.unrecorded,
            removed_by_change: &self.removed_by_change,
            readings: &self.readings,
            provider_uses: &self.provider_uses,
            ignore: &self.ignore,
        };
        judge(&evidence, &mut objects.into_iter(), &self.options, now())
    }

    /// Judges and writes what was found, one line per finding and difference.
    pub(crate) fn found(&self) -> String {
        let verdict = self.judge();
        let mut text = String::new();
        for diagnostic in &verdict.diagnostics {
            text.extend([format!("{:?}: {diagnostic}\n", diagnostic.severity)]);
        }
        for finding in &verdict.findings {
            text.push_str(&describe(finding));
        }
        text.extend([format!("exit code {}", verdict.exit_code(false).code())]);
        text
    }
}

/// Makes a difference: the path in steps, names and keys in JSON; the sides in JSON, empty where one is not there.
pub(crate) fn difference(tier: Tier, steps: &[&str], state: &str, cloud: &str) -> AttributeDifference {
    let mut path = Path::new();
    for step in steps {
        path = match step.strip_prefix('=') {
            Some(key) => path.index(json(key)),
            None => path.attr(*step),
        };
    }
    let side = |text: &str| (!text.is_empty()).then(|| json(text));
    let is_security_relevant = drift::exact::SECURITY_PATHS.iter().any(|entry| steps.first() == Some(&entry.path));
    AttributeDifference {
        is_security_relevant: is_security_relevant && matches!(tier, Tier::Undeclared | Tier::Unclassified),
        state: side(state),
        cloud: side(cloud),
        ..AttributeDifference::new(Kind::Changed, path, tier)
    }
}

fn scope(native_type: &str, region: &str) -> Scope {
    let region = (!native_type.starts_with("aws.iam.")).then(|| region.into());
    Scope { cloud: "aws".into(), account: ACCOUNT.into(), region, native_type: native_type.into() }
}

fn describe(finding: &Finding) -> String {
    let fails = if finding.fails { " FAILS" } else { "" };
    let what = match (&finding.address, &finding.id) {
        (Some(address), _) => address.with_deposed(finding.deposed.as_ref()),
        (None, Some(id)) => format!("{} {id}", drift::summary::type_name(finding).unwrap_or("-")),
        (None, None) => drift::summary::type_name(finding).unwrap_or("-").to_owned(),
    };
    let mut text = format!("{}{fails} {what}: {}\n", finding.kind, finding.reason);
    let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    for difference in &finding.attributes {
        let cause = difference.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        text.extend([format!(
            "  {} {}: {} -> {}{cause}\n",
            difference.tier,
            difference.path,
            show(&difference.state),
            show(&difference.cloud)
        )]);
    }
    for (word, reason) in [("ignored", &finding.ignored), ("folded", &finding.folded)] {
        if let Some(reason) = reason {
            text.extend([format!("  {word}: {reason}\n")]);
        }
    }
    if let Some(cause) = &finding.cause {
        text.extend([format!("  cause: {}\n", cause.kind)]);
    }
    for remedy in &finding.remedies {
        let remedy = match remedy {
            model::Remedy::Import { to, id } => format!("import {to} from {id}"),
            model::Remedy::Forget { from } => format!("forget {from}"),
            model::Remedy::UpdateCode { path, value, .. } => format!("set {path} = {value} in the code"),
            model::Remedy::Apply { .. } => "apply".to_owned(),
            model::Remedy::Refresh { .. } => "refresh".to_owned(),
            model::Remedy::Move { from, to } => format!("move {from} to {to}"),
            model::Remedy::Baseline { fingerprint } => format!("put {fingerprint} into the baseline"),
        };
        text.extend([format!("  remedy: {remedy}\n")]);
    }
    text
}

/// Gives a place in a file of code.
pub(crate) fn span() -> Span {
    let position = Position { line: 3, column: 1, byte: 20 };
    Span { file: "main.tf".into(), start: position, end: position }
}
