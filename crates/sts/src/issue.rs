//! Issuing temporary credentials: the one place where a session gets its key, times and token.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_api::sts::Credentials;
use bailiwick_model::{AccessKeyId, AccessKeyKind, Issue, Result, Tags};
use bailiwick_operation::{Caller, Credential, Cx, Delegation, Principal, Session, SessionKind, SessionPolicyRef};
use jiff::Timestamp;
use prost_types::Timestamp as Date;

use crate::Tokens;

/// The properties of a new session besides its kind, principal, access key and times. By default it has none.
#[derive(Clone, Debug, Default)]
pub struct SessionParts {
    /// Inline session policies. AssumeRoot's task policy is one.
    pub policies: Vec<String>,
    /// Managed policies that act as session policies.
    pub managed_policies: Vec<SessionPolicyRef>,
    /// Session tags, inherited ones included.
    pub tags: Tags,
    /// Keys of the transitive tags.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Whether a role session assumed the role.
    pub chained: bool,
    /// The ARN of the provider, for a principal that a provider proved.
    pub provider: Option<String>,
    /// Scope-down policies.
    pub scopes: Vec<String>,
    /// The access keys of the sessions that it is scoped down from.
    pub scoped_from: Vec<AccessKeyId>,
    /// When the session began, and on which view, unless it begins now. Only for a session that goes on with other credentials.
    pub issued: Option<Issue>,
    /// Context keys of the provider that stay through the session, with their values.
    pub provider_keys: Vec<(String, Vec<String>)>,
    /// The access key that signed the request, if one did.
    pub parent_key: Option<AccessKeyId>,
    /// [`Caller::lineage`] of the signer.
    pub issued_through: Vec<AccessKeyId>,
    /// Of a delegated session, what it comes from.
    pub delegation: Option<Delegation>,
    /// When the caller authenticated with a second factor. Only for sessions that carry it on: of GetSessionToken and of
    /// sign-in.
    pub mfa: Option<Timestamp>,
    /// The length in bytes that the session token must at least have. A shorter one is padded.
    pub minimum_token_size: Option<i32>,
}

/// Issued credentials.
#[derive(Debug)]
pub struct Issued {
    /// The caller that the credentials prove.
    pub caller: Caller,
    /// The credentials, as responses carry them.
    pub credentials: Credentials,
    /// The length of the session token in bytes.
    pub token_size: Option<i32>,
}

/// Issues the credentials of a new session, which begins now. Writes nothing.
///
/// Everything must have been checked: that the caller may have such a session, and the limits of all parts.
///
/// # Errors
/// `ServiceFailure` if sealing fails, or if the kind of session does not fit the principal.
pub fn issue_session<C>(
    cx: &Cx<C>,
    kind: SessionKind,
    principal: Principal,
    expires: Timestamp,
    parts: SessionParts,
) -> Result<Issued> {
    let key = cx.new_access_key_id(AccessKeyKind::Temporary, principal.account());
    // It begins no later than the views that were read and decided on: a later revocation must end it.
    let new = Session::new(kind, key.clone(), parts.issued.unwrap_or(cx.issue()), expires);
    let session = Session {
        policies: parts.policies,
        managed_policies: parts.managed_policies,
        tags: parts.tags,
        transitive_tag_keys: parts.transitive_tag_keys,
        source_identity: parts.source_identity,
        chained: parts.chained,
        provider: parts.provider,
        provider_keys: parts.provider_keys,
        parent_key: parts.parent_key,
        issued_through: parts.issued_through,
        delegation: parts.delegation,
        scopes: parts.scopes,
        scoped_from: parts.scoped_from,
        ..new
    };
    if !session.is_of(&principal) {
        return Err(bailiwick_model::IamError::internal("a kind of session that its principal cannot have"));
    }
    let minimum = parts.minimum_token_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let credential = Credential::AccessKey(key.clone());
    let caller = Caller { principal, credential, session: Some(Arc::new(session)), mfa: parts.mfa };
    let (token, secret) = Tokens::of(cx.deployment()).issue_session_of(&caller, minimum)?;
    Ok(Issued {
        caller,
        token_size: i32::try_from(token.len()).ok(),
        credentials: Credentials {
            access_key_id: Some(key.to_string()),
            secret_access_key: Some(secret.expose().to_owned()),
            session_token: Some(token),
            expiration: Some(date(expires)),
        },
    })
}

/// The end of a session that begins now and lasts this long, in whole seconds.
pub fn expiry<C>(cx: &Cx<C>, seconds: i64) -> Timestamp {
    cx.date() + Duration::from_secs(seconds.unsigned_abs())
}

/// A time as responses carry it, in whole seconds.
pub fn date(time: Timestamp) -> Date {
    Date { seconds: time.as_second(), nanos: 0 }
}
