//! A client of a cluster: it asks one member after the other.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::stream::{self, StreamExt as _};
use prost::Message;
use tokio::time::{Instant, timeout};
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use zeroize::Zeroizing;

use crate::{
    Address, OpenError,
    api::{
        Answer, AuthenticateRequest, AuthenticateResponse, CompactionRequest, CompactionResponse, RangeRequest,
        RangeResponse, RequestUnion, StatusRequest, StatusResponse, TxnRequest, TxnResponse, WatchCreateRequest,
        WatchRequest, WatchResponse,
    },
    connector::Connector,
    error::Fault,
};

/// How long one member may take for an answer.
const MEMBER: Duration = Duration::from_secs(2);
/// How long an answer may take, of one member after the other.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);
/// How long a transaction that writes may take; etcd itself gives up after seven seconds or more.
const WRITE: Duration = Duration::from_secs(8);
/// How many tokens are asked for, for one request: each becomes invalid when a user or a role of etcd is changed.
const RENEWALS: u32 = 5;
/// The pause before all members are asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// A client of a cluster.
pub(crate) struct Client {
    members: Vec<Member>,
    /// The member that is asked first.
    current: AtomicUsize,
    credentials: Option<(String, Zeroizing<String>)>,
    token: Mutex<Option<AsciiMetadataValue>>,
    /// One call at a time asks for a token.
    renewing: tokio::sync::Mutex<()>,
    /// The cluster that answered first.
    cluster: AtomicU64,
    /// How many requests had no answer, and connections were made.
    faults: Arc<AtomicU64>,
}

struct Member {
    endpoint: Endpoint,
    connector: Connector,
    channel: Mutex<Channel>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects when the first request is made.
    pub(crate) fn new(address: &Address) -> Result<Self, OpenError> {
        let faults = Arc::<AtomicU64>::default();
        let member = |endpoint: Endpoint| {
            let connector = Connector::new(Arc::clone(&faults));
            let channel = Mutex::new(endpoint.connect_with_connector_lazy(connector.clone()));
            Member { endpoint, connector, channel }
        };
        Ok(Client {
            members: address.endpoints()?.into_iter().map(member).collect(),
            current: AtomicUsize::new(0),
            credentials: address.credentials(),
            token: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(()),
            cluster: AtomicU64::new(0),
            faults,
        })
    }

