//! A stand-in for PD: **a fake**. It speaks PD's real protocols, gRPC and HTTP on one port, and knows a cluster that no machine at hand could run:
//! a hundred thousand regions on hundreds of stores. There is nothing behind it: no etcd, no heartbeats, no stores at the addresses it tells. Regions
//! are not kept but worked out from their numbers, so that what it costs is not taken for what the client costs.
//!
//! Answers have the shape and about the size of PD v8's: three peers for each region, all fields of the HTTP API.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message;
use ti_codec::bytes::encode_bytes;
use ti_codec::key::{record_key_int, table_prefix};
use ti_proto::{metapb, pdpb};

use super::server::{Answer, Server, Service};

/// Identity of the cluster that does not exist.
const CLUSTER_ID: u64 = 7_300_000_000_000_000_001;
/// Handles of a region.
pub const HANDLES: i64 = 800_000;
/// PD's limit of one answer over HTTP (`maxRegionLimit`).
const HTTP_REGIONS_MAX: usize = 10_240;

/// What the cluster has.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Physical tables with integer handles, ids in order.
    pub tables: Vec<i64>,
    /// Regions of each of them.
    pub regions_per_table: u64,
    /// Stores; regions are spread over them in turn.
    pub stores: u64,
    /// Address of all stores; empty: names of hosts that do not exist.
    pub store_address: String,
}

impl Shape {
    /// Regions of all tables.
    pub fn regions(&self) -> u64 {
        self.tables.len() as u64 * self.regions_per_table
    }
}

/// A running fake.
pub fn start(shape: Shape, latency: Duration) -> Server {
    Server::start(latency, |address| {
        Arc::new(StandInPd {
            shape,
            url: format!("http://{address}"),
            logical: AtomicI64::new(0),
        })
    })
}

struct StandInPd {
    shape: Shape,
    url: String,
    logical: AtomicI64,
}

/// All regions in key order are numbered: 0 is before the tables, the last one after them.
impl StandInPd {
    /// The key at which the region begins, memcomparable; empty for the first one and for the end of the last.
    fn start_key(&self, number: u64) -> Vec<u8> {
        let shape = &self.shape;
        if number == 0 || number > shape.regions() + 1 {
            return Vec::new();
        }
        let (table, region) = (
            (number - 1) / shape.regions_per_table,
            (number - 1) % shape.regions_per_table,
        );
        let raw = match shape.tables.get(usize::try_from(table).unwrap()) {
            None => table_prefix(shape.tables.last().unwrap() + 1),
            Some(id) if region == 0 => table_prefix(*id),
            Some(id) => record_key_int(*id, i64::try_from(region).unwrap() * HANDLES),
        };
        let mut encoded = Vec::new();
        encode_bytes(&mut encoded, &raw);
        encoded
    }

