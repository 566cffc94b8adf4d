//! The content of a store: users in groups, roles, a thousand shared policies, and inline policies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bailiwick_evaluator::Policy as Compiled;
use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccountId, GroupName, IdKind, Partition, Path, PolicyName, RoleName, Tags, UniqueId, UserName};
use bailiwick_policy_lang::{PolicyKind, parse};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{
    Account, AccountState, At, Group, Identity, InlinePolicy, MemoryStore, Policy, Role, Scan, Store, TrustPolicy, Tx,
    User,
};
use jiff::Timestamp;

use crate::memory;

/// Managed policies, shared by all.
pub const POLICIES: u64 = 1_000;
/// Groups; each holds one of the policies, each user is in two.
const GROUPS: u64 = 300;
/// The number of principals in one commit.
const TOGETHER: u64 = 500;
/// How many change sets the store's log reaches back: building needs none.
const LOG: usize = 64;

/// A store, its view, and the cost of building the view.
pub struct World {
    pub principals: u64,
    pub store: Arc<dyn Store>,
    pub snapshots: Snapshots,
    pub start: Duration,
    /// Bytes of the view beside all policies.
    pub bytes: i64,
    /// Bytes of the policies that are one principal's alone: inline ones, trust policies.
    pub own_policies: i64,
    quotas: Arc<Quotas>,
}

impl World {
    pub async fn build(principals: u64) -> Result<World> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_log(LOG));
        let quotas = quotas();
        let shared = Shared::create(&store, &quotas).await?;
        read_all(&store).await?;
        let (empty, snapshots, _) = view(&store).await?;
        drop(snapshots);
        // The task that follows the store, and holds the view, ends when it is polled the next time.
        tokio::task::yield_now().await;
        shared.add_principals(&store, &quotas, principals).await?;
        read_all(&store).await?;
        let (whole, snapshots, start) = view(&store).await?;
        let own_policies = own_policies(principals)?;
        Ok(World { principals, store, snapshots, start, bytes: whole - empty - own_policies, own_policies, quotas })
    }

    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx::begin(self.store.clone(), self.quotas.clone(), At::Latest).await?)
    }
}

/// Reads every row. A store in memory allocates the reference count of a row when the row is first read: it is not of the
/// view.
async fn read_all(store: &Arc<dyn Store>) -> Result<()> {
    let view = store.read(At::Latest).await?;
    let mut after = None;
    loop {
        let rows = view.inspect(Scan { prefix: &[], after: after.as_deref(), limit: 1_024 }).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.to_vec());
    }
}

/// Creates the content of a world in a store.
pub async fn populate(store: &Arc<dyn Store>, principals: u64) -> Result<()> {
    let quotas = quotas();
    Shared::create(store, &quotas).await?.add_principals(store, &quotas, principals).await
}

fn quotas() -> Arc<Quotas> {
    Arc::new(Quotas { users: u64::MAX, roles: u64::MAX, ..Quotas::default() })
}

/// The view of a store, how many bytes it takes and how long it took to build.
async fn view(store: &Arc<dyn Store>) -> Result<(i64, Snapshots, Duration)> {
    let (before, begun) = (memory::in_use(), Instant::now());
    let snapshots = Snapshots::start(store.clone(), Partition::Aws).await?;
    Ok((memory::in_use() - before, snapshots, begun.elapsed()))
}

/// The size of the compiled policies that belong to one principal.
fn own_policies(principals: u64) -> Result<i64> {
    let bytes = |text: &str, kind, name: &str| -> Result<i64> {
        let document = parse(text, kind).context("a policy of the bench")?;
        let before = memory::in_use();
        let compiled = Compiled::compile_named(&document, kind, Some(name));
        let taken = memory::in_use() - before;
        drop(compiled);
        Ok(taken)
    };
    let mut sum = 0;
    for number in 0..principals {
        if has_own(number) {
            sum += bytes(&own_document(number), PolicyKind::Identity, OWN)?;
        }
        if is_role(number) {
            sum += bytes(TRUST, PolicyKind::Trust, &name(number))?;
        }
    }
    Ok(sum)
}

/// The name of all inline policies.
pub const OWN: &str = "own";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;

pub fn account() -> Result<AccountId> {
    AccountId::from_number(111_122_223_333).context("an account of the bench")
}

/// One in ten is a role.
pub fn is_role(number: u64) -> bool {
    number % 10 == 9
}

/// One in ten has an inline policy; some of these are roles.
pub fn has_own(number: u64) -> bool {
    (number / 10) % 10 == number % 10
}

/// What every principal has attached.
pub fn attached(number: u64) -> u64 {
    number % POLICIES
}

pub fn name(number: u64) -> String {
    format!("principal-{number}")
}

