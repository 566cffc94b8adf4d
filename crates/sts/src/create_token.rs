//! Bearer tokens.

use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::signin::{CreateTokenRequest, CreateTokenResponse};
use bailiwick_model::limits::DEFAULT_SESSION_SECONDS;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Credential, Cx, Handle};
use bailiwick_storage::Tx;

use crate::{Sts, Tokens, assume_role::date};

/// Trades a signed call for a bearer token of the same principal and session.
///
/// # Errors
/// `AccessDenied` when the call itself came with a bearer token.
impl Handle<op::CreateToken> for Sts {
    async fn checks(&self, cx: &Cx, _tx: &mut Tx, _req: &CreateTokenRequest) -> Result<Vec<Check>> {
        // A bearer token that could be traded for the next one would never end.
        if matches!(cx.caller().credential, Credential::Bearer(_)) {
            return Err(IamError::new(ErrorCode::AccessDenied, "a bearer token can not be traded for another one"));
        }
        Ok(vec![Check::without_resource("bailiwick:CreateToken", cx.account())])
    }

    async fn handle(&self, cx: &Cx, _tx: &mut Tx, req: CreateTokenRequest) -> Result<CreateTokenResponse> {
        let seconds = req.duration_seconds.map_or(DEFAULT_SESSION_SECONDS, i64::from);
        let asked = cx.date() + Duration::from_secs(seconds.unsigned_abs());
        let expires = cx.caller().session.as_ref().map_or(asked, |session| asked.min(session.expires));
        let token = Tokens::of(cx.deployment()).issue_bearer(cx.caller(), cx.now(), expires)?;
        Ok(CreateTokenResponse { token, expiration: Some(date(expires)) })
    }
}

#[cfg(test)]
mod tests;
