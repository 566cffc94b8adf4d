//! The documents of the policies that took part in a denial, as they were when it was decided.
//!
//! A snapshot has compiled policies, and documents of managed policies only. Inline policies and trust policies are read
//! from the store, which may be newer. A document is used only if the snapshot at its revision still has the policy that
//! took part.

use std::sync::Arc;

use bailiwick_audit::PolicyDocument;
use bailiwick_authz::{DocumentPlace, ExplainedDenial};
use bailiwick_model::{AccountId, ErrorCode, IamError, IdKind, PolicyName, Result, UniqueId};
use bailiwick_operation::show_trust_policy;
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{At, Identity, IdentityKind, Role, Tx};

use crate::shared::{Parts, Shared};

/// Finds the documents, and adds their digests to the details.
pub(crate) async fn attach(
    shared: &Shared,
    snapshot: &Snapshot,
    explained: &mut ExplainedDenial,
) -> Vec<PolicyDocument> {
    let mut reader = Reader { parts: &shared.parts, decided: snapshot, open: None };
    let mut documents = Vec::new();
    for (policy, place) in explained.details.policies.iter_mut().zip(&explained.documents) {
        match reader.read(place, explained.principal.as_ref()).await {
            Ok(Some(text)) => {
                let document = PolicyDocument::new(text);
                document.sha256().clone_into(&mut policy.sha256);
                documents.push(document);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(?error, policy = policy.uri, "the document of a policy cannot be read"),
        }
    }
    documents
}

struct Reader<'a> {
    parts: &'a Parts,
    /// The snapshot of the decision.
    decided: &'a Snapshot,
    /// The newest revision, and the snapshot of it if it is newer than the decision.
    open: Option<(Tx, Option<Arc<Snapshot>>)>,
}

impl Reader<'_> {
    async fn read(&mut self, place: &DocumentPlace, principal: Option<&UniqueId>) -> Result<Option<Arc<str>>> {
        Ok(match place {
            DocumentPlace::Here(text) => Some(Arc::clone(text)),
            DocumentPlace::Nowhere => None,
            DocumentPlace::Inline { account, owner, name, compiled } => {
                let (tx, newer) = self.begin().await?;
                let found = found(tx.get_inline_policy(&identity(*account, owner)?, &PolicyName::parse(name)?).await)?;
                let is_same = newer.as_ref().is_none_or(|newer| {
                    let policies = principal.and_then(|id| newer.effective_policies(id));
                    policies.is_some_and(|policies| policies.identity().any(|policy| policy.ptr_eq(compiled)))
                });
                found.filter(|_| is_same).map(|policy| policy.document.into())
            }
            DocumentPlace::Trust { account, role, compiled } => {
                let partition = self.parts.deployment.partition;
                let (tx, newer) = self.begin().await?;
                let is_same = newer.as_ref().is_none_or(|newer| {
                    let role = newer.entity(role).and_then(|role| role.role());
                    role.is_some_and(|role| role.trust.ptr_eq(compiled))
                });
                match tx.find_by_id::<Role>(*account, role).await?.filter(|_| is_same) {
                    Some(role) => Some(show_trust_policy(partition, tx, &role).await?.into()),
                    None => None,
                }
            }
        })
    }

    /// The transaction that documents are read in, and the snapshot of its revision if it is newer than the decision.
    async fn begin(&mut self) -> Result<(&mut Tx, &Option<Arc<Snapshot>>)> {
        if self.open.is_none() {
            let tx =
                Tx::begin(Arc::clone(&self.parts.store), Arc::clone(&self.parts.deployment.quotas), At::Latest).await?;
            let newer = match tx.revision() > self.decided.revision() {
                true => Some(self.parts.snapshots.at_least(tx.revision()).await?),
                false => None,
            };
            self.open = Some((tx, newer));
        }
        let (tx, newer) = self.open.as_mut().ok_or_else(|| IamError::internal("a reader without a transaction"))?;
        Ok((tx, newer))
    }
}

fn identity(account: AccountId, id: &UniqueId) -> Result<Identity> {
    let kind = match id.kind() {
        IdKind::User => IdentityKind::User,
        IdKind::Role => IdentityKind::Role,
        IdKind::Group => IdentityKind::Group,
        _ => return Err(IamError::internal("an inline policy of neither a user, a role nor a group")),
    };
    Ok(Identity { account, kind, id: *id, name: id.to_string() })
}

fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::NoSuchEntity => Ok(None),
        Err(error) => Err(error),
    }
}
