//! The documents of the policies that took part in a denial, as they were when it was decided.
//!
//! A snapshot has compiled policies, and documents of managed policies only. Inline policies, trust policies and those of resources are read
//! from the store, which may be newer. A document is used only if the snapshot at its revision still has the policy that
//! took part.

use std::sync::Arc;

use bailiwick_model::{AccountId, ErrorCode, IamError, IdKind, PolicyName, Result, UniqueId};
use bailiwick_operation::show_trust_policy;
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{At, Identity, IdentityKind, Role, Store, Tx};

use crate::Authz;
use crate::explained_denial::{DocumentPlace, ExplainedDenial};

impl Authz {
    /// Finds the documents of the policies of a denial that was decided on this snapshot, in their order; none for those
    /// that cannot be shown or read.
    pub async fn denial_documents(
        &self,
        store: &Arc<dyn Store>,
        snapshot: &Snapshot,
        explained: &ExplainedDenial,
    ) -> Vec<Option<Arc<str>>> {
        let mut reader = Reader { authz: self, store, decided: snapshot, open: None };
        let mut documents = Vec::with_capacity(explained.documents.len());
        for (policy, place) in explained.details.policies.iter().zip(&explained.documents) {
            let found = reader.read(place, explained.principal.as_ref()).await;
            documents.push(found.unwrap_or_else(|error| {
                tracing::debug!(?error, policy = policy.uri, "the document of a policy cannot be read");
                None
            }));
        }
        documents
    }
}

struct Reader<'a> {
    authz: &'a Authz,
    store: &'a Arc<dyn Store>,
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
            DocumentPlace::Resource { account, arn, compiled } => {
                let (tx, newer) = self.begin().await?;
                let is_same = newer.as_ref().is_none_or(|newer| {
                    let policy = newer.resource(*account, arn).and_then(|resource| resource.policy.as_ref());
                    policy.is_some_and(|policy| policy.ptr_eq(compiled))
                });
                let found = tx.find_resource(*account, arn).await?.filter(|_| is_same);
                found.and_then(|resource| resource.policy).map(|policy| policy.text.into())
            }
            DocumentPlace::Trust { account, role, compiled } => {
                let partition = self.authz.deployment.partition;
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
            let quotas = Arc::clone(&self.authz.deployment.quotas);
            let tx = Tx::begin(Arc::clone(self.store), quotas, At::Latest).await?;
            let newer = match tx.revision() > self.decided.revision() {
                true => Some(self.authz.snapshots.at_least(tx.revision()).await?),
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
