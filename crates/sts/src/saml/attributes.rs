//! The attributes of an assertion that AWS defines: roles, the name, duration, tags and source identity of the session.

use bailiwick_api::sts::Tag;
use bailiwick_federation::SamlAssertion;
use bailiwick_model::limits::{MAX_SESSION_SECONDS, MIN_SESSION_SECONDS};
use bailiwick_model::{ErrorCode, IamError, Result, SessionName};

use crate::session_tags::SessionTags;

const PREFIX: &str = "https://aws.amazon.com/SAML/Attributes/";
const TAG: &str = "PrincipalTag:";

/// What the attributes of an assertion say.
#[derive(Debug)]
pub(super) struct Attributes {
    /// The ARNs of a role and of a provider with a comma between them, in either order.
    roles: Vec<String>,
    pub(super) session_name: SessionName,
    /// The longest duration of the session in seconds.
    pub(super) session_seconds: Option<i64>,
    pub(super) tags: SessionTags,
    pub(super) source_identity: Option<String>,
}

impl Attributes {
    /// # Errors
    /// `InvalidIdentityToken`.
    pub(super) fn read(assertion: &SamlAssertion) -> Result<Self> {
        let name = only(assertion, "RoleSessionName")?;
        let name = name.ok_or_else(|| invalid("RoleSessionName is required in AuthnResponse"))?;
        let session_name = SessionName::parse(name)
            .map_err(|_| invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"))?;
        Ok(Attributes {
            roles: values(assertion, "Role").to_vec(),
            session_name,
            session_seconds: only(assertion, "SessionDuration")?.map(seconds).transpose()?,
            tags: tags(assertion)?,
            source_identity: only(assertion, "SourceIdentity")?.map(source_identity).transpose()?,
        })
    }

    /// Whether a role with a provider is among those that the user may choose, compared with case.
    pub(super) fn allow(&self, role: &str, provider: &str) -> bool {
        self.roles.iter().any(|value| is_pair(value, role, provider) || is_pair(value, provider, role))
    }
}

fn values<'a>(assertion: &'a SamlAssertion, name: &str) -> &'a [String] {
    assertion.values(&format!("{PREFIX}{name}"))
}

/// The value of an attribute that has one.
fn only<'a>(assertion: &'a SamlAssertion, name: &str) -> Result<Option<&'a str>> {
    match values(assertion, name) {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        _ => Err(invalid(format!("{name} in AuthnResponse must have one value"))),
    }
}

/// Whether a value is these two ARNs with a comma between them. The name of a role can have commas too.
fn is_pair(value: &str, first: &str, second: &str) -> bool {
    let second_after = |rest: &str| rest.trim_start().strip_prefix(',').is_some_and(|rest| rest.trim() == second);
    value.trim_start().strip_prefix(first).is_some_and(second_after)
}

fn seconds(text: &str) -> Result<i64> {
    let seconds =
        text.trim().parse().ok().filter(|seconds| (MIN_SESSION_SECONDS..=MAX_SESSION_SECONDS).contains(seconds));
    seconds.ok_or_else(|| {
        invalid(format!(
            "SessionDuration in AuthnResponse must be a number from {MIN_SESSION_SECONDS} to {MAX_SESSION_SECONDS}"
        ))
    })
}

fn tags(assertion: &SamlAssertion) -> Result<SessionTags> {
    let mut tags = Vec::new();
    for (name, values) in &assertion.attributes {
        let Some(key) = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix(TAG)) else { continue };
        let [value] = values.as_slice() else {
            return Err(invalid(format!("{TAG}{key} in AuthnResponse must have one value")));
        };
        tags.push(Tag { key: Some(key.to_owned()), value: Some(value.clone()) });
    }
    let transitive = values(assertion, "TransitiveTagKeys");
    SessionTags::read(&tags, transitive, None).map_err(|error| invalid(error.message()))
}

/// A source identity has the characters of a session name, which are those that AWS documents for it.
fn source_identity(text: &str) -> Result<String> {
    let parsed = SessionName::parse(text).ok().filter(|_| !text.to_ascii_lowercase().starts_with("aws:"));
    parsed.map(|_| text.to_owned()).ok_or_else(|| {
        invalid("Source Identity in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"")
    })
}

pub(super) fn invalid(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::InvalidIdentityToken, message)
}
