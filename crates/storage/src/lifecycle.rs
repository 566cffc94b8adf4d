//! Creation, change and deletion of users, groups and roles.

use bailiwick_model::{ErrorCode, IamError, PolicyRef, Result};

use crate::{
    attachment::holder_key,
    codec::id_value,
    group::Group,
    identity::Identity,
    keys::{self, CounterKind, Kind},
    noun::Noun,
    policy::{self, Usage},
    reference::IdentityKind,
    role::Role,
    service_use::ServiceUser,
    tx::Tx,
    user::User,
};

/// A user, group or role: the nouns that policies can be attached to.
pub trait IdentityNoun: Noun {
    /// The reference to this identity.
    fn identity(&self) -> Identity;
    /// The counters that must be zero before a deletion, in the order in which AWS reports them.
    #[doc(hidden)]
    const BLOCKERS: &'static [Blocker];
}

macro_rules! identity_from {
    ($($noun:ident)*) => {$(
        impl From<&$noun> for Identity {
            fn from(noun: &$noun) -> Self {
                Identity {
                    account: noun.account,
                    kind: IdentityKind::$noun,
                    id: noun.id,
                    name: noun.name.as_str().to_owned(),
                }
            }
        }
    )*};
}
identity_from!(User Group Role);

/// A counter that must be zero, and the message for the caller if it is not.
pub struct Blocker(CounterKind, &'static str);

const ATTACHED: Blocker = Blocker(CounterKind::Attached, "must detach all policies first.");
const INLINE: Blocker = Blocker(CounterKind::Inline, "must delete policies first.");
/// AWS's words for objects that its other messages do not name.
const REFERENCED: &str = "must remove referenced objects first.";

impl IdentityNoun for User {
    fn identity(&self) -> Identity {
        self.into()
    }
    const BLOCKERS: &'static [Blocker] = &[
        Blocker(CounterKind::LoginProfiles, "must delete login profile first."),
        Blocker(CounterKind::AccessKeys, "must delete access keys first."),
        Blocker(CounterKind::SigningCertificates, "must delete certificates first."),
        Blocker(CounterKind::MfaDevicesOfOwner, "must remove tokens from principal first."),
        Blocker(CounterKind::SshPublicKeys, REFERENCED),
        Blocker(CounterKind::ServiceSpecificCredentials, REFERENCED),
        ATTACHED,
        INLINE,
        Blocker(CounterKind::GroupsOfUser, "must remove users from group first."),
    ];
}

impl IdentityNoun for Group {
    fn identity(&self) -> Identity {
        self.into()
    }
    const BLOCKERS: &'static [Blocker] =
        &[Blocker(CounterKind::Members, "must remove users from group first."), ATTACHED, INLINE];
}

impl IdentityNoun for Role {
    fn identity(&self) -> Identity {
        self.into()
    }
    const BLOCKERS: &'static [Blocker] = &[
        Blocker(CounterKind::InstanceProfilesOfRole, "must remove roles from instance profile first."),
        ATTACHED,
        INLINE,
    ];
}

impl Tx {
    /// Makes a user, group or role.
    ///
    /// # Errors
    /// `EntityAlreadyExists`, `LimitExceeded`.
    pub async fn create<N: IdentityNoun>(&mut self, new: &N) -> Result<()> {
        self.create_noun(new).await?;
        if let Some(boundary) = new.boundary() {
            self.hold_boundary(&new.identity(), boundary).await?;
        }
        Ok(())
    }

    /// Replaces the record of a user, group or role: name, path, tags, boundary and the rest.
    ///
    /// `old` is the record that this transaction read.
    ///
    /// # Errors
    /// `EntityAlreadyExists` when another identity has the new name.
    pub async fn update<N: IdentityNoun>(&mut self, old: &N, new: &N) -> Result<()> {
        let (before, after) = (old.identity(), new.identity());
        let renamed = self.update_noun(old, new).await?;
        if renamed {
            self.move_reverse_rows(&before, &after).await?;
        }
        if old.boundary() != new.boundary() || renamed {
            if let Some(boundary) = old.boundary() {
                self.release_boundary(&before, boundary);
            }
            if let Some(boundary) = new.boundary() {
                self.hold_boundary(&after, boundary).await?;
            }
        }
        Ok(())
    }

    /// Deletes a user, group or role that holds nothing.
    ///
    /// # Errors
    /// `DeleteConflict` with what must be removed first.
    pub async fn delete<N: IdentityNoun>(&mut self, noun: &N) -> Result<()> {
        let identity = noun.identity();
        for Blocker(counter, what) in N::BLOCKERS {
            let counter = keys::counter(identity.account, *counter, identity.id.as_bytes());
            if self.read_count(counter).await? != 0 {
                return Err(IamError::new(ErrorCode::DeleteConflict, format!("Cannot delete entity, {what}")));
            }
        }
        if let Some(boundary) = noun.boundary() {
            self.release_boundary(&identity, boundary);
        }
        if identity.kind == IdentityKind::User {
            for of in [Kind::MfaFailures, Kind::SignInFailures, Kind::SignInSessions] {
                self.delete_key(keys::owned(identity.account, of, Some(&identity.id), ""));
            }
        }
        if identity.kind == IdentityKind::Role {
            self.delete_key(keys::role_last_used(identity.account, &identity.id));
        }
        if identity.kind != IdentityKind::Group {
            self.delete_service_uses(&ServiceUser { account: identity.account, id: Some(identity.id) }).await?;
        }
        self.delete_noun(noun).await
    }

    /// Moves the index rows that are ordered by the identity's name.
    ///
    /// Transactions that add such rows depend on the identity's record, which this transaction writes. Reading the
    /// counters ensures that no row was added since this transaction's view.
    async fn move_reverse_rows(&mut self, before: &Identity, after: &Identity) -> Result<()> {
        for counter in [CounterKind::Attached, CounterKind::GroupsOfUser] {
            self.read_count(keys::counter(before.account, counter, before.id.as_bytes())).await?;
        }
        for policy in self.attached_refs(before).await? {
            self.delete_key(holder_key(before, policy, Usage::Attached));
            self.put(holder_key(after, policy, Usage::Attached), id_value(&after.id));
        }
        if before.kind == IdentityKind::User {
            for group in self.group_ids_of(before.account, &before.id).await? {
                self.delete_key(keys::group_member(before.account, &group, &before.folded_name()));
                self.put(keys::group_member(after.account, &group, &after.folded_name()), id_value(&after.id));
            }
        }
        Ok(())
    }

    async fn hold_boundary(&mut self, identity: &Identity, policy: PolicyRef) -> Result<()> {
        self.require(keys::policy(policy), || policy::missing(policy)).await?;
        self.put(holder_key(identity, policy, Usage::Boundary), id_value(&identity.id));
        self.add(keys::policy_counter(identity.account, CounterKind::Boundaries, policy), 1);
        Ok(())
    }

    fn release_boundary(&mut self, identity: &Identity, policy: PolicyRef) {
        self.delete_key(holder_key(identity, policy, Usage::Boundary));
        self.add(keys::policy_counter(identity.account, CounterKind::Boundaries, policy), -1);
    }
}
