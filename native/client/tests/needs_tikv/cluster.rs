//! Clusters of several real stores, for one test each.

use std::process::Command;

use serde_json::{json, Value};

use crate::common::Cluster;

/// A cluster that lives as long as the test.
pub struct Own {
    pub cluster: Cluster,
}

impl Own {
    /// `None` without a TiKV.
    pub fn start(name: &str, pds: u32) -> Option<Self> {
        if std::env::var_os("TIKV_SERVER").is_none() {
            println!("left out: TIKV_SERVER names no tikv-server");
            return None;
        }
        let pds = pds.to_string();
        let up = ["up", "--name", name, "--store", "tikv", "--stores", "3", "--pds", &pds];
        let status = harness(&[&up[..], &["--region-size", "1048576", "--json"]].concat());
        let cluster = Cluster::of(&serde_json::from_str(&status).unwrap());
        Some(Self { cluster })
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        harness(&["down", "--name", &self.cluster.name, "--remove"]);
    }
}

pub fn harness(arguments: &[&str]) -> String {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cluster/cluster");
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Gives the regions of the table leaders on all stores in turn.
pub async fn spread(cluster: &Cluster) {
    let stats = cluster.control("GET", "/stats", &Value::Null);
    let stores: Vec<u64> = stats["stores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|store| store["id"].as_u64().unwrap())
        .collect();
    let regions = cluster.control("GET", "/regions", &Value::Null);
    for (n, region) in regions.as_array().unwrap().iter().enumerate() {
        let to = json!({"region_id": region["id"], "store_id": stores[n % stores.len()]});
        cluster.control("POST", "/transfer_leader", &to);
    }
}
