//! The whole service on a store in memory, and clients that sign.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bailiwick_api::{Operation, account, authz, iam, op, sts};
use bailiwick_audit::{Recorder, Settings};
use bailiwick_authz::Authz;
use bailiwick_directory::{BootstrapOptions, Directory, bootstrap};
use bailiwick_model::Result;
use bailiwick_model::limits::Quotas;
use bailiwick_operation::Clock as _;
use bailiwick_service::{FrontEnd, Incoming, Parts, Peer, PeerCertificate, Route, Service};
use bailiwick_signin::SignIn;
use bailiwick_sigv4::Signing;
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::Store as _;
use bailiwick_sts::Sts;
use http::{HeaderMap, HeaderName, Method, Uri};
use prost::Message as _;
use tempfile::TempDir;

use crate::{HoldingStore, Key, MAIN, ManualClock, TestRequest, World};

const REGION: &str = "us-east-1";

/// A front end like gRPC.
static GRPC: FrontEnd = FrontEnd {
    name: "gRPC",
    signing_service: Some("bailiwick"),
    accepts_certificate: true,
    accepts_bearer: true,
    accepts_console: false,
    accepts_query: false,
    accepts_unsigned_payload: true,
};

/// A front end like AWS Query.
static QUERY: FrontEnd = FrontEnd {
    name: "AWS Query",
    signing_service: None,
    accepts_certificate: false,
    accepts_bearer: false,
    accepts_console: false,
    accepts_query: true,
    accepts_unsigned_payload: false,
};

/// A policy that allows everything.
pub const ALLOW_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// The whole service on a bootstrapped store in memory.
#[expect(missing_debug_implementations, reason = "it has root's secret")]
pub struct Pipeline {
    /// The folder of the audit trail, which is removed when this value is dropped.
    pub folder: TempDir,
    world: World,
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The store.
    pub store: Arc<HoldingStore>,
    /// The service.
    pub service: Service,
    /// Root of the management account.
    pub root: Client,
}

/// The credentials of a client.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it has secrets")]
pub enum Client {
    /// An access key, which signs calls over gRPC.
    Key(Key),
    /// The same in the query string of AWS Query, for so many seconds.
    Presigned(Key, u64),
    /// A bearer token.
    Bearer(String),
    /// A client certificate, over a connection with TLS.
    Certificate(Arc<PeerCertificate>),
    /// The same, and also a bearer token.
    CertificateAndBearer(Arc<PeerCertificate>, String),
    /// Nothing: calls over gRPC without a signature.
    Anonymous,
}

impl Client {
    /// The access key.
    ///
    /// # Panics
    /// If the client has none.
    pub fn key(&self) -> &Key {
        match self {
            Client::Key(key) | Client::Presigned(key, _) => key,
            _ => panic!("the client has no key"),
        }
    }
}

impl Pipeline {
    /// Starts the service.
    pub async fn new() -> Self {
        let store = Arc::new(HoldingStore::default());
        let world = World::over(store.clone(), Quotas::default());
        let (clock, deployment) = (world.clock.clone(), world.deployment.clone());
        let mut tx = world.begin().await;
        let options = BootstrapOptions {
            account: Some(deployment.management_account),
            root_key: None,
            now: clock.now(),
            random: &*deployment.random,
            sealer: &deployment.sealer,
        };
        let root = bootstrap(&mut tx, options).await.unwrap().root_key;
        world.commit(tx).await;
        let snapshots = Arc::new(Snapshots::start(store.clone(), deployment.partition).await.unwrap());
        let folder = TempDir::new().unwrap();
        let settings = Settings::in_folder(folder.path());
        let recorder = Recorder::start(store.clone(), &deployment, settings).await.unwrap();
        let service = Service::new(Parts {
            deployment: deployment.clone(),
            store: store.clone(),
            snapshots: snapshots.clone(),
            authz: Authz::new(deployment, snapshots).with_trail(recorder.look_up().clone()),
            directory: Directory,
            sts: Sts,
            sign_in: SignIn,
            recorder,
        });
        let root = Client::Key(Key { id: root.id, secret: root.secret.expose().to_owned(), token: None });
        Pipeline { folder, world, clock, store, service, root }
    }

