//! Delegated access: what the requestor of a delegation request gets once the owner has sent its token.

use bailiwick_api::op;
use bailiwick_api::signin::{GetDelegationTokenRequest, GetDelegationTokenResponse};
use bailiwick_api::sts::{GetDelegatedAccessTokenRequest, GetDelegatedAccessTokenResponse};
use bailiwick_model::limits::MANAGED_POLICY_SIZE;
use bailiwick_model::{
    AccountId, AccountState, Arn, ErrorCode, IamError, Result, SessionName, UniqueId, revocation_subject,
};
use bailiwick_operation::{Check, Cx, Delegation, Handle, Planned, Principal, Session, SessionKind};
use bailiwick_storage::{DelegationApproval, DelegationParty, DelegationRequest, DelegationState, Role, Tx, User};
use jiff::{SignedDuration, Timestamp};

use crate::access_key::access_key;
use crate::issue::{SessionParts, date, issue_session};
use crate::trade_in::TradeIn;
use crate::{Sts, TokenError, Tokens};

/// Returns the trade-in token of a request that the caller's account made. AWS publishes it to a topic of the account; here
/// the account asks for it, as often as it wants.
///
/// # Errors
/// `NoSuchEntity`, also for a request of another account; `InvalidInput` before the owner sent the token, and once the
/// delegation is over.
impl Handle<op::GetDelegationToken> for Sts {
    type Plan = (String, Option<DelegationRequest>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: GetDelegationTokenRequest) -> Result<Planned<Self::Plan>> {
        let id = req.delegation_request_id.unwrap_or_default();
        let request = tx.find_delegation_request(&id).await?.filter(|request| request.requestor == cx.account());
        let arn = Arn::iam(cx.partition(), cx.account(), format_args!("delegation-request/{id}"));
        Ok(Planned::new((id, request)).check(Check::new("bailiwick:GetDelegationToken", &arn)))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (id, request): Self::Plan) -> Result<GetDelegationTokenResponse> {
        let missing =
            || IamError::new(ErrorCode::NoSuchEntity, format!("The delegation request {id} cannot be found."));
        let request = request.ok_or_else(missing)?;
        let granted = Granted::of(&request, cx.now()).ok_or_else(|| {
            let message = format!("The token of the delegation request {id} was not sent.");
            IamError::new(ErrorCode::InvalidInput, message)
        })?;
        if granted.expires <= cx.now() {
            let message = format!("The time of the delegation request {id} is over.");
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let trade_in = TradeIn { request: request.id.clone(), owner: granted.owner, sent: granted.sent };
        let token = Tokens::of(cx.deployment()).issue_trade_in(cx.account(), &trade_in, granted.expires)?;
        Ok(GetDelegationTokenResponse { trade_in_token: token, expiration: Some(date(granted.expires)) })
    }
}

/// Issues credentials of the principal that accepted a delegation request, limited by the policy of the request, to the account
/// that made it. At each decision the policies of the principal and that policy must both allow. They end when the
/// duration of the request is over, counted from when its token was sent, however late and often the token is exchanged.
///
/// The session counts as issued when the request was accepted: what revokes the approver's sessions, or the credentials with
/// which they accepted, ends it too. A second factor of the approver is not passed on.
///
/// # Errors
/// `ValidationError` for a token that is none, or not of the caller's account; `ExpiredTradeInTokenException`;
/// `AccessDenied` when the approver has gone, or the delegation was revoked; `PackedPolicyTooLarge` for a policy of the
/// request that is larger than a managed policy can be.
impl Handle<op::GetDelegatedAccessToken> for Sts {
    /// The token.
    type Plan = String;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetDelegatedAccessTokenRequest) -> Result<Planned<String>> {
        let check = Check::without_resource("sts:GetDelegatedAccessToken", cx.account());
        Ok(Planned::new(req.trade_in_token.unwrap_or_default()).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, token: String) -> Result<GetDelegatedAccessTokenResponse> {
        let opened = Tokens::of(cx.deployment()).open_trade_in(cx.account(), &token, cx.now());
        let trade_in = opened.map_err(|error| match error {
            TokenError::Invalid => invalid(),
            TokenError::Expired => expired(),
        })?;
        let request = tx.find_delegation_request(&trade_in.request).await?.ok_or_else(invalid)?;
        let granted = Granted::of(&request, cx.now()).ok_or_else(invalid)?;
        if request.requestor != cx.account() || granted.owner != trade_in.owner || granted.sent != trade_in.sent {
            return Err(invalid());
        }
        if granted.expires <= cx.now() {
            return Err(expired());
        }
        if request.policy.len() > MANAGED_POLICY_SIZE {
            let message = "The policy of the delegation request is too large for a session token.";
            return Err(IamError::new(ErrorCode::PackedPolicyTooLarge, message));
        }
        let approval = granted.approval;
        let principal = granted.approver(tx).await?.ok_or_else(ended)?;
        let delegation = Delegation {
            request: request.id.clone(),
            requestor: request.requestor,
            access_key_id: access_key(cx.caller())?.clone(),
        };
        let parts = SessionParts {
            tags: approval.tags.clone(),
            transitive_tag_keys: approval.transitive_tag_keys.clone(),
            source_identity: approval.source_identity.clone(),
            provider: approval.provider.clone(),
            provider_keys: approval.provider_keys.clone(),
            parent_key: approval.long_term_key.clone(),
            issued_through: approval.issued_through.clone(),
            // Not a session policy: a resource policy that names the approver could allow beyond one.
            scopes: vec![request.policy.clone()],
            issued: Some(approval.accepted),
            delegation: Some(delegation),
            ..SessionParts::default()
        };
        let assumed_principal = principal.arn(cx.partition()).to_string();
        let issued = issue_session(cx, SessionKind::Delegated, principal, granted.expires, parts)?;
        let session = issued.caller.session.as_deref().ok_or_else(ended)?;
        if is_revoked(tx, granted.owner, session).await? {
            return Err(ended());
        }
        Ok(GetDelegatedAccessTokenResponse {
            credentials: Some(issued.credentials),
            packed_policy_size: None,
            assumed_principal: Some(assumed_principal),
        })
    }
}

/// What a request grants whose token was sent.
struct Granted<'a> {
    owner: AccountId,
    approver: &'a DelegationParty,
    approval: &'a DelegationApproval,
    sent: Timestamp,
    /// When the granted access ends.
    expires: Timestamp,
}

