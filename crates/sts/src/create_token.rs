//! Bearer tokens.

use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::signin::{CreateTokenRequest, CreateTokenResponse};
use bailiwick_model::limits::DEFAULT_SESSION_SECONDS;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Credential, Cx, Handle, Planned};
use bailiwick_storage::Tx;

use crate::{Sts, Tokens, issue::date};

/// Issues a bearer token for the principal and session that signed the call.
///
/// # Errors
/// `AccessDenied` when the call itself was authenticated by a bearer token.
impl Handle<op::CreateToken> for Sts {
    /// The requested lifetime.
    type Plan = Duration;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: CreateTokenRequest) -> Result<Planned<Duration>> {
        // A bearer token that could be exchanged for the next one would never end.
        if matches!(cx.caller().credential, Credential::Bearer(_) | Credential::Console(_)) {
            return Err(IamError::new(ErrorCode::AccessDenied, "a bearer token can not be traded for another one"));
        }
        let seconds = req.duration_seconds.map_or(DEFAULT_SESSION_SECONDS, i64::from);
        let check = Check::without_resource("bailiwick:CreateToken", cx.account());
        Ok(Planned::new(Duration::from_secs(seconds.unsigned_abs())).check(check))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, lifetime: Duration) -> Result<CreateTokenResponse> {
        let asked = cx.date() + lifetime;
        let expires = cx.caller().session.as_ref().map_or(asked, |session| asked.min(session.expires));
        let token = Tokens::of(cx.deployment()).issue_bearer(cx.caller(), cx.issue(), expires)?;
        Ok(CreateTokenResponse { token, expiration: Some(date(expires)) })
    }
}

#[cfg(test)]
mod tests;
