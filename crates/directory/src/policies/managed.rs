//! Managed policies that belong to no account: the set that comes with Bailiwick, and imported ones.
//!
//! The set has AWS's names and ARNs, so that existing scripts work. The documents are our own and allow what the names
//! promise. AWS's own documents can be imported from the output of the AWS CLI.

mod built_in;
mod import;
mod operation;

use bailiwick_model::{AccountId, IamError, IdKind, Path, PolicyName, Result, UniqueId};
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
        let policy = ManagedPolicy {
            name,
            path: Path::parse(builtin.path).map_err(IamError::internal)?,
            id: None,
            description: Some(builtin.description.into()),
            created: now,
            updated: now,
            version: 1,
            document: builtin.document.trim_end().into(),
        };
        import::create(tx, &policy, random).await?;
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
