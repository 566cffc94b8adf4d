//! Authentication of requests that other services received.

use std::time::Duration;

use bailiwick_api::authz::{self, AuthenticateRequest, AuthenticateResponse, Principal};
use bailiwick_api::op;
use bailiwick_decision::ResolvedSubject;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_sigv4::{Mechanism, Payload, UnverifiedSignature};
use bailiwick_storage::Tx;
use bailiwick_sts::Tokens;
use data_encoding::HEXLOWER;

use crate::{Authenticated, Authz, date, snapshot};
use claim::Claim;
use credentials::resolve_subject;
use received::Received;

pub(crate) mod certificate;
pub(crate) mod claim;
pub(crate) mod credentials;
pub(crate) mod peer_certificate;
pub(crate) mod proof;
pub(crate) mod received;
pub(crate) mod signing_keys;
#[cfg(test)]
mod tests;

/// The lifetime of a handle, unless the caller's credentials expire earlier.
const HANDLE_LIFE: Duration = Duration::from_secs(5 * 60);

/// Authenticates the signer of a request, and returns the principal and a handle for it.
///
/// The asking service needs `bailiwick:Authenticate` on `arn:PARTITION:bailiwick::ITS-ACCOUNT:service/PREFIX`. The keys
/// `bailiwick:ServicePrefix` and `bailiwick:PrincipalAccount` are the service that the signature must be for and the
/// account that the signer claims.
///
/// # Errors
/// `MissingAuthenticationToken`, `IncompleteSignature`, `InvalidClientTokenId`, `SignatureDoesNotMatch`,
/// `ExpiredToken` for the received request; `ValidationError`.
impl Handle<op::Authenticate> for Authz {
    /// The request to authenticate. Its signature is verified for authorized callers only.
    type Plan = authz::SignedRequest;

    fn min_revision<'r>(&self, req: &'r AuthenticateRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: AuthenticateRequest) -> Result<Planned<authz::SignedRequest>> {
        let missing = || IamError::validation("`signed_request` must be there");
        let signed = req.signed_request.ok_or_else(missing)?;
        let snapshot = snapshot(cx)?;
        let claim = Received::read(&signed).and_then(|received| received.claim(&snapshot));
        let checks =
            claim.unwrap_or_else(|_| Claim::without_principal()).checks(cx, "bailiwick:Authenticate", &signed.service);
        Ok(Planned::new(signed).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, signed: authz::SignedRequest) -> Result<AuthenticateResponse> {
        let snapshot = snapshot(cx)?;
        let (authenticated, signature) = Received::read(&signed)
            .and_then(|received| self.received(&snapshot, &received, cx.now(), signature))
            .map_err(IamError::about_given_caller)?;
        let session = authenticated.caller.session.as_deref();
        let end = cx.now() + HANDLE_LIFE;
        let end = session.map_or(end, |session| end.min(session.expires));
        let (holder, service) = (cx.account().digits(), signed.service.as_str());
        let handle =
            Tokens::of(&self.deployment).issue_handle(&authenticated.caller, &holder, service, cx.issue(), end)?;
        Ok(AuthenticateResponse {
            principal: Some(principal(&authenticated, &resolve_subject(authenticated.subject(), &snapshot)?)),
            signature: Some(signature),
            handle: handle.into(),
            handle_expiration: Some(date(end)),
            revision: self.deployment.revisions.format(snapshot.revision()),
        })
    }
}

fn signature(signed: &UnverifiedSignature<'_>, is_compared: bool) -> authz::Signature {
    let expiration = match signed.mechanism() {
        Mechanism::Header => None,
        Mechanism::Presigned { expires } => expires.and_then(|expires| signed.date().checked_add(expires).ok()),
    };
    let (payload_hash, is_hash) = match signed.payload() {
        Ok(Payload::Hash(hash)) => (HEXLOWER.encode(&hash.0), true),
        Ok(Payload::Unsigned) => ("UNSIGNED-PAYLOAD".to_owned(), false),
        Ok(Payload::Streaming(word)) => (word.to_owned(), false),
        // Not declared: the body's own hash was compared, or nothing.
        Ok(Payload::Absent) | Err(_) => (String::new(), signed.scope().service() != "s3"),
    };
    authz::Signature {
        service: signed.scope().service().to_owned(),
        region: signed.scope().region().to_owned(),
        signed_at: Some(date(signed.date())),
        expiration: expiration.map(date),
        signed_headers: signed.signed_headers().map(str::to_owned).collect(),
        payload_hash,
        payload_verified: is_compared && is_hash,
    }
}

fn principal(authenticated: &Authenticated, resolved: &ResolvedSubject<'_>) -> Principal {
    let caller = &authenticated.caller;
    let session = caller.session.as_deref();
    use bailiwick_operation::Principal::{FederatedUser, RoleSession};

    let is_session = matches!(caller.principal, RoleSession { .. });
    let mut principal_tags = std::collections::HashMap::new();
    for tag in resolved.tags() {
        let is_there = principal_tags.keys().any(|key: &String| key.to_lowercase() == tag.key.to_lowercase());
        if !is_there {
            principal_tags.insert(tag.key.clone(), tag.value.clone());
        }
    }
    Principal {
        arn: resolved.arn().to_owned(),
        account_id: caller.account().to_string(),
        principal_type: caller.principal.type_name().to_owned(),
        user_id: resolved.user_id().to_owned(),
        user_name: resolved.user_name().map(str::to_owned),
        role_arn: is_session.then(|| resolved.identity_arn().to_owned()),
        session_name: match &caller.principal {
            RoleSession { session_name: name, .. } | FederatedUser { name, .. } => Some(name.to_string()),
            _ => None,
        },
        source_identity: session.and_then(|session| session.source_identity.clone()),
        access_key_id: caller.access_key_id().map(ToString::to_string).unwrap_or_default(),
        session_issued_at: session.map(|session| date(session.issued)),
        session_expiration: session.map(|session| date(session.expires)),
        mfa_authenticated_at: caller.mfa.map(date),
        principal_tags,
    }
}
