//! Judges 100,000 recorded instances against 100,000 objects, 1 % of them changed, and writes the JSON report.
//!
//! `cargo build --release -p report --example hundred_thousand`, then run it under `/usr/bin/time -v`. The recorded
//! attributes are JSON text that is decoded when a comparison asks for it, as those of a state are; objects are made
//! one at a time, as a store gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write as _};
use std::time::Instant;

use cty::Value;
use drift::{Evidence, IgnoreRules, JudgeOptions, Question, RecordedAttributes, TypeMapping};
use model::{
    Cause, CauseKind, Completeness, ObjectKey, RecordedInstance, RemoteObject, Scope, ScopeOutcome, ScopeStatus,
    Serial, Standing, StateRef,
};
use report::{DriftReport, Format, Style, write_drift};

const N_INSTANCES: usize = 100_000;
const REGIONS: &[&str] = &["eu-west-1", "eu-central-1", "us-east-1", "us-west-2"];
const TYPES: &[(&str, &str)] = &[
    ("aws_instance", "aws.ec2.instance"),
    ("aws_subnet", "aws.ec2.subnet"),
    ("aws_security_group", "aws.ec2.security_group"),
    ("aws_sqs_queue", "aws.sqs.queue"),
    ("aws_dynamodb_table", "aws.dynamodb.table"),
];

/// The attributes of all instances in one text, as in a state snapshot.
struct State {
    text: String,
    starts: Vec<usize>,
}

impl RecordedAttributes for State {
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Cause> {
        let value = self.all_attributes(instance)?;
        let attributes: BTreeMap<&str, &Value> = value.entries().collect();
        Ok(names.iter().map(|name| attributes.get(name).map(|value| (*value).clone())).collect())
    }

    fn all_attributes(&self, instance: usize) -> Result<Value, Cause> {
        let json = &self.text[self.starts[instance]..self.starts[instance + 1]];
        cty::json::decode_implied(json.as_bytes())
            .map_err(|error| Cause::new(CauseKind::InvalidReply, error.to_string()))
    }
}

fn type_of(number: usize) -> (&'static str, &'static str) {
    TYPES[number % TYPES.len()]
}

fn region_of(number: usize) -> &'static str {
    REGIONS[number / TYPES.len() % REGIONS.len()]
}

fn object(number: usize) -> RemoteObject {
    let (resource_type, native_type) = type_of(number);
    let id = format!("{}-{number:017x}", native_type.rsplit('.').next().unwrap_or_default());
    let is_changed = number.is_multiple_of(100);
    let size = if is_changed { "m5.large" } else { "t3.micro" };
    let texts = [("size", size.to_owned()), ("description", format!("The object with the number {number}"))];
    let mut attributes: BTreeMap<String, Value> =
        texts.into_iter().map(|(name, text)| (name.to_owned(), Value::string(text))).collect();
    attributes.insert("count".to_owned(), Value::number(number as u64));
    attributes.insert("enabled".to_owned(), Value::bool(true));
    let tags = [("Name", format!("object {number}")), ("Team", format!("team-{}", number % 50))];
    RemoteObject {
        scope: Scope {
            cloud: "aws".into(),
            account: "111111111111".into(),
            region: Some(region_of(number).into()),
            native_type: native_type.into(),
        },
        key: ObjectKey(id.as_str().into()),
        resource_type: Some(resource_type.into()),
        import_id: Some(id.as_str().into()),
        identity: None,
        arn: Some(format!("arn:aws:x:{}:111111111111:{id}", region_of(number))),
        name: Some(tags[0].1.clone()),
        tags: Some(tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        attributes,
        volatile: Vec::new(),
        parent: None,
        standing: Standing::Ordinary,
        completeness: Completeness::Full,
        source: "x:List".into(),
        fetched_at: jiff::Timestamp::UNIX_EPOCH,
        cause: None,
    }
}

fn main() -> io::Result<()> {
    let states = [StateRef {
        url: "bench.tfstate".into(),
        workspace: "default".into(),
        lineage: "1fdb2f3e".into(),
        serial: Serial(1),
    }];
    let provider: model::ProviderConfigAddress =
        r#"provider["registry.terraform.io/hashicorp/aws"]"#.parse().map_err(io::Error::other)?;
    let mut state = State { text: String::new(), starts: vec![0] };
    let mut recorded = Vec::with_capacity(N_INSTANCES);
    for number in 0..N_INSTANCES {
        let object = object(number);
        let (resource_type, _) = type_of(number);
        let address = format!("module.m{}.{resource_type}.r[\"{number}\"]", number % 200);
        recorded.push(RecordedInstance {
            address: address.parse().map_err(io::Error::other)?,
            deposed: None,
            is_tainted: false,
            provider: provider.clone(),
            id: object.import_id,
            import_id: None,
            arn: object.arn,
            identity: None,
            account: Some(object.scope.account),
            region: object.scope.region,
            state: 0,
            position: number,
        });
        let tags = format!(r#"{{"Name":"object {number}","Team":"team-{}"}}"#, number % 50);
        let ballast = "x".repeat(600);
        state.text.push_str(&format!(
            r#"{{"size":"t3.micro","description":"The object with the number {number}","count":{number},"enabled":true,"user_data":"{ballast}","tags":{tags},"tags_all":{tags}}}"#
        ));
        state.starts.push(state.text.len());
    }
    let types = TYPES.iter().map(|(resource_type, native_type)| {
        (
            (*resource_type).into(),
            TypeMapping { cloud: "aws".into(), native_types: vec![(*native_type).into()], inline_in: Vec::new() },
        )
    });
    let types = types.collect();
    let scope = |number: usize| ScopeOutcome {
        scope: object(number).scope,
        status: ScopeStatus::Complete,
        causes: Vec::new(),
        n_objects: (N_INSTANCES / TYPES.len() / REGIONS.len()) as u64,
        calls: BTreeMap::new(),
        started: jiff::Timestamp::UNIX_EPOCH,
        finished: jiff::Timestamp::UNIX_EPOCH,
    };
    let scopes: Vec<ScopeOutcome> = (0..TYPES.len() * REGIONS.len()).map(scope).collect();
    let ignore = IgnoreRules::default();
    let evidence = Evidence {
        states: &states,
        recorded: &recorded,
        attributes: &state,
        types: &types,
        scopes: &scopes,
        callers: &[],
        declared: None,
        unrecorded: &[],
        removed_by_change: &BTreeSet::new(),
        readings: &BTreeMap::new(),
        provider_uses: &[],
        ignore: &ignore,
    };
    // `unmanaged` as the argument drops the recorded side, so that every object is a finding.
    let is_all_unmanaged = std::env::args().nth(1).as_deref() == Some("unmanaged");
    let evidence = if is_all_unmanaged { Evidence { recorded: &[], ..evidence } } else { evidence };
    let options = JudgeOptions::for_question(Question::DriftAndUnmanaged);
    let started = Instant::now();
    let verdict = drift::judge(&evidence, &mut (0..N_INSTANCES).map(object), &options, jiff::Timestamp::UNIX_EPOCH);
    let judged = started.elapsed();
    let report = DriftReport { verdict: &verdict, states: &states, root: None, directory: None, ignore: &ignore };
    let mut out = BufWriter::new(io::stdout().lock());
    write_drift(&report, Format::Json, &Style::plain(), &mut out)?;
    out.flush()?;
    let mut errors = io::stderr().lock();
    writeln!(
        errors,
        "{} findings; judged in {judged:?}, objects made as they came; reported after {:?} in all",
        verdict.findings.len(),
        started.elapsed()
    )
}