impl<'a> Granted<'a> {
    /// Returns `None` unless a principal accepted the request, and its token was sent since.
    fn of(request: &'a DelegationRequest, now: Timestamp) -> Option<Self> {
        if request.state_at(now) != DelegationState::Finalized {
            return None;
        }
        let sent = request.sent?;
        Some(Granted {
            owner: request.owner_account?,
            approver: request.approver.as_ref()?,
            approval: request.approval.as_ref()?,
            sent,
            expires: sent.checked_add(SignedDuration::from_secs(request.session_seconds.into())).ok()?,
        })
    }

    /// The approver under its current name, or `None` if it no longer may act: it was deleted, its sessions were revoked after
    /// it accepted, or its account is not active.
    async fn approver(&self, tx: &mut Tx) -> Result<Option<Principal>> {
        let account = tx.find_account(self.owner).await?.filter(|account| account.state == AccountState::Active);
        let Some(account) = account else { return Ok(None) };
        let (id, session_name) = match self.approver.user_id.split_once(':') {
            Some((id, session_name)) => (id, SessionName::parse(session_name).ok()),
            None => (&*self.approver.user_id, None),
        };
        if self.is_ended_by(tx, account.sessions_valid_after, revocation_subject::ACCOUNT).await? {
            return Ok(None);
        }
        if *id == *self.owner.to_string() && !self.approver.user_id.contains(':') {
            return Ok(Some(Principal::Root { account: self.owner }));
        }
        let Ok(id) = UniqueId::parse(id) else { return Ok(None) };
        Ok(match session_name {
            None if self.approver.user_id.contains(':') => None,
            None => {
                let Some(user) = tx.find_by_id::<User>(self.owner, &id).await? else { return Ok(None) };
                let User { name, path, sessions_valid_after: mark, .. } = user;
                let is_ended = self.is_ended_by(tx, mark, &revocation_subject::identity(&id)).await?;
                (!is_ended).then_some(Principal::User { account: self.owner, id, name, path })
            }
            Some(session_name) => {
                let Some(role) = tx.find_by_id::<Role>(self.owner, &id).await? else { return Ok(None) };
                let Role { name, path, sessions_valid_after: mark, .. } = role;
                let is_ended = self.is_ended_by(tx, mark, &revocation_subject::identity(&id)).await?;
                (!is_ended).then_some(Principal::RoleSession { account: self.owner, id, name, path, session_name })
            }
        })
    }

    /// Whether the acceptance was ended by a mark of the approver's account or identity.
    async fn is_ended_by(&self, tx: &mut Tx, mark: Option<Timestamp>, subject: &str) -> Result<bool> {
        tx.is_ended_by(mark, (self.owner, subject), self.approval.accepted).await
    }
}

/// Whether a new session is already over: revoked, or without the long-term access key that it is bound to.
async fn is_revoked(tx: &mut Tx, account: AccountId, session: &Session) -> Result<bool> {
    for (account, subject) in session.revocable_by(account) {
        if tx.is_session_revoked(account, subject, session.issue()).await? {
            return Ok(true);
        }
    }
    let Some(key) = session.bound_key() else { return Ok(false) };
    let key = tx.find_access_key(account, key).await?;
    Ok(key.is_none_or(|key| !key.active))
}

fn invalid() -> IamError {
    IamError::validation("Invalid trade-in token").field("TradeInToken", "a token of GetDelegationToken")
}

fn expired() -> IamError {
    let message =
        "The trade-in token provided in the request has expired and can no longer be exchanged for credentials.";
    IamError::new(ErrorCode::ExpiredTradeInToken, message)
}

fn ended() -> IamError {
    IamError::new(
        ErrorCode::AccessDenied,
        "The delegation has ended: it was revoked, or its approver may no longer act.",
    )
}

#[cfg(test)]
mod tests;
