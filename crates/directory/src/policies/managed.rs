//! Managed policies that belong to no account: the set that comes with Bailiwick, and imported ones.
//!
//! The set has AWS's names and ARNs, so that existing scripts work. The documents are our own and allow what the names
//! promise. AWS's own documents can be imported from the output of the AWS CLI.

mod built_in;
mod import;
mod operation;

use bailiwick_model::{AccountId, IamError, IdKind, Path, PolicyName, Result, Tags, UniqueId};
use bailiwick_operation::Random;
use bailiwick_storage::{Policy, Tx};
use jiff::Timestamp;

pub use built_in::{BUILTIN_POLICIES, BuiltinPolicy};
pub use import::{ImportError, ManagedPolicy, parse_import};

/// Adds the missing policies of the set and returns their number. Existing ones stay as they are, because an import may
/// have replaced them.
///
/// # Errors
/// `ServiceFailure` if the store fails.
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

/// Whether a policy of this name comes with Bailiwick.
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
