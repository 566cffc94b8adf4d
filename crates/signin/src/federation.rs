//! AWS's exchange of temporary credentials for a sign-in token, and the sign-in to the console with it.

use bailiwick_api::op;
use bailiwick_api::signin::{
    GetSigninTokenRequest, GetSigninTokenResponse, SignInWithTokenRequest, SignInWithTokenResponse,
};
use bailiwick_model::{AccessKeyId, ErrorCode, IamError, Result};
use bailiwick_operation::{Caller, Cx, Handle, NoCaller, Planned, SessionKind};
use bailiwick_seal::SecretString;
use bailiwick_storage::Tx;
use bailiwick_sts::{Bearer, TokenError, Tokens, date};

use crate::SignIn;

/// How long a sign-in token is valid, in seconds.
const LIFE: i64 = 15 * 60;
/// How long a session of the console lasts, in seconds, if the request for the token did not say.
const SESSION: i64 = 12 * 60 * 60;

/// Issues a sign-in token for temporary credentials, which the request proves by their secret access key. The pipeline
/// verifies that they were not revoked.
///
/// # Errors
/// `InvalidClientTokenId` for credentials that are wrong in any part; `ExpiredToken`; `AccessDenied` for credentials of
/// another operation than AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity and GetFederationToken.
impl Handle<op::GetSigninToken> for SignIn {
    /// The caller, and how long the session after the sign-in may last.
    type Plan = (Caller, Option<u32>);

    async fn plan(&self, cx: &Cx<NoCaller>, _: &mut Tx, req: GetSigninTokenRequest) -> Result<Planned<Self::Plan>> {
        let invalid = || IamError::from(TokenError::Invalid);
        let key = AccessKeyId::parse(req.access_key_id.as_deref().unwrap_or_default()).map_err(|_| invalid())?;
        let token = req.session_token.unwrap_or_default();
        let opened = Tokens::of(cx.deployment()).open_session(&key, &token, cx.now())?;
        if opened.secret != SecretString::from(req.secret_access_key.unwrap_or_default()) {
            return Err(invalid());
        }
        let seconds = req.session_duration.map(i32::unsigned_abs);
        Ok(Planned::new((opened.caller.clone(), seconds)).credentials(opened.caller))
    }

    async fn handle(&self, cx: &Cx<NoCaller>, _: &mut Tx, plan: Self::Plan) -> Result<GetSigninTokenResponse> {
        let (caller, seconds) = plan;
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
        let signin_token = Tokens::of(cx.deployment()).issue_sign_in(&caller, cx.issue(), expires, seconds)?;
        Ok(GetSigninTokenResponse { signin_token })
    }
}

/// Signs in to the console with a sign-in token. The session acts with the rights of the temporary credentials that the token
/// was issued for, and ends with them: the pipeline verifies now, and at each later call, that they were not revoked.
///
/// # Errors
/// `InvalidClientTokenId` for a token of another kind or deployment; `ExpiredToken`.
impl Handle<op::SignInWithToken> for SignIn {
    /// The caller, and how long the session may last.
    type Plan = (Caller, Option<u32>);

    async fn plan(&self, cx: &Cx<NoCaller>, _: &mut Tx, req: SignInWithTokenRequest) -> Result<Planned<Self::Plan>> {
        let token = req.signin_token.unwrap_or_default();
        let (Bearer { caller, .. }, seconds) = Tokens::of(cx.deployment()).open_sign_in(&token, cx.now())?;
        Ok(Planned::new((caller.clone(), seconds)).credentials(caller))
    }

    async fn handle(&self, cx: &Cx<NoCaller>, _: &mut Tx, plan: Self::Plan) -> Result<SignInWithTokenResponse> {
        let (caller, seconds) = plan;
        let session = caller.session.as_deref().ok_or_else(|| IamError::internal("a token without a session"))?;
        let expires = bailiwick_sts::expiry(cx, seconds.map_or(SESSION, i64::from)).min(session.expires);
        Ok(SignInWithTokenResponse {
            console_token: Tokens::of(cx.deployment()).issue_console(&caller, cx.issue(), expires)?,
            expiration: Some(date(expires)),
            arn: caller.principal.arn(cx.partition()).to_string(),
            mfa_authenticated: caller.mfa.is_some(),
        })
    }
}