/// Random ids like real ones, so that consecutive numbers do not have consecutive ids.
pub fn id(kind: IdKind, number: u64) -> UniqueId {
    let mut state = number.wrapping_add(kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = [0; 17];
    for (at, letter) in random.iter_mut().enumerate() {
        state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(number);
        *letter = (state >> (32 + at % 8)) as u8 & 31;
    }
    UniqueId::new(kind, random)
}

pub fn principal_id(number: u64) -> UniqueId {
    id(if is_role(number) { IdKind::Role } else { IdKind::User }, number)
}

/// Half of the statements name a bucket of this policy, half a bucket that many policies name.
fn document(number: u64) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"arn:aws:s3:::bucket-{number}/*"}},{{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:shared-{}"}}]}}"#,
        number % 7
    )
}

fn own_document(number: u64) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::home/{number}/*"}}}}"#
    )
}

/// The inline policy of a principal.
pub fn inline(number: u64) -> Result<InlinePolicy> {
    let document = own_document(number);
    Ok(InlinePolicy { name: PolicyName::parse(OWN)?, size: u32::try_from(document.len())?, document })
}

/// The shared policies.
struct Shared {
    account: AccountId,
    policies: Vec<Policy>,
    groups: Vec<Group>,
}

impl Shared {
    async fn create(store: &Arc<dyn Store>, quotas: &Arc<Quotas>) -> Result<Shared> {
        let account = account()?;
        let mut tx = Tx::begin(store.clone(), quotas.clone(), At::Latest).await?;
        tx.create_account(&management(account)).await?;
        let mut shared = Shared { account, policies: Vec::new(), groups: Vec::new() };
        for number in 0..POLICIES {
            let policy = shared.policy(number)?;
            tx.create_policy(&policy, document(number)).await?;
            shared.policies.push(policy);
        }
        for number in 0..GROUPS {
            let group = shared.group(number)?;
            tx.create(&group).await?;
            tx.attach_policy(&Identity::from(&group), &shared.policies[(number * 3) as usize]).await?;
            shared.groups.push(group);
        }
        tx.commit().await?;
        Ok(shared)
    }

    async fn add_principals(&self, store: &Arc<dyn Store>, quotas: &Arc<Quotas>, principals: u64) -> Result<()> {
        for from in (0..principals).step_by(TOGETHER as usize) {
            let mut tx = Tx::begin(store.clone(), quotas.clone(), At::Latest).await?;
            for number in from..principals.min(from + TOGETHER) {
                self.add_principal(&mut tx, number).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn add_principal(&self, tx: &mut Tx, number: u64) -> Result<()> {
        let identity = if is_role(number) {
            let role = self.role(number)?;
            tx.create(&role).await?;
            Identity::from(&role)
        } else {
            let user = self.user(number)?;
            tx.create(&user).await?;
            for group in [number * 7, number * 7 + 13] {
                tx.add_member(&self.groups[(group % GROUPS) as usize], &user).await?;
            }
            Identity::from(&user)
        };
        tx.attach_policy(&identity, &self.policies[attached(number) as usize]).await?;
        if has_own(number) {
            tx.put_inline_policy(&identity, &inline(number)?).await?;
        }
        Ok(())
    }

    fn user(&self, number: u64) -> Result<User> {
        Ok(User {
            account: self.account,
            id: principal_id(number),
            name: UserName::parse(&name(number))?,
            path: Path::root(),
            created: Timestamp::UNIX_EPOCH,
            tags: Tags::new(),
            boundary: None,
            password_last_used: None,
            sessions_valid_after: None,
        })
    }

    fn role(&self, number: u64) -> Result<Role> {
        Ok(Role {
            account: self.account,
            id: principal_id(number),
            name: RoleName::parse(&name(number))?,
            path: Path::root(),
            created: Timestamp::UNIX_EPOCH,
            tags: Tags::new(),
            boundary: None,
            description: None,
            trust_policy: TrustPolicy { text: TRUST.to_owned(), bound: TRUST.to_owned() },
            max_session_seconds: 3_600,
            max_signin_session_seconds: None,
            sessions_valid_after: None,
            linked_service: None,
        })
    }

    fn group(&self, number: u64) -> Result<Group> {
        Ok(Group {
            account: self.account,
            id: id(IdKind::Group, number),
            name: GroupName::parse(&format!("group-{number}"))?,
            path: Path::root(),
            created: Timestamp::UNIX_EPOCH,
        })
    }

    fn policy(&self, number: u64) -> Result<Policy> {
        Ok(Policy {
            account: self.account,
            id: id(IdKind::Policy, number),
            name: PolicyName::parse(&format!("policy-{number}"))?,
            path: Path::root(),
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            description: None,
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        })
    }
}

fn management(account: AccountId) -> Account {
    Account {
        id: account,
        name: "main".into(),
        email: "root@example.com".into(),
        state: AccountState::Active,
        created: Timestamp::UNIX_EPOCH,
        management: true,
        alias: None,
        role_name: None,
        state_changed: None,
        sessions_valid_after: None,
    }
}
