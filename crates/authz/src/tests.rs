//! What all tests stand on: a store, the snapshot of it, users with keys, and requests that they sign.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use bailiwick_api::{Operation, authz};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, Arn, GroupName, IdKind, Partition, Path, PolicyName, Region, Result,
    RoleName, SessionName, Tags, UniqueId, UserName,
};
use bailiwick_operation::{
    Caller, Check, Clock, Credential, Cx, Deployment, Handle, Planned, Principal, Random, RequestInfo, RevisionScope,
    SecretOwner, Session, SessionPolicyRef,
};
use bailiwick_policy_lang::catalogue::Catalogue;
use bailiwick_seal::{Keyring, Sealer, SecretString};
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{
    AccessKey, Account, AccountState, Group, Identity, InlinePolicy, KeyOwner, MemoryStore, Policy, Revision, Role,
    Store, TrustPolicy, Tx, User,
};
use bailiwick_sts::Tokens;
use jiff::Timestamp;

use crate::{Authenticated, Authz, Proof, SignedRequest};

mod authentication;
mod batches;
mod decisions;
mod disclosures;
mod efforts;
mod explanations;
mod handles;
mod pass_role;
mod questions;
mod registry;
mod reserved;
mod resources;
mod simulations;
mod validation;
mod values;

const MAIN: &str = "111122223333";
const OTHER: &str = "444455556666";
const THIRD: &str = "777788889999";

fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A clock that tests move.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

struct House {
    clock: Arc<Hand>,
    deployment: Arc<Deployment>,
    store: Arc<dyn Store>,
    snapshots: Arc<Snapshots>,
    authz: Authz,
    ids: AtomicU8,
}

/// An access key with both halves, and the session token of a temporary one.
#[derive(Clone)]
struct Key {
    id: AccessKeyId,
    secret: String,
    token: Option<String>,
}

