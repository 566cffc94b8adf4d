//! The records that a change by a caller depends on.

use bailiwick_decision::{Caller, Principal};
use bailiwick_storage::{IdentityKind, Standing};

/// Returns the records that a change by this caller depends on.
pub fn standing(caller: &Caller) -> Standing<'_> {
    Standing {
        account: caller.account(),
        identity: match &caller.principal {
            Principal::RoleSession { id, .. } => Some((IdentityKind::Role, id)),
            principal => principal.identity().map(|id| (IdentityKind::User, id)),
        },
        access_key: caller.session.is_none().then(|| caller.access_key_id()),
    }
}