    /// How many requests had no answer, and connections were made: another member may have answered what followed, or a cluster
    /// that was restored. A connection that ended between two requests is replaced without a fault of either.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::SeqCst)
    }

    /// Reads keys. Through the quorum, unless the request is serializable.
    pub(crate) async fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Fault> {
        self.ask("/etcdserverpb.KV/Range", request).await
    }

    /// Runs a transaction that only reads, or that may be run twice.
    pub(crate) async fn transact(&self, request: &TxnRequest) -> Result<TxnResponse, Fault> {
        self.ask(TXN, request).await
    }

    /// Runs a transaction once. After [`Fault::Unreachable`], it may have been applied, or may be later.
    pub(crate) async fn write(&self, request: &TxnRequest) -> Result<TxnResponse, Fault> {
        let mut renewals = 0;
        loop {
            let (at, token) = (self.current.load(Ordering::Relaxed), self.token());
            match self.ask_member(at, WRITE, TXN, request, token.as_ref()).await {
                // Nothing was done.
                Err(Fault::Token(_)) if renewals < RENEWALS && self.credentials.is_some() => {
                    self.renew(at, token).await?;
                    renewals += 1;
                }
                Err(fault @ Fault::Unreachable(_)) => {
                    self.leave(at);
                    return Err(fault);
                }
                answer => return answer,
            }
        }
    }

    /// Removes old versions of keys.
    pub(crate) async fn compact(&self, revision: i64) -> Result<CompactionResponse, Fault> {
        self.ask("/etcdserverpb.KV/Compact", &CompactionRequest { revision }).await
    }

    /// The version and the alarms of a member.
    pub(crate) async fn status(&self) -> Result<StatusResponse, Fault> {
        self.ask("/etcdserverpb.Maintenance/Status", &StatusRequest {}).await
    }

    /// Watches keys at the current member. The stream ends when the member loses the quorum.
    pub(crate) async fn watch(&self, create: WatchCreateRequest) -> Result<Watch<'_>, Fault> {
        let at = self.current.load(Ordering::Relaxed);
        let create = WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        let mut request = Request::new(stream::iter([create]).chain(stream::pending()));
        add_token(&mut request, self.token().as_ref());
        request.metadata_mut().insert("hasleader", AsciiMetadataValue::from_static("true"));
        let mut grpc = Grpc::new(self.channel(at)?).max_decoding_message_size(usize::MAX);
        let opening = async {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            let codec = ProstCodec::<WatchRequest, WatchResponse>::default();
            grpc.streaming(request, PathAndQuery::from_static("/etcdserverpb.Watch/Watch"), codec).await
        };
        match timeout(MEMBER, opening).await {
            Ok(opened) => Ok(Watch { client: self, stream: opened?.into_inner() }),
            Err(_) => Err(silent(MEMBER)),
        }
    }

    /// Asks one member after the other, for some time, until one answers.
    async fn ask<Q: Message + Clone + 'static, A: Answer>(&self, path: &'static str, request: &Q) -> Result<A, Fault> {
        let (end, mut renewals, mut failures) = (Instant::now() + ANSWER, 0, 0);
        loop {
            let (at, token) = (self.current.load(Ordering::Relaxed), self.token());
            let fault = match self.ask_member(at, MEMBER, path, request, token.as_ref()).await {
                Err(Fault::Token(_)) if renewals < RENEWALS && self.credentials.is_some() => {
                    match self.renew(at, token).await {
                        Ok(()) => {
                            renewals += 1;
                            continue;
                        }
                        Err(fault) => fault,
                    }
                }
                Err(fault) => fault,
                answer => return answer,
            };
            if !matches!(fault, Fault::Unreachable(_)) {
                return Err(fault);
            }
            self.leave(at);
            failures += 1;
            if Instant::now() >= end {
                return Err(fault);
            }
            if failures % self.members.len() == 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn ask_member<Q: Message + Clone + 'static, A: Answer>(
        &self,
        at: usize,
        time: Duration,
        path: &'static str,
        message: &Q,
        token: Option<&AsciiMetadataValue>,
    ) -> Result<A, Fault> {
        let mut request = Request::new(message.clone());
        add_token(&mut request, token);
        let mut grpc = Grpc::new(self.channel(at)?).max_decoding_message_size(usize::MAX);
        let asking = async {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            grpc.unary(request, PathAndQuery::from_static(path), ProstCodec::<Q, A>::default()).await
        };
        let answer = timeout(time, asking).await.map_err(|_| silent(time))??.into_inner();
        self.check_cluster(&answer)?;
        Ok(answer)
    }

    /// Refuses answers of another cluster than the first.
    fn check_cluster(&self, answer: &impl Answer) -> Result<(), Fault> {
        let found = answer.header().map_or(0, |header| header.cluster_id);
        match self.cluster.compare_exchange(0, found, Ordering::Relaxed, Ordering::Relaxed) {
            Err(first) if first != found => Err(Fault::Unreachable("the member is of another cluster".into())),
            _ => Ok(()),
        }
    }

    /// Replaces a token that a member refused, unless another call has done so. That one stays until there is another: calls
    /// at the same time may still be answered with it.
    async fn renew(&self, at: usize, refused: Option<AsciiMetadataValue>) -> Result<(), Fault> {
        let Some((name, password)) = &self.credentials else { return Ok(()) };
        let _one = self.renewing.lock().await;
        if self.token() != refused {
            return Ok(());
        }
        let request = AuthenticateRequest { name: name.clone(), password: password.to_string() };
        let answer: AuthenticateResponse =
            self.ask_member(at, MEMBER, "/etcdserverpb.Auth/Authenticate", &request, None).await?;
        let mut token = AsciiMetadataValue::try_from(answer.token)
            .map_err(|_| Fault::Refused("the token of etcd is malformed".into()))?;
        token.set_sensitive(true);
        *lock(&self.token) = Some(token);
        Ok(())
    }

    fn token(&self) -> Option<AsciiMetadataValue> {
        lock(&self.token).clone()
    }

    fn channel(&self, at: usize) -> Result<Channel, Fault> {
        let member = self.members.get(at).ok_or_else(|| Fault::Unreachable("there is no such member".into()))?;
        Ok(lock(&member.channel).clone())
    }

    /// Asks another member from now on, and this one over a new connection: the old one may never end.
    fn leave(&self, at: usize) {
        self.faults.fetch_add(1, Ordering::SeqCst);
        let next = (at + 1) % self.members.len();
        let is_first = self.current.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if let Some(member) = self.members.get(at).filter(|_| is_first) {
            *lock(&member.channel) = member.endpoint.connect_with_connector_lazy(member.connector.clone());
        }
    }
}

/// Changes of keys, as a member has them.
pub(crate) struct Watch<'c> {
    client: &'c Client,
    stream: Streaming<WatchResponse>,
}

impl Watch<'_> {
    /// The next changes; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<WatchResponse>, Fault> {
        let answer = self.stream.message().await?;
        answer.as_ref().map_or(Ok(()), |answer| self.client.check_cluster(answer))?;
        Ok(answer)
    }
}

fn add_token<T>(request: &mut Request<T>, token: Option<&AsciiMetadataValue>) {
    if let Some(token) = token {
        request.metadata_mut().insert("token", token.clone());
    }
}

const TXN: &str = "/etcdserverpb.KV/Txn";

fn silent(time: Duration) -> Fault {
    Fault::Unreachable(format!("no answer within {} seconds", time.as_secs_f32()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // It is consistent at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
