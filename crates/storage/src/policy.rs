//! Managed policies and their versions.

use bailiwick_model::{
    AccountId, ErrorCode, IamError, KeyCase, Path, PolicyName, PolicyRef, Result, Tags, UniqueId,
    limits::VERSIONS_PER_POLICY,
};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, Record, pb},
    error::StoreError,
    keys::{self, CounterKind, Kind},
    noun::{Noun, NounSpec},
    tx::Tx,
};

/// How an identity uses a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Usage {
    /// It is attached: `PermissionsPolicy`.
    Attached = 1,
    /// It bounds: `PermissionsBoundary`.
    Boundary = 2,
}

/// A managed policy without its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The owner; [`AccountId::NONE`] for policies of the deployment (`arn:aws:iam::aws:policy/…`).
    pub account: AccountId,
    /// Its unique id, `ANPA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: PolicyName,
    /// The path.
    pub path: Path,
    /// When the policy was created.
    pub created: Timestamp,
    /// When it got a version, or another default.
    pub updated: Timestamp,
    /// The description.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The number of the version in force.
    pub default_version: u32,
    /// The highest version number so far; numbers are not reused.
    pub latest_version: u32,
}

/// A version of a managed policy; `v3` has the number 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy.
    pub policy: PolicyRef,
    /// The number.
    pub version: u32,
    /// When the version was created.
    pub created: Timestamp,
    /// The document as the caller sent it.
    pub document: String,
}

impl Policy {
    /// Points at this policy.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef { account: self.account, id: self.id }
    }
}

impl Tx {
    /// The policy that a reference points at, if it still exists.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_policy(&mut self, policy: PolicyRef) -> Result<Option<Policy>> {
        self.find_by_id(policy.account, &policy.id).await
    }

    /// Creates a managed policy with its first version, which is the default.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create_policy(&mut self, policy: &Policy, document: String) -> Result<PolicyVersion> {
        self.create_noun(policy).await?;
        let (created, version) = (policy.created, policy.default_version);
        let first = PolicyVersion { policy: policy.reference(), version, created, document };
        self.put_version(&first);
        Ok(first)
    }

    /// Replaces the record of a policy, except for its name: description, path, tags.
    ///
    /// # Errors
    /// `EntityAlreadyExists` when it has a new name that is taken.
    pub async fn update_policy(&mut self, old: &Policy, new: &Policy) -> Result<()> {
        self.update_noun(old, new).await.map(drop)
    }

    /// Deletes a policy that is not in use and has no version other than the default.
    ///
    /// # Errors
    /// `DeleteConflict` with what must be removed first.
    pub async fn delete_policy(&mut self, policy: &Policy) -> Result<()> {
        let reference = policy.reference();
        for counter in [CounterKind::Attachments, CounterKind::Boundaries] {
            if self.read_count(keys::policy_counter(policy.account, counter, reference)).await? != 0 {
                return Err(conflict("Cannot delete a policy attached to entities."));
            }
        }
        if self.read_count(keys::policy_counter(policy.account, CounterKind::Versions, reference)).await? > 1 {
            return Err(conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        self.drop_version(reference, policy.default_version);
        self.delete_noun(policy).await
    }

    /// Adds a version; with `set_default` it is in force at once. Returns the policy as it is now, and the version.
    ///
    /// # Errors
    /// `LimitExceeded` when the policy has five versions.
    pub async fn create_policy_version(
        &mut self,
        policy: &Policy,
        document: String,
        set_default: bool,
        now: Timestamp,
    ) -> Result<(Policy, PolicyVersion)> {
        let count = keys::policy_counter(policy.account, CounterKind::Versions, policy.reference());
        if self.read_count(count).await? >= VERSIONS_PER_POLICY as u64 {
            return Err(IamError::new(
                ErrorCode::LimitExceeded,
                format!(
                    "A managed policy can have up to {VERSIONS_PER_POLICY} versions. Before you create a new version, \
                     you must delete an existing version."
                ),
            ));
        }
        let mut changed = policy.clone();
        changed.latest_version += 1;
        changed.updated = now;
        if set_default {
            changed.default_version = changed.latest_version;
        }
        let version =
            PolicyVersion { policy: policy.reference(), version: changed.latest_version, created: now, document };
        self.put_version(&version);
        self.update_noun(policy, &changed).await?;
        Ok((changed, version))
    }

    /// Returns the version with this number, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_policy_version(&mut self, policy: PolicyRef, version: u32) -> Result<Option<PolicyVersion>> {
        self.read(keys::policy_version(policy, version)).await
    }

    /// The version in force.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails or the version is missing.
    pub async fn default_version(&mut self, policy: &Policy) -> Result<PolicyVersion> {
        let found = self.find_policy_version(policy.reference(), policy.default_version).await?;
        Ok(found.ok_or_else(|| StoreError::Corrupt("a policy without its default version".into()))?)
    }

    /// All versions of a policy, the newest first.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_policy_versions(&self, policy: PolicyRef) -> Result<Vec<PolicyVersion>> {
        let rows = self.scan(&keys::policy_versions(policy), None, usize::MAX).await?;
        Ok(rows.iter().rev().map(|(_, value)| PolicyVersion::decode(value)).collect::<Result<_, _>>()?)
    }

    /// Deletes a version that is not the default; returns whether it existed.
    ///
    /// # Errors
    /// `DeleteConflict` for the version in force.
    pub async fn delete_policy_version(&mut self, policy: &Policy, version: u32) -> Result<bool> {
        self.require(keys::policy(policy.reference()), || missing(policy.reference())).await?;
        if version == policy.default_version {
            return Err(conflict("Cannot delete the default version of a policy."));
        }
        if self.find_policy_version(policy.reference(), version).await?.is_none() {
            return Ok(false);
        }
        self.drop_version(policy.reference(), version);
        Ok(true)
    }

    /// Makes another version the default; returns whether it exists.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn set_default_version(&mut self, policy: &Policy, version: u32, now: Timestamp) -> Result<bool> {
        if self.find_policy_version(policy.reference(), version).await?.is_none() {
            return Ok(false);
        }
        let changed = Policy { default_version: version, updated: now, ..policy.clone() };
        self.update_noun(policy, &changed).await?;
        Ok(true)
    }

    /// To how many identities of an account a policy is attached: `AttachmentCount`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn attachment_count(&self, account: AccountId, policy: PolicyRef) -> Result<u64> {
        self.peek_count(&keys::policy_counter(account, CounterKind::Attachments, policy)).await
    }

    /// How many entities of an account a policy bounds: `PermissionsBoundaryUsageCount`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn boundary_count(&self, account: AccountId, policy: PolicyRef) -> Result<u64> {
        self.peek_count(&keys::policy_counter(account, CounterKind::Boundaries, policy)).await
    }

    /// How many versions all managed policies of an account have together: `PolicyVersionsInUse`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn policy_version_count(&self, account: AccountId) -> Result<u64> {
        self.peek_count(&keys::counter(account, CounterKind::PolicyVersions, &[])).await
    }

    fn put_version(&mut self, version: &PolicyVersion) {
        self.put_record(keys::policy_version(version.policy, version.version), version);
        self.add(keys::policy_counter(version.policy.account, CounterKind::Versions, version.policy), 1);
        self.add(keys::counter(version.policy.account, CounterKind::PolicyVersions, &[]), 1);
    }

    fn drop_version(&mut self, policy: PolicyRef, version: u32) {
        self.delete_key(keys::policy_version(policy, version));
        self.add(keys::policy_counter(policy.account, CounterKind::Versions, policy), -1);
        self.add(keys::counter(policy.account, CounterKind::PolicyVersions, &[]), -1);
    }
}