    /// The region of a key.
    fn find(&self, key: &[u8]) -> u64 {
        let (mut low, mut high) = (0, self.shape.regions() + 1);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match self.start_key(middle).as_slice() <= key {
                true => low = middle,
                false => high = middle - 1,
            }
        }
        low
    }

    /// Numbers of up to `limit` regions from that of `start` on that begin before `end`.
    fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<u64> {
        (self.find(start)..=self.shape.regions() + 1)
            .take(limit)
            .enumerate()
            .take_while(|(at, number)| *at == 0 || end.is_empty() || self.start_key(*number).as_slice() < end)
            .map(|(_, number)| number)
            .collect()
    }

    fn id(number: u64) -> u64 {
        1_000_000 + number * 4
    }

    fn peers(&self, number: u64) -> Vec<metapb::Peer> {
        (0..3)
            .map(|nth| metapb::Peer {
                id: Self::id(number) + 1 + nth,
                store_id: 1 + (number + nth) % self.shape.stores,
                ..Default::default()
            })
            .collect()
    }

    /// MiB: some are half full, as after splits.
    fn size(number: u64) -> u64 {
        56 + number * 7 % 72
    }

    fn region(&self, number: u64) -> metapb::Region {
        metapb::Region {
            id: Self::id(number),
            start_key: self.start_key(number),
            end_key: self.start_key(number + 1),
            region_epoch: Some(metapb::RegionEpoch {
                conf_ver: 5,
                version: 1,
            }),
            peers: self.peers(number),
        }
    }

    fn store(&self, id: u64) -> metapb::Store {
        let address = match self.shape.store_address.as_str() {
            "" => format!("tikv-{id}.tikv-peer.tidb.svc:20160"),
            address => address.to_owned(),
        };
        metapb::Store {
            id,
            address,
            version: "8.5.0".into(),
            ..Default::default()
        }
    }

    fn header() -> Option<pdpb::ResponseHeader> {
        Some(pdpb::ResponseHeader {
            cluster_id: CLUSTER_ID,
            ..Default::default()
        })
    }

    fn members(&self) -> pdpb::GetMembersResponse {
        let member = pdpb::Member {
            name: "stand-in".into(),
            member_id: 1,
            peer_urls: vec![self.url.clone()],
            client_urls: vec![self.url.clone()],
        };
        pdpb::GetMembersResponse {
            header: Self::header(),
            members: vec![member.clone()],
            leader: Some(member.clone()),
            etcd_leader: Some(member),
        }
    }

    fn tso(&self, request: &pdpb::TsoRequest) -> pdpb::TsoResponse {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let count = i64::from(request.count);
        let timestamp = pdpb::Timestamp {
            physical: i64::try_from(now.as_millis()).unwrap(),
            logical: (self.logical.fetch_add(count, Ordering::Relaxed) + count) % (1 << 18),
            suffix_bits: 0,
        };
        pdpb::TsoResponse {
            header: Self::header(),
            count: request.count,
            timestamp: Some(timestamp),
        }
    }

    fn scan_regions(&self, request: &pdpb::ScanRegionsRequest) -> pdpb::ScanRegionsResponse {
        let limit = usize::try_from(request.limit)
            .ok()
            .filter(|limit| *limit > 0)
            .unwrap_or(usize::MAX);
        let numbers = self.scan(&request.start_key, &request.end_key, limit);
        let metas: Vec<metapb::Region> = numbers.into_iter().map(|number| self.region(number)).collect();
        let leaders: Vec<metapb::Peer> = metas.iter().map(|region| region.peers[0]).collect();
        // As PD does, each region once for old clients and once for new ones.
        pdpb::ScanRegionsResponse {
            header: Self::header(),
            regions: metas
                .iter()
                .zip(&leaders)
                .map(|(region, leader)| pdpb::Region {
                    region: Some(region.clone()),
                    leader: Some(*leader),
                })
                .collect(),
            region_metas: metas,
            leaders,
        }
    }

    fn get_region(&self, request: &pdpb::GetRegionRequest) -> pdpb::GetRegionResponse {
        let number = self.find(&request.region_key);
        pdpb::GetRegionResponse {
            header: Self::header(),
            region: Some(self.region(number)),
            leader: self.peers(number).first().copied(),
        }
    }

    fn get_store(&self, request: &pdpb::GetStoreRequest) -> pdpb::GetStoreResponse {
        pdpb::GetStoreResponse {
            header: Self::header(),
            store: (1..=self.shape.stores)
                .contains(&request.store_id)
                .then(|| self.store(request.store_id)),
        }
    }

    fn answer(&self, method: &str, message: Bytes) -> Option<Vec<u8>> {
        fn read<M: Message + Default>(message: Bytes) -> M {
            M::decode(message).expect("a request of the client")
        }
        Some(match method {
            "GetMembers" => self.members().encode_to_vec(),
            "Tso" => self.tso(&read(message)).encode_to_vec(),
            "ScanRegions" => self.scan_regions(&read(message)).encode_to_vec(),
            "GetRegion" => self.get_region(&read(message)).encode_to_vec(),
            "GetStore" => self.get_store(&read(message)).encode_to_vec(),
            "GetAllStores" => {
                let stores = (1..=self.shape.stores).map(|id| self.store(id)).collect();
                let header = Self::header();
                pdpb::GetAllStoresResponse { header, stores }.encode_to_vec()
            }
            "GetGCSafePoint" => {
                let header = Self::header();
                pdpb::GetGcSafePointResponse { header, safe_point: 0 }.encode_to_vec()
            }
            "UpdateServiceGCSafePoint" => {
                let request: pdpb::UpdateServiceGcSafePointRequest = read(message);
                pdpb::UpdateServiceGcSafePointResponse {
                    header: Self::header(),
                    service_id: request.service_id,
                    ttl: request.ttl,
                    min_safe_point: 0,
                }
                .encode_to_vec()
            }
            _ => return None,
        })
    }

    /// A region as PD's HTTP API shows it.
    fn json(&self, number: u64, out: &mut String) {
        let peer = |peer: &metapb::Peer| {
            format!(
                r#"{{"role_name":"Voter","id":{},"store_id":{}}}"#,
                peer.id, peer.store_id
            )
        };
        let peers: Vec<String> = self.peers(number).iter().map(peer).collect();
        write!(
            out,
            r#"{{"id":{},"start_key":"{}","end_key":"{}","epoch":{{"conf_ver":5,"version":1}},"peers":[{}],"leader":{},"cpu_usage":0,"written_bytes":0,"read_bytes":0,"written_keys":0,"read_keys":0,"approximate_size":{},"approximate_keys":{HANDLES}}}"#,
            Self::id(number),
            hex(&self.start_key(number)),
            hex(&self.start_key(number + 1)),
            peers.join(","),
            peers[0],
            Self::size(number),
        )
        .unwrap();
    }
}

impl Service for StandInPd {
    fn grpc(self: Arc<Self>, method: String, message: Bytes) -> Answer {
        Box::pin(async move { self.answer(&method, message) })
    }

    fn http(&self, path: &str) -> Option<Vec<u8>> {
        let query = path.strip_prefix("/pd/api/v1/regions/key?")?;
        let value = |name: &str| {
            let found = query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().to_owned()
        };
        let limit = value("limit").parse().unwrap_or(16).min(HTTP_REGIONS_MAX);
        let numbers = self.scan(&unescape(&value("key")), &unescape(&value("end_key")), limit);
        let mut out = format!(r#"{{"count":{},"regions":["#, numbers.len());
        for (at, number) in numbers.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.json(number, &mut out);
        }
        out.push_str("]}\n");
        Some(out.into_bytes())
    }
}

fn hex(key: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    key.iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// `%41%42`: the client escapes every byte.
fn unescape(text: &str) -> Vec<u8> {
    text.split('%')
        .skip(1)
        .map(|digits| u8::from_str_radix(digits, 16).expect("an escaped byte"))
        .collect()
}
