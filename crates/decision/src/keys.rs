//! The context keys that Bailiwick itself fills in.

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue, GlobalKey, Moment};
use jiff::Timestamp;

use crate::subject::SubjectKind;
use crate::{ResolvedSubject, SessionKind};

/// The party that fills in a context key of a request to a service that asks for decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Bailiwick, in every decision. A request cannot have the key.
    Bailiwick,
    /// Bailiwick, for a resource whose tags are stored: see [`StoredResource`](crate::StoredResource). A request about it
    /// cannot have the key. For other resources, the service.
    StoredResource,
    /// The member of a request to pass a role that has this value; otherwise the service.
    PassRole,
    /// The service, which alone knows the value.
    Service,
}

impl KeySource {
    /// Returns the party that fills in a key. This list is the only one of keys that come from Bailiwick.
    ///
    /// A simulation can have any key, as on AWS, because it allows nothing.
    pub fn of(key: &ContextKey) -> Self {
        let Some(global) = key.global() else {
            return if is_of_provider(key.as_str()) { KeySource::Bailiwick } else { KeySource::Service };
        };
        match global {
            GlobalKey::PrincipalArn
            | GlobalKey::PrincipalAccount
            | GlobalKey::PrincipalType
            | GlobalKey::PrincipalTag
            | GlobalKey::PrincipalIsAwsService
            | GlobalKey::PrincipalServiceName
            | GlobalKey::PrincipalServiceNamesList
            | GlobalKey::PrincipalOrgId
            | GlobalKey::PrincipalOrgPaths
            | GlobalKey::UserId
            | GlobalKey::UserName
            | GlobalKey::TokenIssueTime
            | GlobalKey::MultiFactorAuthPresent
            | GlobalKey::MultiFactorAuthAge
            | GlobalKey::SourceIdentity
            | GlobalKey::FederatedProvider
            | GlobalKey::AssumedRoot
            | GlobalKey::CurrentTime
            | GlobalKey::EpochTime
            | GlobalKey::ResourceAccount
            | GlobalKey::ResourceOrgId
            | GlobalKey::ResourceOrgPaths => KeySource::Bailiwick,
            GlobalKey::ResourceTag | GlobalKey::IamResourceTag => KeySource::StoredResource,
            GlobalKey::IamPassedToService => KeySource::PassRole,
            GlobalKey::SourceIp
            | GlobalKey::VpcSourceIp
            | GlobalKey::SecureTransport
            | GlobalKey::UserAgent
            | GlobalKey::Referer
            | GlobalKey::RequestedRegion
            | GlobalKey::CalledVia
            | GlobalKey::CalledViaFirst
            | GlobalKey::CalledViaLast
            | GlobalKey::ViaAwsService
            | GlobalKey::RequestTag
            | GlobalKey::TagKeys
            | GlobalKey::SourceArn
            | GlobalKey::SourceAccount
            | GlobalKey::SourceOrgId
            | GlobalKey::SourceOrgPaths
            | GlobalKey::SourceVpc
            | GlobalKey::SourceVpce
            | GlobalKey::StsExternalId
            | GlobalKey::StsRoleSessionName
            | GlobalKey::StsSourceIdentity
            | GlobalKey::StsTransitiveTagKeys
            | GlobalKey::StsDurationSeconds
            | GlobalKey::IamPermissionsBoundary
            | GlobalKey::IamPolicyArn
            | GlobalKey::IamAssociatedResourceArn => KeySource::Service,
        }
    }
}

/// Whether a key, in lower case, is one that an identity provider sets: `saml:sub`, or `HOST/PATH:sub` of an OIDC provider.
/// No service has a dot in its prefix.
fn is_of_provider(key: &str) -> bool {
    let head = key.split([':', '/']).next().unwrap_or_default();
    head == "saml" || head.contains('.')
}

/// The keys of the principal, its session, the time and the resource's account.
pub(crate) struct SystemKeys<'a, 's> {
    pub(crate) subject: &'a ResolvedSubject<'s>,
    /// The time; none leaves out the keys that depend on it.
    pub(crate) now: Option<Timestamp>,
    /// When the caller authenticated with a second factor within the request.
    pub(crate) second_factor: Option<Timestamp>,
    pub(crate) resource_account: Option<&'a str>,
    /// The values of those keys of the session's provider that have not exactly one, in their order.
    pub(crate) provider_values: &'a [Vec<&'a str>],
}

