//! Sessions of users and root, with the permissions that they have.

use bailiwick_api::op;
use bailiwick_api::sts::{GetSessionTokenRequest, GetSessionTokenResponse};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, Planned, Principal, SessionKind};
use bailiwick_storage::Tx;

use crate::Sts;
use crate::access_key::access_key;
use crate::issue::{SessionParts, expiry, issue_session};
use crate::second_factor::SecondFactor;

/// The longest session of root.
const ROOT_SECONDS: i64 = 3600;
/// The duration of a session of a user, if the request does not say.
const DEFAULT_SECONDS: i64 = 12 * 3600;

/// The duration of a session of GetSessionToken or GetFederationToken, whose range validation has checked. Root's sessions
/// last an hour at most.
pub(crate) fn seconds(principal: &Principal, requested: Option<i32>) -> i64 {
    let seconds = requested.map_or(DEFAULT_SECONDS, i64::from);
    match principal {
        Principal::Root { .. } => seconds.min(ROOT_SECONDS),
        _ => seconds,
    }
}

/// Issues credentials for a session of the calling user or root, with a second factor if the request has a code.
///
/// Needs no permission, as on AWS, since the caller could do all of it without a session. The pipeline refuses callers with
/// temporary credentials and with bearer tokens.
///
/// # Errors
/// `AccessDenied` for a wrong code; `Throttling` after too many.
impl Handle<op::GetSessionToken> for Sts {
    type Plan = NewSessionToken;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetSessionTokenRequest) -> Result<Planned<NewSessionToken>> {
        let new = NewSessionToken {
            seconds: seconds(&cx.caller().principal, req.duration_seconds),
            factor: SecondFactor::read(cx, req.serial_number.as_deref(), req.token_code.as_deref())?,
            minimum_size: req.minimum_session_token_size,
        };
        Ok(Planned::new(new).check(Check::without_resource("sts:GetSessionToken", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewSessionToken) -> Result<GetSessionTokenResponse> {
        if let Some(factor) = &new.factor {
            factor.verify(cx, tx).await?;
        }
        let caller = cx.caller();
        let parts = SessionParts {
            parent_key: Some(access_key(caller)?.clone()),
            mfa: new.factor.map(|_| cx.now()),
            minimum_token_size: new.minimum_size,
            ..SessionParts::default()
        };
        let (kind, principal) = (SessionKind::SessionToken, caller.principal.clone());
        let issued = issue_session(cx, kind, principal, expiry(cx, new.seconds), parts)?;
        Ok(GetSessionTokenResponse {
            credentials: Some(issued.credentials),
            session_token_utilization: None,
            session_token_size: issued.token_size,
        })
    }
}

/// The session that a request asks for.
#[derive(Debug)]
pub struct NewSessionToken {
    seconds: i64,
    factor: Option<SecondFactor>,
    minimum_size: Option<i32>,
}

#[cfg(test)]
pub(crate) mod tests;
