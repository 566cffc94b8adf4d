//! The environment of the pipeline's tests: the whole service on a store in memory, and clients that sign.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use bailiwick_api::{Operation, account, authz, iam, op, sts};
use bailiwick_audit::{Recorder, Settings};
use bailiwick_authz::Authz;
use bailiwick_directory::{BootstrapOptions, Directory, bootstrap};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccountId, Partition, Region, Result};
use bailiwick_operation::{Clock, Deployment, Random, RevisionScope};
use bailiwick_seal::{Keyring, Sealer};
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{At, Batch, Changes, MemoryStore, Revision, Store, StoreError, Tx, View};
use bailiwick_sts::Sts;
use jiff::Timestamp;
use prost::Message as _;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::{Door, Incoming, Parts, Peer, Route, Service};

mod lockout;
mod revoked;
mod window;

const MAIN: &str = "111122223333";

/// A clock that tests move.
struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A sequence that does not repeat (splitmix64).
struct Sequence(AtomicU64);

impl Random for Sequence {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (z ^ (z >> 27)) as u8
        });
    }
}

/// A store that holds some commits until they are released, and counts conflicts.
struct HoldingStore {
    inner: MemoryStore,
    /// Commits that put a record of this kind are held, this many of them.
    held: Mutex<(Option<Kind>, usize)>,
    gate: Semaphore,
    conflicts: AtomicUsize,
}

impl HoldingStore {
    /// Holds the next `count` commits that put a record of this kind.
    fn hold(&self, kind: Kind, count: usize) {
        *self.held.lock().unwrap() = (Some(kind), count);
    }

    /// Lets all that are held go on.
    fn release(&self, count: usize) {
        self.gate.add_permits(count);
    }

    fn is_held(&self, batch: &Batch) -> bool {
        let mut held = self.held.lock().unwrap();
        let puts = |kind| batch.put.iter().any(|(key, _)| keys::parse(key).is_some_and(|(_, put, _)| put == kind));
        let is_held = held.1 > 0 && held.0.is_some_and(puts);
        held.1 -= usize::from(is_held);
        is_held
    }
}

#[async_trait]
impl Store for HoldingStore {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        self.inner.read(at).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        if self.is_held(&batch) {
            self.gate.acquire().await.unwrap().forget();
        }
        let committed = self.inner.commit(batch).await;
        if matches!(committed, Err(StoreError::Conflict { .. })) {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        committed
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.inner.watch(after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.inner.head().await
    }
}

/// The whole service, root's access key, and the inputs that tests control.
struct TestEnv {
    folder: TempDir,
    clock: Arc<ManualClock>,
    store: Arc<HoldingStore>,
    service: Service,
    root: Client,
}

/// What a client proves itself with.
#[derive(Clone)]
enum Client {
    /// An access key: id, secret, and the session token of a temporary one.
    Key(String, String, Option<String>),
    /// The same in the query string, for so many seconds.
    Presigned(Box<Client>, u64),
    Bearer(String),
}

impl TestEnv {
    async fn new() -> TestEnv {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock(AtomicI64::new(noon.as_second())));
        let random = Arc::new(Sequence(AtomicU64::new(1)));
        let store = Arc::new(HoldingStore {
            inner: MemoryStore::new(),
            held: Mutex::default(),
            gate: Semaphore::new(0),
            conflicts: AtomicUsize::new(0),
        });
        let sealer = Arc::new(Sealer::new(Keyring::generate(0).unwrap()));
        let mut tx = Tx::begin(store.clone(), Arc::default(), At::Latest).await.unwrap();
        let account = Some(AccountId::parse(MAIN).unwrap());
        let start = BootstrapOptions { account, root_key: None, now: noon, random: random.as_ref(), sealer: &sealer };
        let bootstrapped = bootstrap(&mut tx, start).await.unwrap();
        tx.commit().await.unwrap();
        let snapshots = Arc::new(Snapshots::start(store.clone(), Partition::Aws).await.unwrap());
        let deployment = Arc::new(Deployment {
            partition: Partition::Aws,
            region: Region::parse("us-east-1").unwrap(),
            cluster_id: "pond".into(),
            revisions: RevisionScope { store_id: "pond".into(), epoch: 0 },
            management_account: bootstrapped.account,
            quotas: Arc::new(Quotas::default()),
            clock: clock.clone(),
            random: random.clone(),
            sealer,
        });
        let folder = TempDir::new().unwrap();
        let settings = Settings::in_folder(folder.path());
        let recorder = Recorder::start(store.clone(), random.clone(), clock.clone(), settings).await.unwrap();
        let service = Service::new(Parts {
            deployment: deployment.clone(),
            store: store.clone(),
            snapshots: snapshots.clone(),
            authz: Authz::new(deployment, snapshots),
            directory: Directory,
            sts: Sts,
            recorder,
        });
        let (id, secret) = (bootstrapped.root_key.id.to_string(), bootstrapped.root_key.secret.expose().to_owned());
        TestEnv { folder, clock, store, service, root: Client::Key(id, secret, None) }
    }