    /// The audit records in the segments.
    pub fn segments(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap());
        let segments = files.filter(|file| {
            file.file_name().to_string_lossy().starts_with("audit-")
                && file.path().extension() == Some("jsonl".as_ref())
        });
        segments.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect()
    }

    /// The revision that follows the newest one, as an answer carries it.
    pub async fn next_revision(&self) -> String {
        let head = self.store.head().await.unwrap();
        self.service.parts().deployment.revisions.format(head.next())
    }

    /// Makes one call: over gRPC, or over AWS Query if the signature is in the query string.
    ///
    /// # Errors
    /// The error of the answer.
    pub async fn call<O: Operation>(&self, by: &Client, req: O::Request) -> Result<O::Response> {
        self.call_with::<O>(by, req, None).await
    }

    /// The same, answered at this revision or after.
    ///
    /// # Errors
    /// The error of the answer.
    pub async fn call_at<O: Operation>(
        &self,
        by: &Client,
        req: O::Request,
        min_revision: Option<&str>,
    ) -> Result<O::Response> {
        self.call_with::<O>(by, req, min_revision.map(|revision| ("x-bailiwick-min-revision", revision))).await
    }

    /// The same with a further header.
    ///
    /// # Errors
    /// The error of the answer.
    pub async fn call_with<O: Operation>(
        &self,
        by: &Client,
        req: O::Request,
        header: Option<(&str, &str)>,
    ) -> Result<O::Response> {
        let answer = self.send(Route::find(O::PATH).unwrap(), by, req.encode_to_vec(), header).await?;
        Ok(O::Response::decode(answer.as_slice()).unwrap())
    }

    /// Calls an operation that is known at run time only, with an encoded message. Returns the encoded answer.
    ///
    /// # Errors
    /// The error of the answer.
    pub async fn send(
        &self,
        route: &'static Route,
        by: &Client,
        message: Vec<u8>,
        header: Option<(&str, &str)>,
    ) -> Result<Vec<u8>> {
        let now = self.clock.now();
        let mut request = match by {
            Client::Key(key) => TestRequest::new("bailiwick", "POST", route.path, "", b"")
                .sign_as(key, |key| Signing::new(key, REGION, "bailiwick", now).unsigned_payload()),
            Client::Presigned(key, seconds) => {
                let query = format!("Action={}", route.name);
                TestRequest::new(route.service, "GET", "/", &query, b"").presign(&self.world, key, *seconds)
            }
            Client::Anonymous | Client::Certificate(_) => TestRequest::new("bailiwick", "POST", route.path, "", b""),
            Client::Bearer(token) | Client::CertificateAndBearer(_, token) => {
                let mut request = TestRequest::new("bailiwick", "POST", route.path, "", b"");
                request.headers.push(("authorization".into(), format!("Bearer {token}")));
                request
            }
        };
        request.headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let uri: Uri = format!("{}{query}", request.path).parse().unwrap();
        let method: Method = request.method.parse().unwrap();
        let address = "127.0.0.1".parse().unwrap();
        let peer = match by {
            Client::Certificate(certificate) | Client::CertificateAndBearer(certificate, _) => {
                Peer { certificate: Some(certificate.clone()), ..Peer::direct(address, true) }
            }
            _ => Peer::direct(address, false),
        };
        let answer = self.service.call(Incoming {
            front_end: if matches!(by, Client::Presigned(..)) { &QUERY } else { &GRPC },
            route,
            message: Ok(message.into()),
            method: &method,
            uri: &uri,
            headers: &headers,
            body: b"",
            peer,
        });
        Ok(answer.await.result?.to_vec())
    }

    /// A request to another service, signed by a key for it, as that service passes it on.
    pub fn received(&self, by: &Client, service: &'static str) -> authz::SignedRequest {
        let request = TestRequest::new(service, "GET", "/", "", b"").sign(&self.world, by.key(), REGION);
        let mut forwarded = request.to_proto();
        forwarded.http_request.as_mut().unwrap().payload = None;
        forwarded
    }

    /// Polls a call until it waits, then runs `then`, then lets the call finish.
    pub async fn meanwhile<T>(&self, call: impl Future<Output = T>, then: impl Future<Output = ()>) -> T {
        let mut call = pin!(call);
        let waits = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
        assert!(waits, "the call did not wait");
        then.await;
        call.await
    }

    /// Creates a user with an access key and the inline policy `all`, which allows everything.
    pub async fn user(&self, by: &Client, name: &str) -> Client {
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
        Client::Key(Key::new(&key.access_key_id.unwrap(), key.secret_access_key.unwrap(), None))
    }

    /// Creates a role with the inline policy `all`, which allows everything. Returns a session of it.
    pub async fn role(&self, by: &Client, name: &str) -> Client {
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

    /// A session `swim` of a role.
    pub async fn session(&self, by: &Client, role: &str) -> Client {
        let credentials = self.call::<op::AssumeRole>(by, assume_role(role)).await.unwrap().credentials.unwrap();
        let (id, secret) = (credentials.access_key_id.unwrap(), credentials.secret_access_key.unwrap());
        Client::Key(Key::new(&id, secret, credentials.session_token))
    }

    /// Creates an account with the user `Otter`, which may do everything there.
    pub async fn member(&self, by: &Client) -> (String, Client) {
        let (account_name, email) = (Some("lake".to_owned()), Some("lake@example.com".to_owned()));
        let req = account::CreateAccountRequest { account_name, email, role_name: None };
        let created = self.call::<op::CreateAccount>(by, req).await.unwrap();
        let session = self.session(by, &created.role_arn).await;
        (created.account.unwrap().account_id, self.user(&session, "Otter").await)
    }
}

/// A request for a session `swim` of a role.
pub fn assume_role(role: &str) -> sts::AssumeRoleRequest {
    sts::AssumeRoleRequest {
        role_arn: Some(role.to_owned()),
        role_session_name: Some("swim".into()),
        ..Default::default()
    }
}
