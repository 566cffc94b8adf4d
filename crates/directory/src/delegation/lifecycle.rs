//! The changes of a delegation request: associate, update, accept, reject, send.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountState, ErrorCode, IamError, Result, Tags};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::{DelegationApproval, DelegationRequest, DelegationState, Tx};
use jiff::SignedDuration;

use super::{NamedRequest, invalid, party, state_name};
use crate::Directory;

/// How long a request waits for an owner.
pub(super) const UNASSIGNED: SignedDuration = SignedDuration::from_hours(24);

/// How long every later state lasts.
const LATER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The longest session that a root user may approve, in seconds.
const LONGEST_FOR_ROOT: u32 = 4 * 3600;

/// Moves a request to another state.
///
/// # Errors
/// `InvalidInput` unless it is in one of the states `from`.
fn advance(cx: &Cx, request: &mut DelegationRequest, from: &[DelegationState], to: DelegationState) -> Result<()> {
    let state = request.state_at(cx.now());
    if !from.contains(&state) {
        let wanted: Vec<_> = from.iter().map(|state| state_name(*state)).collect();
        let message = format!(
            "The delegation request {} is in the state {}; this needs the state {}.",
            request.id,
            state_name(state),
            wanted.join(" or ")
        );
        return Err(invalid(message));
    }
    // Notes on a pending request do not prolong it.
    if state != to {
        request.state = to;
        request.expires = cx.now().checked_add(LATER).map_err(IamError::internal)?;
    }
    request.updated = cx.now();
    Ok(())
}

/// Makes the caller the owner of a request.
///
/// # Errors
/// `NoSuchEntity`, also for a request that is for another account; `InvalidInput` if it has an owner or has expired.
impl Handle<op::AssociateDelegationRequest> for Directory {
    type Plan = NamedRequest;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::AssociateDelegationRequestRequest,
    ) -> Result<Planned<NamedRequest>> {
        NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:AssociateDelegationRequest").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        named: NamedRequest,
    ) -> Result<pb::AssociateDelegationRequestResponse> {
        let is_for_caller = |stored: &DelegationRequest| stored.owner_account.is_none_or(|owner| owner == cx.account());
        let mut request = NamedRequest { stored: named.stored.filter(is_for_caller), ..named }.get()?;
        advance(cx, &mut request, &[DelegationState::Unassigned], DelegationState::Assigned)?;
        request.owner_account = Some(cx.account());
        request.owner = Some(party(cx));
        tx.update_delegation_request(&request);
        Ok(pb::AssociateDelegationRequestResponse {})
    }
}

/// Adds notes to a request and puts it up for approval by another principal.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` in other states than `ASSIGNED` and `PENDING_APPROVAL`.
impl Handle<op::UpdateDelegationRequest> for Directory {
    type Plan = (NamedRequest, Option<String>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateDelegationRequestRequest) -> Result<Planned<Self::Plan>> {
        let planned = NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:UpdateDelegationRequest").await?;
        Ok(planned.with(req.notes))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, notes): Self::Plan,
    ) -> Result<pb::UpdateDelegationRequestResponse> {
        let mut request = named.get_own(cx)?;
        let from = [DelegationState::Assigned, DelegationState::PendingApproval];
        advance(cx, &mut request, &from, DelegationState::PendingApproval)?;
        request.notes = notes.or(request.notes);
        tx.update_delegation_request(&request);
        Ok(pb::UpdateDelegationRequestResponse {})
    }
}

/// Approves a request. The caller becomes the approver, whose rights are lent to the requestor within the policy of the request.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` in other states than `ASSIGNED` and `PENDING_APPROVAL`, for a root user and a session of
/// more than four hours, for a session with session policies, and for a requestor whose account is not active.
impl Handle<op::AcceptDelegationRequest> for Directory {
    type Plan = NamedRequest;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::AcceptDelegationRequestRequest,
    ) -> Result<Planned<NamedRequest>> {
        NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:AcceptDelegationRequest").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, named: NamedRequest) -> Result<pb::AcceptDelegationRequestResponse> {
        let mut request = named.get_own(cx)?;
        let from = [DelegationState::Assigned, DelegationState::PendingApproval];
        advance(cx, &mut request, &from, DelegationState::Accepted)?;
        require_active_requestor(tx, &request).await?;
        if cx.caller().is_root() && request.session_seconds > LONGEST_FOR_ROOT {
            return Err(invalid("A root user can accept delegation requests of at most four hours only.".into()));
        }
        if cx.caller().session.as_ref().is_some_and(|session| session.is_limited()) {
            return Err(invalid("A session with session policies cannot accept delegation requests.".into()));
        }
        request.approver = Some(party(cx));
        request.approval = Some(approval(cx));
        tx.update_delegation_request(&request);
        Ok(pb::AcceptDelegationRequestResponse {})
    }
}