impl House {
    async fn new() -> House {
        let clock = Arc::new(Hand(AtomicI64::new(noon().as_second())));
        let deployment = Arc::new(Deployment {
            partition: Partition::Aws,
            region: Region::parse("eu-central-1").unwrap(),
            cluster_id: "pond".into(),
            management_account: account(MAIN),
            quotas: Arc::new(Quotas::default()),
            revisions: RevisionScope { store_id: "pond".into(), epoch: 0 },
            clock: clock.clone(),
            random: Arc::new(Counting(AtomicU8::new(0))),
            sealer: Arc::new(Sealer::new(Keyring::generate(0).unwrap())),
        });
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let snapshots = Arc::new(Snapshots::start(store.clone(), Partition::Aws).await.unwrap());
        let authz = Authz::new(deployment.clone(), snapshots.clone());
        let house = House { clock, deployment, store, snapshots, authz, ids: AtomicU8::new(0) };
        let mut tx = house.tx().await;
        for id in [MAIN, OTHER, THIRD] {
            tx.create_account(&Account {
                id: account(id),
                name: id.into(),
                email: format!("{id}@example.com"),
                state: AccountState::Active,
                created: noon(),
                management: id == MAIN,
                alias: None,
                role_name: None,
                state_changed: None,
                sessions_valid_after: None,
            })
            .await
            .unwrap();
        }
        house.commit(tx).await;
        house
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn next_id(&self, kind: IdKind) -> UniqueId {
        UniqueId::new(kind, [self.ids.fetch_add(1, Ordering::Relaxed); 17])
    }

    async fn tx(&self) -> Tx {
        Tx::begin(self.store.clone(), Arc::new(Quotas::default()), bailiwick_storage::At::Latest).await.unwrap()
    }

    async fn commit(&self, tx: Tx) -> Revision {
        let revision = tx.commit().await.unwrap();
        self.snapshots.at_least(revision).await.unwrap();
        revision
    }

    /// A user with one inline policy, if there is a document.
    async fn user(&self, of: &str, name: &str, document: &str) -> User {
        let user = User {
            account: account(of),
            id: self.next_id(IdKind::User),
            name: UserName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
            tags: Tags::parse([("Team", "reeds")]).unwrap(),
            boundary: None,
            password_last_used: None,
            sessions_valid_after: None,
        };
        let mut tx = self.tx().await;
        tx.create(&user).await.unwrap();
        self.inline(&mut tx, &(&user).into(), document).await;
        self.commit(tx).await;
        user
    }

    async fn inline(&self, tx: &mut Tx, identity: &Identity, document: &str) {
        if !document.is_empty() {
            let name = PolicyName::parse("own").unwrap();
            let policy = InlinePolicy { name, document: document.into(), size: 1 };
            tx.put_inline_policy(identity, &policy).await.unwrap();
        }
    }

    async fn group(&self, name: &str, document: &str, members: &[&User]) -> Group {
        let group = Group {
            account: account(MAIN),
            id: self.next_id(IdKind::Group),
            name: GroupName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
        };
        let mut tx = self.tx().await;
        tx.create(&group).await.unwrap();
        self.inline(&mut tx, &(&group).into(), document).await;
        for member in members {
            tx.add_member(&group, member).await.unwrap();
        }
        self.commit(tx).await;
        group
    }

    async fn role(&self, of: &str, name: &str, trust: &str, document: &str) -> Role {
        let role = Role {
            account: account(of),
            id: self.next_id(IdKind::Role),
            name: RoleName::parse(name).unwrap(),
            path: Path::parse("/ponds/").unwrap(),
            created: noon(),
            tags: Tags::parse([("Team", "roles"), ("Cost", "7")]).unwrap(),
            boundary: None,
            description: None,
            trust_policy: TrustPolicy { text: trust.into(), bound: trust.into() },
            max_session_seconds: 3_600,
            max_signin_session_seconds: None,
            sessions_valid_after: None,
            linked_service: None,
        };
        let mut tx = self.tx().await;
        tx.create(&role).await.unwrap();
        self.inline(&mut tx, &(&role).into(), document).await;
        self.commit(tx).await;
        role
    }

    /// A managed policy of the main account, by its ARN.
    async fn managed(&self, name: &str, document: &str) -> Arn {
        let policy = Policy {
            account: account(MAIN),
            id: self.next_id(IdKind::Policy),
            name: PolicyName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
            updated: noon(),
            description: None,
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        let mut tx = self.tx().await;
        tx.create_policy(&policy, document.into()).await.unwrap();
        self.commit(tx).await;
        arn(&format!("arn:aws:iam::{MAIN}:policy/{name}"))
    }

    /// A managed policy as a session policy.
    fn bound(&self, arn: &Arn) -> SessionPolicyRef {
        let policy = self.snapshots.current().unwrap().managed_policy(arn).unwrap().reference();
        SessionPolicyRef { arn: arn.clone(), policy }
    }

    /// A long-term key of a user, or of root.
    async fn key(&self, of: &str, user: Option<&User>) -> Key {
        let random = [self.ids.fetch_add(1, Ordering::Relaxed); 6];
        let id = AccessKeyId::new(AccessKeyKind::LongTerm, account(of), random);
        let user = user.map(|user| user.id);
        let secret = SecretString::access_key([random[0]; 30]);
        let owner = SecretOwner { account: account(of), user: user.as_ref(), key: &id };
        let sealed = owner.seal(&self.deployment.sealer, &secret).unwrap();
        let record = AccessKey {
            account: account(of),
            id: id.clone(),
            owner: user.map_or(KeyOwner::Root, KeyOwner::User),
            active: true,
            created: noon(),
            sealed_secret: sealed.into(),
        };
        let mut tx = self.tx().await;
        tx.create_access_key(&record).await.unwrap();
        self.commit(tx).await;
        Key { id, secret: secret.expose().to_owned(), token: None }
    }

    /// Credentials of a session, good for an hour.
    fn session(&self, role: &Role, name: &str, change: impl FnOnce(&mut Session)) -> Key {
        let principal = Principal::RoleSession {
            account: role.account,
            id: role.id,
            name: role.name.clone(),
            path: role.path.clone(),
            session_name: SessionName::parse(name).unwrap(),
        };
        self.temporary(principal, change)
    }

    fn temporary(&self, principal: Principal, change: impl FnOnce(&mut Session)) -> Key {
        let random = [self.ids.fetch_add(1, Ordering::Relaxed); 6];
        let id = AccessKeyId::new(AccessKeyKind::Temporary, principal.account(), random);
        let mut session = Session {
            access_key_id: id.clone(),
            issued: self.now(),
            expires: self.now() + Duration::from_secs(3_600),
            policies: Vec::new(),
            managed_policies: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            chained: false,
        };
        change(&mut session);
        let credential = Credential::AccessKey(id.clone());
        let caller = Caller { principal, credential, session: Some(Arc::new(session)), mfa: None };
        let (token, secret) = Tokens::of(&self.deployment).issue_session(&caller).unwrap();
        Key { id, secret: secret.expose().to_owned(), token: Some(token) }
    }

    fn cx(&self, who: &Authenticated) -> Cx {
        let request = RequestInfo {
            id: "00000000-0000-4000-8000-000000000000".into(),
            source_ip: Some("192.0.2.7".parse().unwrap()),
            secure_transport: true,
            user_agent: Some("heron/1".into()),
            region: Some(Region::parse("eu-west-1").unwrap()),
        };
        let cx = Cx::new(self.deployment.clone(), who.caller.clone(), Arc::new(request));
        cx.with_view(self.snapshots.current().unwrap())
    }

    /// The caller that a key proves, by a signed request to IAM.
    async fn prove(&self, key: &Key) -> Result<Authenticated> {
        self.authenticate(&Sent::signed(self, key)).await
    }

    async fn authenticate(&self, sent: &Sent) -> Result<Authenticated> {
        let headers: Vec<_> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &sent.method, path: &sent.path, query: &sent.query, headers: &headers };
        let proof = Proof::Signature(SignedRequest {
            request,
            service: sent.service,
            body: &sent.body,
            unsigned_payload: sent.unsigned_payload,
        });
        self.authz.authenticate(&proof, self.now()).await
    }

    /// Does what the pipeline does with a call that changes nothing.
    async fn call<O: Operation>(&self, who: &Authenticated, req: O::Request) -> Result<O::Response>
    where
        Authz: Handle<O>,
    {
        self.called::<O>(who, req).await.map(|(answer, _)| answer)
    }

    /// The same with one that changes something.
    async fn change<O: Operation>(&self, who: &Authenticated, req: O::Request) -> Result<O::Response>
    where
        Authz: Handle<O>,
    {
        let (answer, tx) = self.called::<O>(who, req).await?;
        self.commit(tx).await;
        Ok(answer)
    }

    /// Checks, each decided, then the handler.
    async fn called<O: Operation>(&self, who: &Authenticated, req: O::Request) -> Result<(O::Response, Tx)>
    where
        Authz: Handle<O>,
    {
        if let Some(revision) = Handle::<O>::min_revision(&self.authz, &req) {
            self.snapshots.at_least(self.deployment.revisions.parse(revision)?).await?;
        }
        let mut tx = self.tx().await;
        self.snapshots.at_least(tx.revision()).await?;
        let mut who = who.clone();
        let cx = self.cx(&who);
        self.authz.prove_again(&cx.view().unwrap(), &mut who, cx.now())?;
        let cx = self.cx(&who);
        let Planned { plan, checks, .. } = Handle::<O>::plan(&self.authz, &cx, &mut tx, req).await?;
        assert!(!checks.is_empty(), "nothing is free");
        let snapshot = cx.view().unwrap();
        checks.iter().for_each(agrees_with_catalogue);
        for check in &checks {
            self.authz.decide(&snapshot, &who, &cx, check)?;
        }
        let answer = Handle::<O>::handle(&self.authz, &cx, &mut tx, plan).await?;
        Ok((answer, tx))
    }

    /// A user of the main account who may ask everything, as a service would have one.
    async fn service(&self) -> Authenticated {
        let user = self.user(MAIN, "gateway", &allow("bailiwick:*", "*")).await;
        let key = self.key(MAIN, Some(&user)).await;
        self.prove(&key).await.unwrap()
    }
}

/// What a check asks for is what the catalogue says of its action: so that policies about it can be validated.
fn agrees_with_catalogue(check: &Check) {
    let (prefix, name) = check.action.split_once(':').unwrap();
    let service = Catalogue::builtin().service(prefix).unwrap();
    let action = service.action(name).unwrap();
    if check.resource == "*" {
        assert!(action.resources.is_empty() && check.context.is_empty(), "{} acts on something", check.action);
        return;
    }
    let on = arn(&check.resource);
    let kind = match on.service() {
        "iam" | "sts" | "bailiwick" => on.typed_resource().map_or(on.resource(), |(kind, ..)| kind),
        _ => "resource",
    };
    assert!(action.resources.iter().any(|known| **known == *kind), "{} on {on}", check.action);
    let of_resource = service.resource(kind).into_iter().flat_map(|resource| &resource.keys);
    let known: Vec<_> = action.keys.iter().chain(of_resource).collect();
    for (key, _) in &check.context {
        let is_it = |known: &str| match known.strip_suffix("${TagKey}") {
            Some(head) => key.starts_with(head),
            None => known == key,
        };
        assert!(known.iter().any(|known| is_it(known)), "{} does not know {key}", check.action);
    }
}

fn allow(action: &str, resource: &str) -> String {
    statement("Allow", action, resource, "{}")
}

fn statement(effect: &str, action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"S1","Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{condition}}}]}}"#
    )
}