    /// The records that are on the disk.
    fn trail(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A revision ahead of all that there are, as an answer would carry it.
    async fn next_revision(&self) -> String {
        let head = self.store.head().await.unwrap();
        self.service.parts.deployment.revisions.format(head.next())
    }

    /// Makes one call, over gRPC, or over AWS Query where the signature stands in the query string.
    async fn call<O: Operation>(&self, who: &Client, req: O::Request) -> Result<O::Response> {
        self.call_with::<O>(who, req, None).await
    }

    /// The same, answered at this revision or after.
    async fn call_at<O: Operation>(
        &self,
        who: &Client,
        req: O::Request,
        min_revision: Option<&str>,
    ) -> Result<O::Response> {
        self.call_with::<O>(who, req, min_revision.map(|revision| ("x-bailiwick-min-revision", revision))).await
    }

    /// The same with a further header.
    async fn call_with<O: Operation>(
        &self,
        who: &Client,
        req: O::Request,
        header: Option<(&str, &str)>,
    ) -> Result<O::Response> {
        let message = req.encode_to_vec();
        let mut headers = vec![("host".to_owned(), "pond.example".to_owned())];
        let (mut door, mut path, mut query) = (Door::Grpc, O::PATH, String::new());
        if let Client::Presigned(..) = who {
            (door, path, query) = (Door::Query, "/", format!("Action={}", O::NAME));
        }
        match who {
            Client::Bearer(token) => headers.push(("authorization".into(), format!("Bearer {token}"))),
            Client::Key(id, secret, token) => {
                let (lines, body) = (lines(&headers), PayloadHash::of(b""));
                let request = sigv4::Request { method: "POST", path, query: "", headers: &lines };
                let credentials = credentials(id, secret, token);
                let signing = Signing::new(&credentials, "us-east-1", "bailiwick", self.clock.now());
                let added = sigv4::sign(&request, &signing.unsigned_payload(), &body).unwrap();
                headers.extend(added.iter().map(|(name, value)| (name.to_string(), value.to_string())));
            }
            Client::Presigned(key, seconds) => {
                let Client::Key(id, secret, token) = &**key else { panic!("only keys presign") };
                let (lines, body) = (lines(&headers), PayloadHash::of(b""));
                let request = sigv4::Request { method: "GET", path, query: &query, headers: &lines };
                let credentials = credentials(id, secret, token);
                let signing = Signing::new(&credentials, "us-east-1", O::SERVICE, self.clock.now());
                query = sigv4::presign(&request, &signing, Duration::from_secs(*seconds), &body).unwrap();
            }
        }
        headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let headers = lines(&headers);
        let answer = self.service.call(Incoming {
            route: Route::find(O::PATH).unwrap(),
            message: Ok(message.into()),
            door,
            method: if door == Door::Grpc { "POST" } else { "GET" },
            path,
            query: &query,
            headers: &headers,
            body: b"",
            peer: Peer::direct("127.0.0.1".parse().unwrap(), false),
        });
        let answer = answer.await.result?;
        Ok(O::Response::decode(answer).unwrap())
    }

    /// A request to another service, signed by a key for it, as that service hands it over.
    fn received(&self, key: &Client, service: &str) -> authz::SignedRequest {
        let Client::Key(id, secret, token) = key else { panic!("only keys sign") };
        let mut headers = vec![("host".to_owned(), "photos.example".to_owned())];
        let lines = lines(&headers);
        let request = sigv4::Request { method: "GET", path: "/", query: "", headers: &lines };
        let credentials = credentials(id, secret, token);
        let signing = Signing::new(&credentials, "us-east-1", service, self.clock.now());
        let added = sigv4::sign(&request, &signing, &PayloadHash::of(b"")).unwrap();
        headers.extend(added.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let headers = headers.into_iter().map(|(name, value)| authz::Header { name, value });
        authz::SignedRequest {
            http_request: Some(authz::HttpRequest {
                method: "GET".into(),
                target: "/".into(),
                headers: headers.collect(),
                payload: None,
            }),
            service: service.into(),
            ..Default::default()
        }
    }

    /// Lets a call come as far as it gets without others, then does something, then lets the call finish.
    async fn meanwhile<T>(&self, call: impl Future<Output = T>, then: impl Future<Output = ()>) -> T {
        let mut call = pin!(call);
        let waits = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
        assert!(waits, "the call did not wait");
        then.await;
        call.await
    }

    /// A user with an access key, who may do everything.
    async fn user(&self, by: &Client, name: &str) -> Client {
        let user_name = Some(name.to_owned());
        let req = iam::CreateUserRequest { user_name: user_name.clone(), ..Default::default() };
        self.call::<op::CreateUser>(by, req).await.unwrap();
        let req = iam::PutUserPolicyRequest {
            user_name: user_name.clone(),
            policy_name: Some("all".into()),
            policy_document: Some(ALLOW_ALL.into()),
        };
        self.call::<op::PutUserPolicy>(by, req).await.unwrap();
        let req = iam::CreateAccessKeyRequest { user_name };
        let key = self.call::<op::CreateAccessKey>(by, req).await.unwrap().access_key.unwrap();
        Client::Key(key.access_key_id.unwrap(), key.secret_access_key.unwrap(), None)
    }

    /// A role that may do everything, and a session of it.
    async fn role(&self, by: &Client, name: &str) -> Client {
        let role_name = Some(name.to_owned());
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{MAIN}"}},"Action":"sts:*"}}}}"#
        );
        let req = iam::CreateRoleRequest {
            role_name: role_name.clone(),
            assume_role_policy_document: Some(trust),
            ..Default::default()
        };
        self.call::<op::CreateRole>(by, req).await.unwrap();
        let req = iam::PutRolePolicyRequest {
            role_name,
            policy_name: Some("all".into()),
            policy_document: Some(ALLOW_ALL.into()),
        };
        self.call::<op::PutRolePolicy>(by, req).await.unwrap();
        self.session(by, &format!("arn:aws:iam::{MAIN}:role/{name}")).await
    }

    /// A session of a role.
    async fn session(&self, by: &Client, role: &str) -> Client {
        let credentials = self.call::<op::AssumeRole>(by, assume(role)).await.unwrap().credentials.unwrap();
        let (id, secret) = (credentials.access_key_id.unwrap(), credentials.secret_access_key.unwrap());
        Client::Key(id, secret, credentials.session_token)
    }

    /// An account with a user in it who may do everything.
    async fn member(&self, admin: &Client) -> (String, Client) {
        let (account_name, email) = (Some("lake".to_owned()), Some("lake@example.com".to_owned()));
        let req = account::CreateAccountRequest { account_name, email, role_name: None };
        let made = self.call::<op::CreateAccount>(admin, req).await.unwrap();
        let session = self.session(admin, &made.role_arn).await;
        (made.account.unwrap().account_id, self.user(&session, "Otter").await)
    }
}

const ALLOW_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

fn assume(role: &str) -> sts::AssumeRoleRequest {
    sts::AssumeRoleRequest {
        role_arn: Some(role.to_owned()),
        role_session_name: Some("swim".into()),
        ..Default::default()
    }
}

fn credentials<'a>(id: &'a str, secret: &'a str, token: &'a Option<String>) -> Credentials<'a> {
    let credentials = Credentials::new(id, secret);
    match token {
        Some(token) => credentials.with_session_token(token),
        None => credentials,
    }
}

fn lines(headers: &[(String, String)]) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// Code of a refusal, or `OK`.
fn code<T>(result: &Result<T>) -> &'static str {
    result.as_ref().map_or_else(|error| error.code().wire(), |_| "OK")
}
