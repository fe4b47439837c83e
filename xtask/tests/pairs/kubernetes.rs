use serde_json::Value;
use xtask::kubernetes::Cluster;
use xtask::pairs::Pair;
use xtask::tools::{self, Tool};

use super::{check_drifts, is_running};

#[test]
fn a_cluster_ends_when_it_is_dropped_and_its_etcd_with_it() {
    if tools::or_skip(Tool::Etcd).is_none() || tools::or_skip(Tool::KubeApiserver).is_none() {
        return;
    }
    let cluster = Cluster::start().expect("a cluster");
    let process_ids = cluster.process_ids();
    assert!(process_ids.iter().all(|&process_id| is_running(process_id)));
    let answer = cluster.request("GET", "/version", None).expect("an answer");
    let version: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(version["gitVersion"], "v1.37.2", "{version}");
    let directory = cluster.kubeconfig().parent().expect("a folder").to_owned();
    drop(cluster);
    assert!(!process_ids.iter().any(|&process_id| is_running(process_id)), "{process_ids:?}");
    assert!(!directory.exists());
}

#[test]
fn terraform_sees_in_the_cluster_what_the_list_claims() {
    check_drifts(Pair::Kubernetes);
}
