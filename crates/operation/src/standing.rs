//! The records that a change by a caller depends on.

use bailiwick_decision::{Caller, Credential, Principal};
use bailiwick_model::{AccountId, Arn};
use bailiwick_storage::{IdentityKind, Standing};

/// Returns the records that a change by this caller depends on.
pub fn standing(caller: &Caller) -> Standing<'_> {
    Standing {
        account: caller.account(),
        delegate: caller.session.as_deref().and_then(|session| Some(session.delegation.as_ref()?.requestor)),
        identity: match &caller.principal {
            Principal::RoleSession { id, .. } => Some((IdentityKind::Role, id)),
            principal => principal.identity().map(|id| (IdentityKind::User, id)),
        },
        provider: caller.session.as_deref().and_then(|session| provider(session.provider.as_deref()?)),
        access_key: match &caller.session {
            None => caller.access_key_id(),
            Some(session) => session.bound_key(),
        },
        revocable_by: match (&caller.session, &caller.credential) {
            (Some(session), _) => session.revocable_by(caller.account()).collect(),
            (None, Credential::Bearer(key) | Credential::Console(key)) => vec![(caller.account(), key.as_str())],
            (None, Credential::AccessKey(_) | Credential::Certificate(_)) => Vec::new(),
        },
    }
}

/// Account and resource of a provider's ARN. `None` for a public provider, which has a domain and no ARN.
fn provider(arn: &str) -> Option<(AccountId, &str)> {
    let account = Arn::parse(arn).ok()?.account_id()?;
    Some((account, arn.splitn(6, ':').nth(5)?))
}
