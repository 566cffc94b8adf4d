//! The context keys that Bailiwick itself fills in: principal, session and time in every decision, network and
//! resource for its own operations.

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue, GlobalKey, Moment};
use bailiwick_operation::{self as operation, RequestInfo};
use jiff::Timestamp;

use crate::subject::{Kind, ResolvedSubject};

/// Keys of the principal, his session and the time. No request can bring these: see [`key_source`].
pub(crate) struct SystemKeys<'a, 's> {
    pub(crate) resolved: &'a ResolvedSubject<'s>,
    pub(crate) now: Timestamp,
}

/// Who fills in a context key of a question of `authz.v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Bailiwick, in every decision: a question that brings the key is refused.
    Bailiwick,
    /// Bailiwick, where something of the resource is stored here: its tags are then what is stored, and a question that
    /// brings the key is refused. For other resources the asking service.
    StoredResource,
    /// In AuthorizePassRole the member of the request that says it, elsewhere the asking service.
    PassRole,
    /// The asking service, who alone knows.
    AskingService,
}

/// Who fills in a key. This is the one list of what can't be brought from outside; a simulation, which allows nothing,
/// may be given any key, as on AWS.
pub(crate) fn key_source(key: &ContextKey) -> KeySource {
    let Some(global) = key.global() else { return KeySource::AskingService };
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
        | GlobalKey::IamAssociatedResourceArn => KeySource::AskingService,
    }
}

impl ContextSource for SystemKeys<'_, '_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let subject = self.resolved.subject;
        let names = &*self.resolved.names;
        let is_identity = !matches!(subject.kind, Kind::Service | Kind::Anonymous);
        let session = subject.session.as_deref();
        match key.global()? {
            GlobalKey::PrincipalArn => is_identity.then_some(ContextValue::One(&names.identity_arn)),
            GlobalKey::PrincipalAccount => one(&names.account),
            GlobalKey::PrincipalType => Some(ContextValue::One(match subject.kind {
                Kind::Root => "Account",
                Kind::User => "User",
                Kind::RoleSession => "AssumedRole",
                Kind::Service => "Service",
                Kind::Anonymous => "Anonymous",
            })),
            GlobalKey::PrincipalTag => self.resolved.tag(|tag| key.tag_matches(tag)).map(ContextValue::One),
            GlobalKey::PrincipalIsAwsService => match subject.kind {
                Kind::Anonymous => None,
                kind => Some(ContextValue::Bool(kind == Kind::Service)),
            },
            GlobalKey::PrincipalServiceName if subject.kind == Kind::Service => one(&names.arn),
            GlobalKey::UserId => one(&names.user_id).filter(|_| subject.kind != Kind::Service),
            GlobalKey::UserName => names.user_name.as_deref().map(ContextValue::One),
            GlobalKey::TokenIssueTime => session.map(|session| ContextValue::Time(moment(session.issued))),
            GlobalKey::MultiFactorAuthPresent => session.map(|_| ContextValue::Bool(subject.mfa.is_some())),
            GlobalKey::MultiFactorAuthAge => {
                let age = |since: Timestamp| self.now.as_second().saturating_sub(since.as_second()).max(0);
                subject.mfa.filter(|_| session.is_some()).map(|since| ContextValue::Integer(age(since)))
            }
            GlobalKey::SourceIdentity => session?.source_identity.as_deref().map(ContextValue::One),
            GlobalKey::CurrentTime => Some(ContextValue::Time(moment(self.now))),
            GlobalKey::EpochTime => Some(ContextValue::Epoch(moment(self.now))),
            _ => None,
        }
    }
}

fn one(text: &str) -> Option<ContextValue<'_>> {
    (!text.is_empty()).then_some(ContextValue::One(text))
}

fn moment(time: Timestamp) -> Moment {
    // Before 1970 a timestamp counts both parts downwards.
    let nanos = time.as_nanosecond().rem_euclid(1_000_000_000);
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
    Moment { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: u32::try_from(nanos).unwrap_or(0) }
}

/// What the pipeline knows of a call to Bailiwick itself: network, region, and whose the resource is.
pub(crate) struct PipelineKeys<'a> {
    pub(crate) request: &'a RequestInfo,
    /// The region of the deployment, where the call names none.
    pub(crate) region: &'a str,
    pub(crate) resource_account: Option<&'a str>,
}

impl ContextSource for PipelineKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        match key.global()? {
            GlobalKey::SourceIp => self.request.source_ip.map(ContextValue::Ip),
            GlobalKey::SecureTransport => Some(ContextValue::Bool(self.request.secure_transport)),
            GlobalKey::UserAgent => self.request.user_agent.as_deref().map(ContextValue::One),
            GlobalKey::RequestedRegion => {
                let named = self.request.region.as_ref().map(bailiwick_model::Region::as_str);
                Some(ContextValue::One(named.unwrap_or(self.region)))
            }
            GlobalKey::ViaAwsService => Some(ContextValue::Bool(false)),
            GlobalKey::ResourceAccount => self.resource_account.map(ContextValue::One),
            _ => None,
        }
    }
}

/// The keys that a check brings.
pub(crate) struct CheckKeys<'a> {
    keys: &'a [(std::borrow::Cow<'static, str>, operation::ContextValue)],
    /// The values of keys that have several, in the order of `keys`.
    many: Vec<Vec<&'a str>>,
}

impl<'a> CheckKeys<'a> {
    pub(crate) fn new(keys: &'a [(std::borrow::Cow<'static, str>, operation::ContextValue)]) -> Self {
        let several = keys.iter().filter_map(|(_, value)| match value {
            operation::ContextValue::One(_) => None,
            operation::ContextValue::Many(values) => Some(values.iter().map(String::as_str).collect()),
        });
        CheckKeys { keys, many: several.collect() }
    }
}

impl ContextSource for CheckKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let mut lists = self.many.iter();
        for (name, value) in self.keys {
            let value = match value {
                operation::ContextValue::One(value) => ContextValue::One(value),
                operation::ContextValue::Many(_) => ContextValue::Many(lists.next()?),
            };
            if key.matches(name) {
                return Some(value);
            }
        }
        None
    }
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