/// The error for a policy that does not exist.
pub(crate) fn missing(policy: PolicyRef) -> IamError {
    let message = format!("Policy {} does not exist or is not attachable.", policy.id);
    IamError::new(ErrorCode::NoSuchEntity, message)
}

fn conflict(message: &str) -> IamError {
    IamError::new(ErrorCode::DeleteConflict, message)
}

impl Noun for Policy {
    type Name = PolicyName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::Policy,
        names: Kind::PolicyName,
        label: "policy",
        counter: CounterKind::Policies,
        quota_name: "PoliciesPerAccount",
        quota: |quotas| quotas.policies,
        already_exists: |name| {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            IamError::new(ErrorCode::EntityAlreadyExists, message)
        },
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &PolicyName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
}

impl AsMessage for Policy {
    type Message = pb::Policy;
    const NAME: &'static str = "policy";

    fn to_message(&self) -> pb::Policy {
        pb::Policy {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            created: self.created.as_microsecond(),
            updated: self.updated.as_microsecond(),
            description: self.description.clone(),
            tags: codec::tag_messages(&self.tags),
            default_version: self.default_version,
            latest_version: self.latest_version,
        }
    }

    fn from_message(message: pb::Policy) -> Result<Self, Malformed> {
        Ok(Policy {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: PolicyName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            created: codec::time(message.created)?,
            updated: codec::time(message.updated)?,
            description: message.description,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
            default_version: message.default_version,
            latest_version: message.latest_version,
        })
    }
}

impl AsMessage for PolicyVersion {
    type Message = pb::PolicyVersion;
    const NAME: &'static str = "policy version";

    fn to_message(&self) -> pb::PolicyVersion {
        pb::PolicyVersion {
            account: codec::account_number(self.policy.account),
            policy: self.policy.id.to_string(),
            version: self.version,
            created: self.created.as_microsecond(),
            document: self.document.clone(),
        }
    }

    fn from_message(message: pb::PolicyVersion) -> Result<Self, Malformed> {
        let policy = PolicyRef { account: codec::account(message.account)?, id: codec::id(&message.policy)? };
        let created = codec::time(message.created)?;
        Ok(PolicyVersion { policy, version: message.version, created, document: message.document })
    }
}
