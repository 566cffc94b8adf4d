//! Test environment of the handlers: a deployment on the memory store, with calls as JSON in AWS's member names.
//!
//! A call runs the steps of the service in order: validation, plan, handler, commit. Plan and handler run twice, because
//! they may. Checks are not decided; `needs` compares them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bailiwick_api::{Operation, Validate as _, find_operation, op};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, ErrorCode, IamError, Partition, Path, Region, Result, RoleName, SessionName,
    Tags, UserName,
};
use bailiwick_operation::{
    Caller, Check, Clock, ContextValue, Credential, Cx, Deployment, Handle, Planned, Principal, Random, RequestInfo,
    RevisionScope, Session,
};
use bailiwick_policy_lang::catalogue::Catalogue;
use bailiwick_seal::{Keyring, Sealer};
use bailiwick_storage::{At, CommitError, MemoryStore, Role, Store, Tx, User};
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use crate::{BootstrapOptions, Directory, bootstrap};

mod races;

/// The management account of every world.
pub(crate) const ACCOUNT: &str = "111122223333";

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        // SplitMix64: every byte looks random, and every run is the same.
        for byte in buffer {
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (x ^ (x >> 31)) as u8;
        }
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) deployment: Arc<Deployment>,
    clock: Arc<TestClock>,
    caller: Arc<Caller>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_quotas(Quotas::default()).await
    }

    /// A world whose caller is root of the management account.
    pub(crate) async fn with_quotas(quotas: Quotas) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_772_366_400)));
        let random: Arc<dyn Random> = Arc::new(Counting(AtomicU64::new(7)));
        let account = AccountId::parse(ACCOUNT).unwrap();
        let deployment = Arc::new(Deployment {
            partition: Partition::Aws,
            region: Region::parse("eu-central-1").unwrap(),
            cluster_id: "test".into(),
            revisions: RevisionScope { store_id: "test".into(), epoch: 0 },
            management_account: account,
            quotas: Arc::new(quotas),
            clock: clock.clone(),
            random: random.clone(),
            sealer: Arc::new(Sealer::new(Keyring::generate(0).unwrap())),
        });
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let caller = Arc::new(long_term(Principal::Root { account }));
        let world = World { store, deployment, clock, caller };
        let mut tx = world.begin().await;
        let now = world.deployment.clock.now();
        let sealer = world.deployment.sealer.clone();
        bootstrap(
            &mut tx,
            BootstrapOptions { account: Some(account), root_key: None, now, random: &*random, sealer: &sealer },
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        world
    }

    pub(crate) async fn begin(&self) -> Tx {
        Tx::begin(self.store.clone(), self.deployment.quotas.clone(), At::Latest).await.unwrap()
    }

    /// Advances the clock.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The same world as a user sees it.
    pub(crate) async fn as_user(&self, name: &str) -> Self {
        let account = self.caller.account();
        let user = self.begin().await.get::<User>(account, &UserName::parse(name).unwrap()).await.unwrap();
        self.as_principal(Principal::User { account, id: user.id, name: user.name, path: user.path })
    }

    /// The same world as root of an account sees it.
    pub(crate) fn as_root(&self, account: &str) -> Self {
        self.as_principal(Principal::Root { account: AccountId::parse(account).unwrap() })
    }

    /// The same world as a session of a role sees it.
    pub(crate) async fn as_session(&self, name: &str) -> Self {
        let account = self.caller.account();
        let role = self.begin().await.get::<Role>(account, &RoleName::parse(name).unwrap()).await.unwrap();
        let key = AccessKeyId::new(AccessKeyKind::Temporary, account, [1; 6]);
        let mut caller = long_term(Principal::RoleSession {
            account,
            id: role.id,
            name: role.name,
            path: Path::root(),
            session_name: SessionName::parse("session").unwrap(),
        });
        caller.credential = Credential::AccessKey(key.clone());
        caller.session = Some(Arc::new(Session {
            access_key_id: key,
            issued: self.deployment.clock.now(),
            expires: self.deployment.clock.now(),
            policies: Vec::new(),
            managed_policies: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            chained: false,
        }));
        World { caller: Arc::new(caller), ..self.clone() }
    }

    fn as_principal(&self, principal: Principal) -> Self {
        World { caller: Arc::new(long_term(principal)), ..self.clone() }
    }

    pub(crate) fn cx(&self) -> Cx {
        let request = RequestInfo {
            id: "00000000-0000-4000-8000-000000000000".into(),
            source_ip: None,
            secure_transport: true,
            user_agent: None,
            region: None,
        };
        Cx::new(self.deployment.clone(), self.caller.clone(), Arc::new(request))
    }

    /// Calls an operation, as the service does.
    pub(crate) async fn call<O: Operation>(&self, request: Value) -> Result<Value>
    where
        Directory: Handle<O>,
    {
        let request = self.request::<O>(request)?;
        let cx = self.cx();
        // A first run that is not committed: a handler may run twice.
        let mut tx = self.begin().await;
        let planned = plan::<O>(&cx, &mut tx, request.clone()).await.inspect_err(|error| {
            let is_about_request = matches!(error.code(), ErrorCode::ValidationError | ErrorCode::InvalidInput);
            assert!(is_about_request, "{} may reveal before authorization what exists: {error}", O::NAME);
        })?;
        assert!(!planned.checks.is_empty(), "{} has no check", O::NAME);
        planned.checks.iter().for_each(agrees_with_catalogue);
        let _ = carry_out::<O>(&cx, &mut tx, planned.plan).await;
        let mut tx = self.begin().await;
        let planned = plan::<O>(&cx, &mut tx, request).await?;
        assert!(tx.is_read_only(), "{} changes something while it plans", O::NAME);
        let response = carry_out::<O>(&cx, &mut tx, planned.plan).await?;
        assert!(!O::READ_ONLY || tx.is_read_only(), "{} says that it only reads", O::NAME);
        tx.commit().await.unwrap();
        Ok(to_json(&find_operation(O::NAME).unwrap().response_descriptor().unwrap(), &response.encode_to_vec()))
    }

    /// Runs two calls on the same state and commits one after the other. Returns whether the second conflicts.
    pub(crate) async fn collide<A: Operation, B: Operation>(&self, first: Value, second: Value) -> bool
    where
        Directory: Handle<A> + Handle<B>,
    {
        let (first, second) = (self.request::<A>(first).unwrap(), self.request::<B>(second).unwrap());
        let cx = self.cx();
        let (mut ahead, mut behind) = (self.begin().await, self.begin().await);
        let first = plan::<A>(&cx, &mut ahead, first).await.unwrap().plan;
        let second = plan::<B>(&cx, &mut behind, second).await.unwrap().plan;
        carry_out::<A>(&cx, &mut ahead, first).await.unwrap();
        carry_out::<B>(&cx, &mut behind, second).await.unwrap();
        ahead.commit().await.unwrap();
        match behind.commit().await {
            Ok(_) => false,
            Err(CommitError::Conflict) => true,
            Err(CommitError::Failed(error)) => panic!("{error:?}"),
        }
    }

    /// The answer of a call that succeeds.
    pub(crate) async fn ok<O: Operation>(&self, request: Value) -> Value
    where
        Directory: Handle<O>,
    {
        let shown = request.to_string();
        self.call::<O>(request).await.unwrap_or_else(|error| panic!("{} {shown}: {error:?}", O::NAME))
    }

    /// Asserts that a call fails with this code and message.
    pub(crate) async fn fails<O: Operation>(&self, request: Value, expected: &str)
    where
        Directory: Handle<O>,
    {
        let shown = request.to_string();
        match self.call::<O>(request).await {
            Ok(answer) => panic!("{} {shown} answered {answer}", O::NAME),
            Err(error) => assert_eq!(error.to_string(), expected, "{} {shown}", O::NAME),
        }
    }

    /// Asserts the checks of a call, one line each: action, resource, owner if it is another account, keys.
    pub(crate) async fn needs<O: Operation>(&self, request: Value, expected: &[&str])
    where
        Directory: Handle<O>,
    {
        let request = self.request::<O>(request).unwrap();
        let mut tx = self.begin().await;
        let checks = plan::<O>(&self.cx(), &mut tx, request).await.unwrap().checks;
        let shown: Vec<String> = checks.iter().map(|check| show(check, self.caller.account())).collect();
        assert_eq!(shown, expected, "{}", O::NAME);
    }

    fn request<O: Operation>(&self, request: Value) -> Result<O::Request> {
        let descriptor = find_operation(O::NAME).unwrap().request_descriptor().unwrap();
        let message = DynamicMessage::deserialize(descriptor, request).unwrap();
        let request = O::Request::decode(&*message.encode_to_vec()).unwrap();
        let violations = request.validate();
        if violations.is_empty() { Ok(request) } else { Err(IamError::validation(violations.to_string())) }
    }

    /// A user with nothing but a name.
    pub(crate) async fn user(&self, name: &str) -> Value {
        self.ok::<op::CreateUser>(json!({"UserName": name})).await["User"].clone()
    }

    /// A group with nothing but a name.
    pub(crate) async fn group(&self, name: &str) -> Value {
        self.ok::<op::CreateGroup>(json!({"GroupName": name})).await["Group"].clone()
    }

    /// A role that the account trusts.
    pub(crate) async fn role(&self, name: &str) -> Value {
        let trust = trusting(ACCOUNT);
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        self.ok::<op::CreateRole>(role).await["Role"].clone()
    }

    /// A managed policy that allows something; returns its ARN.
    pub(crate) async fn policy(&self, name: &str) -> String {
        let policy = json!({"PolicyName": name, "PolicyDocument": ALLOW});
        self.ok::<op::CreatePolicy>(policy).await["Policy"]["Arn"].as_str().unwrap().to_owned()
    }
}

