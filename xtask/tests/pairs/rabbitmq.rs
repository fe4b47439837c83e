use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::pairs::Pair;
use xtask::rabbitmq::Broker;
use xtask::tools::{self, Tool};

use super::{check_drifts, is_running};

#[test]
fn a_broker_ends_when_it_is_dropped_and_its_port_mapper_with_it() {
    if tools::or_skip(Tool::RabbitmqServer).is_none() {
        return;
    }
    let brokers = [Broker::start().expect("a broker"), Broker::start().expect("another one beside it")];
    let process_ids: Vec<u32> = brokers.iter().flat_map(Broker::process_ids).collect();
    assert!(process_ids.iter().all(|&process_id| is_running(process_id)));
    let answer = brokers[0].request("GET", "/api/vhosts", None).expect("an answer");
    assert_eq!(answer.status, 200);
    drop(brokers);
    assert!(!process_ids.iter().any(|&process_id| is_running(process_id)), "{process_ids:?}");
}

/// Runs as a process of its own in the test below: a broker whose owner has no time to end it.
#[test]
#[expect(clippy::print_stdout, reason = "the test below reads it")]
fn a_broker_for_a_process_that_is_killed() {
    if std::env::var_os("DRIFTMGR_TEST_KILLED").is_none() {
        return;
    }
    let broker = Broker::start().expect("a broker");
    println!("{:?}", broker.process_ids());
    std::thread::sleep(Duration::from_mins(5));
}

#[test]
fn a_broker_ends_when_its_process_is_killed() {
    use std::io::{BufRead, BufReader};

    if tools::or_skip(Tool::RabbitmqServer).is_none() {
        return;
    }
    let mut owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "rabbitmq::a_broker_for_a_process_that_is_killed", "--nocapture"])
        .env("DRIFTMGR_TEST_KILLED", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let lines = BufReader::new(owner.stdout.take().expect("standard output")).lines();
    let line = lines.map_while(Result::ok).find(|line| line.contains('[') && line.ends_with(']')).expect("process ids");
    let list = line.split(['[', ']']).nth(1).expect("a list");
    let process_ids: Vec<u32> = list.split(", ").map(|id| id.parse().expect("a number")).collect();
    assert!(process_ids.iter().all(|&process_id| is_running(process_id)));
    owner.kill().expect("it is killed");
    owner.wait().expect("it ended");
    let started = Instant::now();
    while process_ids.iter().any(|&process_id| is_running(process_id)) {
        assert!(started.elapsed() < Duration::from_secs(10), "{process_ids:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn terraform_sees_in_the_broker_what_the_list_claims() {
    check_drifts(Pair::Rabbitmq);
}
