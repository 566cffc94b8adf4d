//! The messages of etcd and of what is stored in it, and their shorthands.

use bytes::Bytes;

#[allow(clippy::all, unreachable_pub, reason = "generated from proto/")]
mod etcdserverpb {
    include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
}

#[allow(clippy::all, unreachable_pub, reason = "generated from proto/")]
mod stored {
    include!(concat!(env!("OUT_DIR"), "/bailiwick.etcd.v1.rs"));
}

pub(crate) use etcdserverpb::{
    AuthenticateRequest, AuthenticateResponse, CompactionRequest, CompactionResponse, Compare, DeleteRangeRequest,
    KeyValue, PutRequest, RangeRequest, RangeResponse, RequestOp, ResponseHeader, ResponseOp, StatusRequest,
    StatusResponse, TxnRequest, TxnResponse, WatchCreateRequest, WatchRequest, WatchResponse,
    compare::{CompareTarget, TargetUnion},
    request_op::Request,
    response_op::Response,
    watch_create_request::FilterType,
    watch_request::RequestUnion,
};
pub(crate) use stored::{Entry, Group, Head};

/// An answer, which says what cluster it is from.
pub(crate) trait Answer: prost::Message + Default + 'static {
    fn header(&self) -> Option<&ResponseHeader>;
}

macro_rules! answers {
    ($($message:ident)*) => {$(
        impl Answer for $message {
            fn header(&self) -> Option<&ResponseHeader> {
                self.header.as_ref()
            }
        }
    )*};
}

answers!(AuthenticateResponse CompactionResponse RangeResponse StatusResponse TxnResponse WatchResponse);

/// The key space's revision at which a request was answered.
pub(crate) fn revision_of(answer: &impl Answer) -> i64 {
    answer.header().map_or(0, |header| header.revision)
}

/// The key was last changed at this revision; 0: it is absent.
pub(crate) fn changed_at(key: Bytes, revision: i64) -> Compare {
    let target_union = Some(TargetUnion::ModRevision(revision));
    Compare { target: CompareTarget::Mod.into(), key, target_union, ..Compare::default() }
}

/// The key has this value.
pub(crate) fn has_value(key: Bytes, value: Bytes) -> Compare {
    let target_union = Some(TargetUnion::Value(value));
    Compare { target: CompareTarget::Value.into(), key, target_union, ..Compare::default() }
}

pub(crate) fn get(key: Bytes) -> RangeRequest {
    RangeRequest { key, ..RangeRequest::default() }
}

pub(crate) fn put(key: Bytes, value: Bytes) -> RequestOp {
    RequestOp { request: Some(Request::RequestPut(PutRequest { key, value })) }
}

pub(crate) fn delete(key: Bytes) -> RequestOp {
    delete_range(key, Bytes::new())
}

pub(crate) fn delete_range(key: Bytes, range_end: Bytes) -> RequestOp {
    RequestOp { request: Some(Request::RequestDeleteRange(DeleteRangeRequest { key, range_end })) }
}

pub(crate) fn range(range: RangeRequest) -> RequestOp {
    RequestOp { request: Some(Request::RequestRange(range)) }
}

pub(crate) fn nested(transaction: TxnRequest) -> RequestOp {
    RequestOp { request: Some(Request::RequestTxn(transaction)) }
}

/// The answers to the reads of a transaction, in order.
pub(crate) fn ranges(answer: TxnResponse) -> impl Iterator<Item = RangeResponse> {
    let read = |op: ResponseOp| match op.response {
        Some(Response::ResponseRange(found)) => found,
        None => RangeResponse::default(),
    };
    answer.responses.into_iter().map(read)
}