type Plan<O> = <Directory as Handle<O>>::Plan;

async fn plan<O: Operation>(cx: &Cx, tx: &mut Tx, request: O::Request) -> Result<Planned<Plan<O>>>
where
    Directory: Handle<O>,
{
    Handle::<O>::plan(&Directory, cx, tx, request).await
}

async fn carry_out<O: Operation>(cx: &Cx, tx: &mut Tx, plan: Plan<O>) -> Result<O::Response>
where
    Directory: Handle<O>,
{
    Handle::<O>::handle(&Directory, cx, tx, plan).await
}

/// A document that allows something.
pub(crate) const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;

/// A trust policy for one principal.
pub(crate) fn trusting(principal: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    })
    .to_string()
}

/// The texts under a key of every row.
pub(crate) fn column(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
}

fn long_term(principal: Principal) -> Caller {
    let key = AccessKeyId::new(AccessKeyKind::LongTerm, principal.account(), [0; 6]);
    Caller { principal, credential: Credential::AccessKey(key), session: None, mfa: None }
}

fn show(check: &Check, own: AccountId) -> String {
    let mut text = format!("{} {}", check.action, check.resource);
    if check.resource_account != Some(own) {
        let owner = check.resource_account.map_or("no account".to_owned(), |owner| owner.to_string());
        text.push_str(&format!(" of {owner}"));
    }
    for (key, value) in &check.context {
        match value {
            ContextValue::One(value) => text.push_str(&format!(" {key}={value}")),
            ContextValue::Many(values) => text.push_str(&format!(" {key}=[{}]", values.join(","))),
        }
    }
    text
}

