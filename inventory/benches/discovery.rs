//! Discovers 5,000 objects of moto and prints what it took us, what it took moto, and how wide we went.
//!
//! `cargo bench -p inventory --bench discovery` runs it; it needs moto (`cargo xtask tools moto`) and Linux, whose
//! `/proc` tells the CPU time of both processes. The numbers are kept in docs/dev/performance/discovery.md.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use inventory::definition::Catalog;
use inventory::engine::{Account, AccountRegions, DetailChoice, DiscoverRequest, Event, classifier, discover};
use model::{Region, ScopeStatus};
use net::aws::{Access, AwsPartition, AwsSession};
use net::egress::EgressPolicy;
use net::layer::LimitConfig;
use net::{Environment, Network, NetworkConfig};
use tokio_util::sync::CancellationToken;
use xtask::moto::{Moto, REGION};

const FILL: &str = r#"
import boto3, json
from concurrent.futures import ThreadPoolExecutor
logs, ssm, iam, sqs, sns = (boto3.client(name) for name in ("logs", "ssm", "iam", "sqs", "sns"))
trust = json.dumps(dict(Version="2012-10-17", Statement=[dict(Effect="Allow", Principal=dict(Service="ec2.amazonaws.com"), Action="sts:AssumeRole")]))
tags = [dict(Key="team", Value="bench")]
with ThreadPoolExecutor(2) as pool:
    jobs = [pool.submit(logs.create_log_group, logGroupName=f"/bench/{n}") for n in range(1500)]
    jobs += [pool.submit(ssm.put_parameter, Name=f"/bench/{n}", Value="v", Type="String", Tags=tags) for n in range(1500)]
    jobs += [pool.submit(iam.create_role, RoleName=f"bench-{n}", AssumeRolePolicyDocument=trust) for n in range(1000)]
    jobs += [pool.submit(sqs.create_queue, QueueName=f"bench-{n}") for n in range(500)]
    jobs += [pool.submit(sns.create_topic, Name=f"bench-{n}", Tags=tags) for n in range(500)]
    for job in jobs: job.result()
"#;
const TYPES: [&str; 5] = ["aws.log_group", "aws.ssm_parameter", "aws.iam_role", "aws.sqs_queue", "aws.sns_topic"];
const N_OBJECTS: usize = 5_000;

fn main() -> Result<()> {
    // `cargo test --benches` asks only whether it builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let moto = Moto::start()?;
    let mut fill = Command::new(moto.python());
    fill.args(["-c", FILL]);
    moto.configure(&mut fill);
    let start = Instant::now();
    ensure!(fill.status()?.success(), "moto could not be filled");
    println!("filled moto with {N_OBJECTS} objects in {:.1} s", start.elapsed().as_secs_f64());
    println!("| details | in flight at most | objects | calls | wall s | our CPU s | moto's CPU s | ours / moto's |");
    println!("|---|---|---|---|---|---|---|---|");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for (name, details) in [("required", DetailChoice::Required), ("every", DetailChoice::Every)] {
        for in_flight in [1, 4, 16] {
            runtime.block_on(measure(&moto, name, &details, in_flight))?;
        }
    }
    Ok(())
}

async fn measure(moto: &Moto, name: &str, details: &DetailChoice, in_flight: usize) -> Result<()> {
    let environment = Environment::new(moto.environment(), None);
    let catalog = Catalog::embedded();
    let cloud = Arc::clone(catalog.cloud("aws").context("the catalog has AWS")?);
    let config = NetworkConfig {
        // The server shall be the bound, not our manners.
        limit: LimitConfig { rate: 100_000.0, burst: 100_000, max_concurrency: in_flight },
        max_in_flight: in_flight,
        ..NetworkConfig::standard()
    };
    let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
    let network = Network::new(config, &environment, policy, classifier(Arc::clone(&cloud)))?;
    let session = AwsSession::open(environment, &Access::default(), network.clone()).await?;
    let cancel = CancellationToken::new();
    let account = Account::open(cloud, &session, &cancel).await?;
    let accounts = vec![AccountRegions { account, regions: vec![Region::from(REGION)] }];
    let mut request = DiscoverRequest::new(catalog, accounts, TYPES.map(str::to_owned).to_vec());
    request.details = details.clone();
    request.width = in_flight;

    let (start, our_start, their_start) = (Instant::now(), cpu("self")?, cpu(&moto.process_id().to_string())?);
    let mut n_objects = 0;
    let discovery = discover(request, &mut |event| n_objects += usize::from(matches!(event, Event::Object(_)))).await;
    let (wall, ours) = (start.elapsed(), cpu("self")?.saturating_sub(our_start));
    let theirs = cpu(&moto.process_id().to_string())?.saturating_sub(their_start);

    for outcome in &discovery.outcomes {
        ensure!(outcome.status == ScopeStatus::Complete, "{}: {:?}", outcome.scope, outcome.causes);
    }
    ensure!(n_objects == N_OBJECTS, "{n_objects} objects instead of {N_OBJECTS}");
    let calls: u64 = discovery.outcomes.iter().flat_map(|outcome| outcome.calls.values()).sum();
    println!(
        "| {name} | {in_flight} | {n_objects} | {calls} | {:.2} | {:.2} | {:.2} | {:.1} % |",
        wall.as_secs_f64(),
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        100.0 * ours.as_secs_f64() / theirs.as_secs_f64().max(0.01),
    );
    Ok(())
}

/// Reads the CPU time of a process from `/proc`, in the hundredths of a second that it counts in.
fn cpu(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}: this needs Linux"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |position: usize| fields.get(position).and_then(|field| field.parse::<u64>().ok());
    let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("/proc has an unknown form")?;
    Ok(Duration::from_millis(total * 10))
}
