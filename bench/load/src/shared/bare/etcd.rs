//! Bare commits to etcd: each is one transaction, which replaces the head if it is still the one before.

use super::{BareRow, Group, Written, contains, revision_of};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::uri::PathAndQuery;
use messages::etcdserverpb::compare::{CompareTarget, TargetUnion};
use messages::etcdserverpb::request_op::Request;
use messages::etcdserverpb::{
    Compare, KeyValue, PutRequest, RangeRequest, RangeResponse, RequestOp, TxnRequest, TxnResponse,
};
use messages::stored;
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// The messages of etcd, and of what the server stores in it.
#[allow(dead_code, clippy::all, reason = "generated; a part of them is used")]
mod messages {
    pub mod etcdserverpb {
        include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
    }
    pub mod stored {
        include!(concat!(env!("OUT_DIR"), "/bailiwick.etcd.v1.rs"));
    }
}

/// Where the server has its keys.
const SERVER: &str = "bailiwick/";
/// Where the commits have theirs, which are as long.
const BARE: &str = "benchmark/";
/// etcd takes 128 operations in one list; the server nests lists of so many.
const NESTED: usize = 60;
/// The most operations that the server does not nest.
const FLAT: usize = 120;

pub struct Store {
    grpc: Grpc<Channel>,
    /// The revision of the key space at which the head was written; 0: it is absent.
    changed_at: i64,
}

impl Store {
    pub async fn of(database: &str, user: &str) -> Result<(Store, Written)> {
        let host = database.strip_prefix("etcd://").context("expected etcd://HOST:PORT")?;
        let channel = Endpoint::from_shared(format!("http://{host}"))?.tcp_nodelay(true).connect().await?;
        let grpc = Grpc::new(channel).max_decoding_message_size(usize::MAX);
        let mut store = Store { grpc, changed_at: 0 };
        let (mut number, mut all) = (0, Vec::new());
        for KeyValue { key, value, .. } in store.range(b"row/", b"row0").await? {
            let (key, at) = (key[SERVER.len() + "row/".len()..].to_vec(), revision_of(&value)?);
            if contains(&key, user.as_bytes()) || contains(&value, user.as_bytes()) {
                number = number.max(at);
            }
            all.push((at, key, value.to_vec()));
        }
        anyhow::ensure!(number > 0, "the store knows no user {user}");
        let rows = all.into_iter().filter(|(at, _, _)| *at == number).map(|(_, key, value)| (key, value)).collect();
        let mut entries = Vec::new();
        for group in store.range(b"log/", b"log0").await? {
            entries.extend(stored::Group::decode(group.value)?.entries);
        }
        let entry = |revision| {
            let found = entries.iter().find(|entry| entry.revision == revision);
            found.map(|found| found.entry.to_vec()).context("the log has no entry for a user")
        };
        let head = store.range(b"head", b"head\0").await?.pop().context("the store has no head")?;
        let state = stored::Head::decode(head.value)?.state.to_vec();
        let written = Written::new(rows, &entry(number - 1)?, entry(number)?, state);
        Ok((store, written))
    }

    /// The server's keys in a range.
    async fn range(&mut self, from: &[u8], to: &[u8]) -> Result<Vec<KeyValue>> {
        let (key, range_end) = (key(SERVER, from, &[]), key(SERVER, to, &[]));
        let request = RangeRequest { key, range_end, ..RangeRequest::default() };
        Ok(self.ask::<_, RangeResponse>("/etcdserverpb.KV/Range", request).await?.kvs)
    }

    pub async fn commit(&mut self, group: Group<'_>) -> Result<()> {
        let (revision, state) = (group.revision, Bytes::copy_from_slice(group.state));
        let entry = |(revision, entry)| stored::Entry { revision, entry: Bytes::copy_from_slice(entry) };
        let entries = group.log.into_iter().map(entry).collect();
        let log = stored::Group { entries, state: state.clone(), part: Bytes::new() };
        let head = stored::Head { layout: 1, epoch: 1, revision, state };
        let mut success = vec![
            put(key(BARE, b"head", &[]), head.encode_to_vec().into()),
            put(key(BARE, b"log/", &revision.to_be_bytes()), log.encode_to_vec().into()),
        ];
        let row = |row: &BareRow<'_>| put(key(BARE, b"row/", &row.key), Bytes::copy_from_slice(row.stored));
        success.extend(nest(group.rows.iter().map(row).collect()));
        let target_union = Some(TargetUnion::ModRevision(self.changed_at));
        let target = CompareTarget::Mod.into();
        let compare = vec![Compare { key: key(BARE, b"head", &[]), target, target_union, ..Compare::default() }];
        let request = TxnRequest { compare, success, failure: Vec::new() };
        let answer: TxnResponse = self.ask("/etcdserverpb.KV/Txn", request).await?;
        anyhow::ensure!(answer.succeeded, "another client replaced the head of the bare commits");
        self.changed_at = answer.header.context("an answer without a header")?.revision;
        Ok(())
    }

    async fn ask<Q, A>(&mut self, path: &'static str, request: Q) -> Result<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.grpc.ready().await.context("etcd")?;
        let codec = ProstCodec::<Q, A>::default();
        let answer = self.grpc.unary(tonic::Request::new(request), PathAndQuery::from_static(path), codec).await;
        Ok(answer.context("etcd")?.into_inner())
    }
}

fn key(prefix: &str, kind: &[u8], rest: &[u8]) -> Bytes {
    [prefix.as_bytes(), kind, rest].concat().into()
}

fn put(key: Bytes, value: Bytes) -> RequestOp {
    RequestOp { request: Some(Request::RequestPut(PutRequest { key, value })) }
}

/// Puts operations into nested lists, if they are too many for one.
fn nest(operations: Vec<RequestOp>) -> Vec<RequestOp> {
    if operations.len() <= FLAT {
        return operations;
    }
    let list = |part: &[RequestOp]| {
        let nested = TxnRequest { success: part.to_vec(), ..TxnRequest::default() };
        RequestOp { request: Some(Request::RequestTxn(nested)) }
    };
    operations.chunks(NESTED).map(list).collect()
}
