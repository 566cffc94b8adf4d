//! Delegation requests: an account asks for temporary rights in another account, where a principal approves or rejects it.
//!
//! ```text
//! UNASSIGNED ─associate→ ASSIGNED ─update→ PENDING_APPROVAL
//!                            │  └───accept───┐    │
//!                            │               ▼    ▼
//!                            └─reject→ … ← ACCEPTED ─send→ FINALIZED
//! ```
//! A request expires a day after its creation if no principal associates it, and seven days after every later change. Nothing
//! leads out of `FINALIZED`, `REJECTED` and `EXPIRED`.
//!
//! A request itself gives no rights to any principal, in no state. AWS sends the requestor a token, which STS exchanges for
//! credentials of the approver, limited by the policy of the request. Bailiwick has no channel to send it on: once it is sent,
//! the requestor asks for it (`GetDelegationToken`). That and the exchange (`GetDelegatedAccessToken`) are in `bailiwick-sts`.
//! The request contains what they need: who approved with which credentials, the policy, the duration, and when the
//! token was sent.
//!
//! Every operation needs its permission on the request, in the caller's own account. Unlike in AWS, an owner has none of
//! them by default; a policy can give them to owners with the key `iam:DelegationRequestOwner`, the owner's own ARN. It is
//! absent while a request has no owner, and for a request that the caller's account must not see.

mod create;
mod lifecycle;
mod permission_check;
mod read;
mod summary;
mod templates;

use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Planned};
use bailiwick_storage::{DelegationParty, DelegationRequest, DelegationState, Tx};

use crate::request::required;

/// The request that a call names, if the caller's account may see it.
pub struct NamedRequest {
    id: String,
    stored: Option<DelegationRequest>,
}

impl NamedRequest {
    /// Looks up a request by its id.
    async fn look_up(cx: &Cx, tx: &mut Tx, id: &Option<String>) -> Result<Self> {
        let id = required(id, "delegationRequestId")?.to_owned();
        let stored = tx.find_delegation_request(&id).await?.filter(|stored| is_visible(stored, cx.account()));
        Ok(NamedRequest { id, stored })
    }

    /// Looks up a request, and names the check of an action on it. Its ARN is in the caller's account.
    async fn plan(cx: &Cx, tx: &mut Tx, id: &Option<String>, action: &'static str) -> Result<Planned<Self>> {
        let named = Self::look_up(cx, tx, id).await?;
        let check = named.check(cx, action);
        Ok(Planned::new(named).check(check))
    }

    /// The check of an action on the request.
    fn check(&self, cx: &Cx, action: &'static str) -> Check {
        let owner = self.stored.as_ref().and_then(|stored| stored.owner.as_ref()).map(|owner| owner.arn.as_str());
        Check::new(action, &arn_of_request(cx, &self.id)).key_if("iam:DelegationRequestOwner", owner)
    }

    /// The request.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    fn get(self) -> Result<DelegationRequest> {
        let message = || format!("The delegation request {} cannot be found.", self.id);
        self.stored.ok_or_else(|| IamError::new(ErrorCode::NoSuchEntity, message()))
    }

    /// The request, for a change by the account that owns it.
    ///
    /// # Errors
    /// `NoSuchEntity`, also for a request of another owner.
    fn get_own(self, cx: &Cx) -> Result<DelegationRequest> {
        let is_own = |stored: &DelegationRequest| stored.owner.is_some() && stored.owner_account == Some(cx.account());
        NamedRequest { stored: self.stored.filter(is_own), ..self }.get()
    }
}

/// The ARN of the request of this id, or of all requests for `*`, in the caller's account.
fn arn_of_request(cx: &Cx, id: &str) -> Arn {
    Arn::iam(cx.partition(), cx.account(), format_args!("delegation-request/{id}"))
}

/// Whether an account may see a request: the one that made it, the one that it is for, and every account that knows its id
/// while it is for none.
fn is_visible(request: &DelegationRequest, account: AccountId) -> bool {
    request.requestor == account || request.owner_account.is_none_or(|owner| owner == account)
}

/// The caller as a party of a request.
fn party(cx: &Cx) -> DelegationParty {
    let principal = &cx.caller().principal;
    DelegationParty { user_id: principal.user_id(), arn: principal.arn(cx.partition()).to_string() }
}

/// A state as responses and messages have it.
fn state_name(state: DelegationState) -> &'static str {
    match state {
        DelegationState::Unassigned => "UNASSIGNED",
        DelegationState::Assigned => "ASSIGNED",
        DelegationState::PendingApproval => "PENDING_APPROVAL",
        DelegationState::Accepted => "ACCEPTED",
        DelegationState::Finalized => "FINALIZED",
        DelegationState::Rejected => "REJECTED",
        DelegationState::Expired => "EXPIRED",
    }
}

fn invalid(message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message)
}

#[cfg(test)]
mod tests;
