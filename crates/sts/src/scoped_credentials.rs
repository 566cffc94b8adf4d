//! Credentials of the calling session with fewer permissions, for less time, or both.

use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::sts::{GetScopedCredentialsRequest, GetScopedCredentialsResponse, ScopedSession};
use bailiwick_model::{Arn, ErrorCode, IamError, Partition, Result, Tags};
use bailiwick_operation::{Check, Credential, Cx, Handle, Planned};
use bailiwick_storage::Tx;
use jiff::Timestamp;

use crate::issue::{SessionParts, issue_session};
use crate::session_policy::SessionPolicies;
use crate::{Sts, packed_size};

/// The scope-down policies that a session can have.
const MAX_SCOPES: usize = 3;
/// How many times a session can be scoped down, with or without a policy. Each token names all sessions before it.
const MAX_LAYERS: usize = 16;

/// Issues credentials that go on with the calling session: the same principal, kind of session, tags, source identity,
/// second factor and time of issue, so that what holds for the session holds for them. The new policy must allow what they
/// do, and so must everything that limits the session already; no grant of a resource policy gets around it.
///
/// AWS does not say whether the operation needs a permission. Here it needs `sts:GetScopedCredentials`, which a scope-down
/// policy must allow as well if the credentials are to be scoped down again. A bearer token cannot call it: it would get
/// credentials that outlive the token.
///
/// # Errors
/// `InvalidSubjectCredentials` without a session, `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`;
/// `InsufficientSessionLifetime` for a duration beyond the end of the session; `AccessDenied` for a fourth policy, and for the
/// 17th time.
impl Handle<op::GetScopedCredentials> for Sts {
    type Plan = NewScope;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetScopedCredentialsRequest) -> Result<Planned<NewScope>> {
        let new = NewScope::parse(&req, cx.partition())?;
        let session = Arn::sts(cx.partition(), cx.account(), format_args!("self"));
        Ok(Planned::new(new).check(Check::new("sts:GetScopedCredentials", &session)))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, new: NewScope) -> Result<GetScopedCredentialsResponse> {
        let caller = cx.caller();
        let is_signed = matches!(caller.credential, Credential::AccessKey(_));
        let session = caller.session.as_deref().filter(|_| is_signed).ok_or_else(no_session)?;
        let expires = new.expires(cx, session.expires)?;
        let mut scopes = session.scopes.clone();
        scopes.extend(new.policy.inline.iter().cloned());
        if scopes.len() > MAX_SCOPES && new.policy.inline.is_some() {
            let message = format!("A session can have at most {MAX_SCOPES} scope down policies.");
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let utilization = packed_size::percent(&new.policy, &Tags::new())?;
        if session.scoped_from.len() >= MAX_LAYERS {
            let message = format!("A session can be scoped down at most {MAX_LAYERS} times.");
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let mut scoped_from = session.scoped_from.clone();
        scoped_from.push(session.access_key_id.clone());
        let parts = SessionParts {
            policies: session.policies.clone(),
            managed_policies: session.managed_policies.clone(),
            tags: session.tags.clone(),
            transitive_tag_keys: session.transitive_tag_keys.clone(),
            source_identity: session.source_identity.clone(),
            chained: session.chained,
            provider: session.provider.clone(),
            provider_keys: session.provider_keys.clone(),
            parent_key: session.parent_key.clone(),
            issued_through: session.issued_through.clone(),
            delegation: session.delegation.clone(),
            mfa: caller.mfa,
            scopes,
            scoped_from,
            issued: Some(session.issue()),
            minimum_token_size: new.minimum_token_size,
        };
        let count = i32::try_from(parts.scopes.len()).ok();
        let issued = issue_session(cx, session.kind, caller.principal.clone(), expires, parts)?;
        Ok(GetScopedCredentialsResponse {
            credentials: Some(issued.credentials),
            session_info: Some(ScopedSession {
                scoped_session_id: Some(caller.principal.user_id()),
                arn: Some(caller.principal.arn(cx.partition()).to_string()),
            }),
            session_token_utilization: utilization,
            session_token_size: issued.token_size,
            scoped_policies_count: count,
            source_identity: session.source_identity.clone(),
        })
    }
}

/// What a request narrows.
pub struct NewScope {
    policy: SessionPolicies,
    seconds: Option<i64>,
    minimum_token_size: Option<i32>,
}

impl NewScope {
    fn parse(req: &GetScopedCredentialsRequest, partition: Partition) -> Result<Self> {
        if req.policy.is_none() && req.duration_seconds.is_none() {
            let message = "At least one of Policy and DurationSeconds must be specified.";
            return Err(IamError::validation(message).field("Policy", "a policy, or DurationSeconds"));
        }
        if req.duration_seconds.is_some_and(|seconds| seconds < 1) {
            let message = "DurationSeconds must be at least 1";
            return Err(IamError::validation(message).field("DurationSeconds", "1 to 129600"));
        }
        Ok(NewScope {
            policy: SessionPolicies::read(req.policy.as_deref(), &[], partition)?,
            seconds: req.duration_seconds.map(i64::from),
            minimum_token_size: req.minimum_session_token_size,
        })
    }

    /// When the credentials expire: not after the session.
    fn expires(&self, cx: &Cx, session: Timestamp) -> Result<Timestamp> {
        let Some(seconds) = self.seconds else { return Ok(session) };
        let expires = cx.date() + Duration::from_secs(seconds.unsigned_abs());
        if expires > session {
            let message = "The requested DurationSeconds exceeds the remaining lifetime of the calling session.";
            return Err(IamError::new(ErrorCode::InsufficientSessionLifetime, message)
                .field("DurationSeconds", "at most the remaining lifetime of the session"));
        }
        Ok(expires)
    }
}

fn no_session() -> IamError {
    let message = "GetScopedCredentials can be called with temporary security credentials only.";
    IamError::new(ErrorCode::InvalidSubjectCredentials, message)
}

#[cfg(test)]
mod tests;
