//! Temporary access keys for a sign-in session.

use bailiwick_api::op;
use bailiwick_api::signin::{GetSignInCredentialsRequest, GetSignInCredentialsResponse};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Credential, Cx, Handle, Planned, SessionKind};
use bailiwick_storage::Tx;
use bailiwick_sts::{SessionParts, expiry, issue_session};

use crate::SignIn;
use crate::sessions::not_signed_in;

/// Issues temporary access keys with the principal and the second factor of the caller's sign-in session. They name it as
/// their parent, so they end with it.
///
/// # Errors
/// `AccessDenied` if the call does not come with the token of a sign-in session. Its temporary keys get no others.
impl Handle<op::GetSignInCredentials> for SignIn {
    /// The requested lifetime in seconds.
    type Plan = Option<i32>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetSignInCredentialsRequest) -> Result<Planned<Option<i32>>> {
        let caller = cx.caller();
        let session = caller.session.as_deref().filter(|session| session.kind == SessionKind::SignIn);
        if !matches!(caller.credential, Credential::Bearer(_)) || session.is_none_or(|s| s.parent_key.is_some()) {
            return Err(not_signed_in());
        }
        let check = Check::without_resource("bailiwick:GetSignInCredentials", cx.account());
        Ok(Planned::new(req.duration_seconds).check(check))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, seconds: Option<i32>) -> Result<GetSignInCredentialsResponse> {
        let caller = cx.caller();
        let session = caller.session.as_deref().ok_or_else(not_signed_in)?;
        let expires = seconds.map_or(session.expires, |s| session.expires.min(expiry(cx, i64::from(s))));
        let parts = SessionParts {
            parent_key: Some(session.access_key_id.clone()),
            mfa: caller.mfa,
            ..SessionParts::default()
        };
        let issued = issue_session(cx, SessionKind::SignIn, caller.principal.clone(), expires, parts)?;
        let credentials = issued.credentials;
        Ok(GetSignInCredentialsResponse {
            access_key_id: credentials.access_key_id.unwrap_or_default(),
            secret_access_key: credentials.secret_access_key.unwrap_or_default(),
            session_token: credentials.session_token.unwrap_or_default(),
            expiration: credentials.expiration,
        })
    }
}
