//! AWS's exchange of temporary credentials for a sign-in token.

use bailiwick_api::op;
use bailiwick_api::signin::{GetSigninTokenRequest, GetSigninTokenResponse};
use bailiwick_model::{AccessKeyId, ErrorCode, IamError, Result};
use bailiwick_operation::{Caller, Cx, Handle, NoCaller, Planned, SessionKind};
use bailiwick_seal::SecretString;
use bailiwick_storage::Tx;
use bailiwick_sts::{TokenError, Tokens};

use crate::SignIn;

/// How long a sign-in token is valid, in seconds.
const LIFE: i64 = 15 * 60;

/// Issues a sign-in token for temporary credentials, which the request proves by their secret access key. The pipeline
/// verifies that they were not revoked.
///
/// # Errors
/// `InvalidClientTokenId` for credentials that are wrong in any part; `ExpiredToken`; `AccessDenied` for credentials of
/// another operation than AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity and GetFederationToken.
impl Handle<op::GetSigninToken> for SignIn {
    type Plan = Caller;

    async fn plan(&self, cx: &Cx<NoCaller>, _: &mut Tx, req: GetSigninTokenRequest) -> Result<Planned<Caller>> {
        let invalid = || IamError::from(TokenError::Invalid);
        let key = AccessKeyId::parse(req.access_key_id.as_deref().unwrap_or_default()).map_err(|_| invalid())?;
        let token = req.session_token.unwrap_or_default();
        let opened = Tokens::of(cx.deployment()).open_session(&key, &token, cx.now())?;
        if opened.secret != SecretString::from(req.secret_access_key.unwrap_or_default()) {
            return Err(invalid());
        }
        Ok(Planned::new(opened.caller.clone()).credentials(opened.caller))
    }

    async fn handle(&self, cx: &Cx<NoCaller>, _: &mut Tx, caller: Caller) -> Result<GetSigninTokenResponse> {
        let session = caller.session.as_deref().ok_or_else(|| IamError::internal("credentials without a session"))?;
        let may_sign_in = matches!(
            session.kind,
            SessionKind::AssumeRole | SessionKind::Saml | SessionKind::WebIdentity | SessionKind::FederationToken
        );
        if !may_sign_in {
            let message = "only temporary credentials of AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity and \
                           GetFederationToken can be exchanged for a sign-in token";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let expires = bailiwick_sts::expiry(cx, LIFE).min(session.expires);
        let signin_token = Tokens::of(cx.deployment()).issue_sign_in(&caller, cx.now(), expires)?;
        Ok(GetSigninTokenResponse { signin_token })
    }
}