/// Rejects a request, which may have been accepted before. That is final.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` before it is associated, and once it is finalized, rejected or expired.
impl Handle<op::RejectDelegationRequest> for Directory {
    type Plan = (NamedRequest, Option<String>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::RejectDelegationRequestRequest) -> Result<Planned<Self::Plan>> {
        let planned = NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:RejectDelegationRequest").await?;
        Ok(planned.with(req.notes))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, reason): Self::Plan,
    ) -> Result<pb::RejectDelegationRequestResponse> {
        let mut request = named.get_own(cx)?;
        let from = [DelegationState::Assigned, DelegationState::PendingApproval, DelegationState::Accepted];
        advance(cx, &mut request, &from, DelegationState::Rejected)?;
        request.approver = None;
        request.approval = None;
        request.rejection_reason = reason;
        tx.update_delegation_request(&request);
        Ok(pb::RejectDelegationRequestResponse {})
    }
}

/// Lets the requestor have the token of an accepted request, and begins the time that the delegation lasts.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` in other states than `ACCEPTED`, and for a requestor whose account is not active;
/// `AccessDenied` if only the owner may send the token, and the caller is not the owner.
impl Handle<op::SendDelegationToken> for Directory {
    type Plan = NamedRequest;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::SendDelegationTokenRequest) -> Result<Planned<NamedRequest>> {
        NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:SendDelegationToken").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, named: NamedRequest) -> Result<pb::SendDelegationTokenResponse> {
        let mut request = named.get_own(cx)?;
        let is_owner = request.owner.as_ref().is_some_and(|owner| owner.user_id == party(cx).user_id);
        if request.only_send_by_owner && !is_owner {
            let message = "only the owner of the delegation request may send its token";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        advance(cx, &mut request, &[DelegationState::Accepted], DelegationState::Finalized)?;
        require_active_requestor(tx, &request).await?;
        request.sent = Some(cx.now());
        tx.update_delegation_request(&request);
        Ok(pb::SendDelegationTokenResponse {})
    }
}

/// What the sessions of a request have of the caller, who accepts it.
fn approval(cx: &Cx) -> DelegationApproval {
    let caller = cx.caller();
    let session = caller.session.as_deref();
    let long_term_key = match session {
        None => caller.access_key_id(),
        Some(session) => session.bound_key(),
    };
    let session_keys = session.into_iter().flat_map(|session| {
        let own = std::iter::once(&session.access_key_id).chain(&session.scoped_from);
        own.chain(&session.parent_key).chain(&session.issued_through)
    });
    DelegationApproval {
        accepted: cx.issue(),
        long_term_key: long_term_key.cloned(),
        issued_through: session_keys.cloned().collect(),
        tags: session.map_or_else(Tags::new, |session| session.tags.clone()),
        transitive_tag_keys: session.map_or_else(Vec::new, |session| session.transitive_tag_keys.clone()),
        source_identity: session.and_then(|session| session.source_identity.clone()),
        provider: session.and_then(|session| session.provider.clone()),
        provider_keys: session.map_or_else(Vec::new, |session| session.provider_keys.clone()),
    }
}

/// Refuses a request of an account that was suspended or closed since.
async fn require_active_requestor(tx: &mut Tx, request: &DelegationRequest) -> Result<()> {
    let account = tx.find_account(request.requestor).await?;
    match account.is_some_and(|account| account.state == AccountState::Active) {
        true => Ok(()),
        false => Err(invalid(format!("The account {} of the requestor is not active.", request.requestor))),
    }
}
