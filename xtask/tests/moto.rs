//! What other tests rely on when they start moto.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::http::{self, LoopbackCall};
use xtask::moto::Moto;
use xtask::tools::{self, Tool};

const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=none";

fn create_vpc(moto: &Moto) -> String {
    let headers = [("Authorization", AUTHORIZATION), ("Content-Type", "application/x-www-form-urlencoded")];
    let body = b"Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16";
    let answer = http::send(moto.port(), &LoopbackCall { method: "POST", target: "/", headers: &headers, body })
        .expect("an answer");
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body).expect("an answer is text");
    let start = text.find("<vpcId>").expect("a VPC has an id") + "<vpcId>".len();
    text[start..].split('<').next().unwrap_or_default().to_owned()
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[test]
fn the_same_seed_gives_the_same_ids_on_every_server() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    let ids = [7, 7, 8].map(|seed| {
        let moto = Moto::start().expect("moto starts");
        moto.seed(seed).expect("a seed");
        create_vpc(&moto)
    });
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn a_recording_holds_what_was_sent_while_it_was_on() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().expect("moto starts");
    create_vpc(&moto);
    moto.start_recording().expect("recording starts");
    create_vpc(&moto);
    let recording = moto.stop_recording().expect("recording stops");
    create_vpc(&moto);
    assert_eq!(recording.lines().count(), 1, "{recording}");
}

#[test]
fn moto_ends_when_it_is_dropped() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().expect("moto starts");
    let port = moto.port();
    assert!(answers(port));
    drop(moto);
    assert!(!answers(port));
}

#[test]
fn moto_ends_when_the_process_that_started_it_is_killed() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut parent = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["estate", "serve", "--dir"])
        .arg(directory.path().join("estate"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("xtask starts");
    let output = BufReader::new(parent.stdout.take().expect("standard output was piped"));
    let prefix = "export AWS_ENDPOINT_URL=http://127.0.0.1:";
    let port: u16 = output
        .lines()
        .map(|line| line.expect("output is text"))
        .find_map(|line| line.strip_prefix(prefix).map(str::to_owned))
        .expect("the endpoint is printed")
        .parse()
        .expect("a port");
    assert!(answers(port));

    parent.kill().expect("the parent can be killed");
    parent.wait().expect("the parent ends");
    let deadline = Instant::now() + Duration::from_secs(10);
    while answers(port) {
        assert!(Instant::now() < deadline, "moto outlives its parent");
        std::thread::sleep(Duration::from_millis(50));
    }
}