/// A request on its way: signed, and perhaps changed after that.
#[derive(Clone)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    service: &'static str,
    unsigned_payload: bool,
}

impl Sent {
    fn new(service: &'static str, method: &str, path: &str, query: &str, body: &[u8]) -> Sent {
        Sent {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: vec![("Host".into(), "pond.example".into())],
            body: body.into(),
            service,
            unsigned_payload: false,
        }
    }

    /// A call of IAM, signed by a key.
    fn signed(house: &House, key: &Key) -> Sent {
        Sent::new("iam", "POST", "/", "", b"Action=ListUsers&Version=2010-05-08").sign(house, key, "us-east-1")
    }

    fn sign(self, house: &House, key: &Key, region: &'static str) -> Sent {
        let service = self.service;
        let now = house.now();
        self.sign_as(key, |credentials| Signing::new(credentials, region, service, now))
    }

    fn sign_as(mut self, key: &Key, signing: impl for<'a> FnOnce(&'a Credentials<'a>) -> Signing<'a>) -> Sent {
        let mut credentials = Credentials::new(key.id.as_str(), &key.secret);
        if let Some(token) = &key.token {
            credentials = credentials.with_session_token(token);
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let added = sigv4::sign(&request, &signing(&credentials), &PayloadHash::of(&self.body)).unwrap();
        let added: Vec<_> = added.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.headers.extend(added);
        self
    }

    fn presign(mut self, house: &House, key: &Key, seconds: u64) -> Sent {
        let mut credentials = Credentials::new(key.id.as_str(), &key.secret);
        if let Some(token) = &key.token {
            credentials = credentials.with_session_token(token);
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let signing = Signing::new(&credentials, "us-east-1", self.service, house.now());
        let life = Duration::from_secs(seconds);
        self.query = sigv4::presign(&request, &signing, life, &PayloadHash::of(&self.body)).unwrap();
        self
    }

    /// The request as the service that received it hands it over.
    fn handed_over(&self) -> authz::SignedRequest {
        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let headers =
            self.headers.iter().map(|(name, value)| authz::Header { name: name.clone(), value: value.clone() });
        authz::SignedRequest {
            http_request: Some(authz::HttpRequest {
                method: self.method.clone(),
                target,
                headers: headers.collect(),
                payload: Some(authz::http_request::Payload::Body(self.body.clone().into())),
            }),
            service: self.service.into(),
            host: None,
            region: None,
        }
    }
}

fn by(who: authz::caller::Who) -> Option<authz::Caller> {
    Some(authz::Caller { who: Some(who) })
}

fn arn(text: &str) -> Arn {
    Arn::parse(text).unwrap()
}

/// Code of a refusal.
fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => error.code().wire(),
    }
}