/// Asserts that a check has a type of resource and keys that AWS documents for its action.
fn agrees_with_catalogue(check: &Check) {
    let (prefix, name) = check.action.split_once(':').unwrap();
    let service = Catalogue::builtin().service(prefix).unwrap();
    let action = service.action(name).unwrap_or_else(|| panic!("{} is in no catalogue", check.action));
    let known = match check.resource.as_str() {
        // A missing key has no owner.
        "*" => action.resources.is_empty() || name == "GetAccessKeyLastUsed",
        root if root.ends_with(":root") => true,
        arn => action.resources.iter().any(|kind| arn.contains(&format!(":{kind}/"))),
    };
    assert!(known, "{} on {}", check.action, check.resource);
    let resources = action.resources.iter().filter_map(|kind| service.resource(kind));
    let keys: Vec<&Box<str>> = action.keys.iter().chain(resources.flat_map(|kind| &kind.keys)).collect();
    for (key, _) in &check.context {
        let general = key.split('/').next().unwrap();
        let documented = keys.iter().any(|known| known.split('/').next() == Some(general));
        assert!(documented, "{} does not know {key}", check.action);
    }
}

fn to_json(descriptor: &MessageDescriptor, bytes: &[u8]) -> Value {
    let message = DynamicMessage::decode(descriptor.clone(), bytes).unwrap();
    serde_json::to_value(&message).unwrap()
}