/// The values of those keys of a session's provider that have not exactly one, for [`SystemKeys`].
pub(crate) fn provider_values<'s>(subject: &'s ResolvedSubject<'_>) -> Vec<Vec<&'s str>> {
    let keys = subject.subject.session.iter().flat_map(|session| &session.provider_keys);
    let several = keys.filter(|(_, values)| values.len() != 1);
    several.map(|(_, values)| values.iter().map(String::as_str).collect()).collect()
}

impl SystemKeys<'_, '_> {
    /// The value of a key that the session's provider set.
    fn provider_value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let mut several = self.provider_values.iter();
        for (name, values) in &self.subject.subject.session.as_deref()?.provider_keys {
            let value = match values.as_slice() {
                [value] => ContextValue::One(value),
                _ => ContextValue::Many(several.next()?),
            };
            if key.matches(name) {
                return Some(value);
            }
        }
        None
    }
}

impl ContextSource for SystemKeys<'_, '_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let Some(global) = key.global() else { return self.provider_value(key) };
        let subject = self.subject.subject;
        let names = &*self.subject.names;
        match global {
            GlobalKey::ResourceAccount => return self.resource_account.map(ContextValue::One),
            GlobalKey::CurrentTime => return self.now.map(|now| ContextValue::Time(moment(now))),
            GlobalKey::EpochTime => return self.now.map(|now| ContextValue::Epoch(moment(now))),
            _ if subject.kind == SubjectKind::UnknownUser => return None,
            _ => {}
        }
        let has_arn =
            !matches!(subject.kind, SubjectKind::Service | SubjectKind::IdentityProvider | SubjectKind::Anonymous);
        let session = subject.session.as_deref();
        match global {
            GlobalKey::PrincipalArn => has_arn.then_some(ContextValue::One(&names.identity_arn)),
            GlobalKey::PrincipalAccount => non_empty(&names.account),
            GlobalKey::PrincipalType => Some(ContextValue::One(match subject.kind {
                SubjectKind::Root => "Account",
                SubjectKind::User | SubjectKind::UnknownUser => "User",
                SubjectKind::RoleSession => "AssumedRole",
                SubjectKind::Service => "Service",
                SubjectKind::IdentityProvider | SubjectKind::FederatedUser => "FederatedUser",
                SubjectKind::Anonymous => "Anonymous",
            })),
            GlobalKey::PrincipalTag => {
                let tag = self.subject.tags().find(|tag| key.tag_matches(&tag.key))?;
                Some(ContextValue::One(&tag.value))
            }
            GlobalKey::PrincipalIsAwsService => match subject.kind {
                SubjectKind::Anonymous => None,
                kind => Some(ContextValue::Bool(kind == SubjectKind::Service)),
            },
            GlobalKey::PrincipalServiceName if subject.kind == SubjectKind::Service => non_empty(&names.arn),
            GlobalKey::FederatedProvider => match subject.kind {
                SubjectKind::IdentityProvider => non_empty(&names.arn),
                _ => session?.provider.as_deref().map(ContextValue::One),
            },
            GlobalKey::AssumedRoot => (session?.kind == SessionKind::AssumeRoot).then_some(ContextValue::Bool(true)),
            GlobalKey::UserId => non_empty(&names.user_id).filter(|_| subject.kind != SubjectKind::Service),
            GlobalKey::UserName => names.user_name.as_deref().map(ContextValue::One),
            GlobalKey::TokenIssueTime => session.map(|session| ContextValue::Time(moment(session.issued))),
            GlobalKey::MultiFactorAuthPresent if self.second_factor.is_some() => Some(ContextValue::Bool(true)),
            GlobalKey::MultiFactorAuthPresent => session.map(|_| ContextValue::Bool(subject.mfa.is_some())),
            GlobalKey::MultiFactorAuthAge => {
                let of_session = subject.mfa.filter(|_| session.is_some());
                let (since, now) = (self.second_factor.or(of_session)?, self.now?);
                Some(ContextValue::Integer(now.as_second().saturating_sub(since.as_second()).max(0)))
            }
            GlobalKey::SourceIdentity => session?.source_identity.as_deref().map(ContextValue::One),
            _ => None,
        }
    }
}

fn non_empty(text: &str) -> Option<ContextValue<'_>> {
    (!text.is_empty()).then_some(ContextValue::One(text))
}

fn moment(time: Timestamp) -> Moment {
    // Before 1970, both parts of a timestamp are negative.
    let nanos = time.as_nanosecond().rem_euclid(1_000_000_000);
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
    Moment { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: u32::try_from(nanos).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_round_down() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("1970-01-01T00:00:01.5Z"), Moment { seconds: 1, nanos: 500_000_000 });
        assert_eq!(at("1969-12-31T23:59:58.5Z"), Moment { seconds: -2, nanos: 500_000_000 });
    }
}
