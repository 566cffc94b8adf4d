//! Managed policies that belong to no account: the set that comes with Bailiwick, and those that are imported.
//!
//! The set bears AWS's names and ARNs, so that scripts and habits work; the documents are our own and say what the
//! names promise, no more. Who wants AWS's documents imports them from what AWS's own CLI prints.

mod built_in;
mod import;
mod operation;

use bailiwick_model::{AccountId, IamError, IdKind, Path, PolicyName, Result, Tags, UniqueId};
use bailiwick_operation::Random;
use bailiwick_storage::{Policy, Tx};
use jiff::Timestamp;

pub use built_in::{BUILTIN_POLICIES, BuiltinPolicy};
pub use import::{ImportError, ManagedPolicy, parse_import};

/// Adds the policies of the set that are missing; returns how many were. Those that are there stay as they are, since
/// an import may have replaced them.
///
/// # Errors
/// `ServiceFailure` when the store fails.
pub async fn put_builtin_policies(tx: &mut Tx, now: Timestamp, random: &dyn Random) -> Result<usize> {
    let mut added = 0;
    for builtin in BUILTIN_POLICIES {
        let name = PolicyName::parse(builtin.name)?;
        if tx.find::<Policy>(AccountId::NONE, &name).await?.is_some() {
            continue;
        }
        let policy = Policy {
            account: AccountId::NONE,
            id: new_id(random),
            name,
            path: Path::parse(builtin.path).map_err(IamError::internal)?,
            created: now,
            updated: now,
            description: Some(builtin.description.into()),
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        tx.create_policy(&policy, builtin.document.trim_end().into()).await?;
        added += 1;
    }
    Ok(added)
}

/// Whether a policy of that name comes with Bailiwick.
fn is_built_in(name: &PolicyName) -> bool {
    BUILTIN_POLICIES.iter().any(|builtin| builtin.name.eq_ignore_ascii_case(name.as_str()))
}

fn new_id(random: &dyn Random) -> UniqueId {
    let mut bytes = [0; 17];
    random.fill(&mut bytes);
    UniqueId::new(IdKind::Policy, bytes)
}

#[cfg(test)]
mod tests;
