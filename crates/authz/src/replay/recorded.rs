//! Makes what a record has of a check into what the evaluator decides.

use std::borrow::Cow;

use bailiwick_audit::{RecordedCall, RecordedCheck, RecordedDecision, RecordedValue};
use bailiwick_decision::{DecisionInput, ResolvedSubject, ResourcePolicy, StoredResource, Subject, Trust};
use bailiwick_evaluator::{ContextSource, Policies, Request};
use bailiwick_model::mask::MASK;
use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, Arn, Region, RoleName, SessionName, UniqueId, UserName};
use bailiwick_operation::{Caller, ContextValue, Credential, Deployment, Principal, RequestInfo, Session, SessionKind};
use bailiwick_snapshot::Snapshot;
use jiff::Timestamp;

use crate::decide::check_keys::{CheckKeys, PipelineKeys};

/// The bytes from which on a text of a record may be shortened.
const MAX_TEXT: usize = 1_024;

/// Whose policies decide.
pub(super) enum Who {
    /// A user or a session of a role.
    Subject(Box<Subject>),
    /// A federated user, whose session policies are not recorded.
    Federated,
    /// A principal without identity policies in this account: root, a service, a principal of another account.
    WithoutPolicies,
    /// A user or role that does not exist any more.
    Deleted,
}

/// Finds the principal of a call. Its names and tags are those of today.
pub(super) fn subject(snapshot: &Snapshot, call: &RecordedCall, decision: &RecordedDecision) -> Who {
    if call.principal_arn().contains(":federated-user/") {
        return Who::Federated;
    }
    let (id, session_name) = match call.principal_id().split_once(':') {
        Some((id, name)) => (id, Some(name)),
        None => (call.principal_id(), None),
    };
    let Ok(id) = UniqueId::parse(id) else { return Who::WithoutPolicies };
    match snapshot.entity(&id) {
        None => Who::Deleted,
        Some(_) => caller(snapshot, &id, session_name, decision)
            .map_or(Who::Deleted, |caller| Who::Subject(Box::new(Subject::of_caller(&caller, snapshot, |_| None)))),
    }
}

fn caller(
    snapshot: &Snapshot,
    id: &UniqueId,
    session_name: Option<&str>,
    decision: &RecordedDecision,
) -> Option<Caller> {
    let entity = snapshot.entity(id)?;
    let (account, id, path) = (entity.account, entity.id, entity.path().clone());
    let principal = match session_name {
        None => Principal::User { account, id, name: UserName::parse(&entity.name).ok()?, path },
        Some(session) => Principal::RoleSession {
            account,
            id,
            name: RoleName::parse(&entity.name).ok()?,
            path,
            session_name: SessionName::parse(session).ok()?,
        },
    };
    let second = |seconds: i64| Timestamp::from_second(seconds).ok();
    // Decisions do not depend on the access key.
    let key = AccessKeyId::new(AccessKeyKind::Temporary, account, [0; 6]);
    let session = match &decision.session {
        None => None,
        Some(recorded) => {
            let issued = second(recorded.issued)?;
            let kind = if entity.is_role() { SessionKind::AssumeRole } else { SessionKind::SessionToken };
            let mut session = Session::new(kind, key.clone(), issued, issued);
            session.source_identity = Some(recorded.source_identity.clone()).filter(|text| !text.is_empty());
            Some(session.into())
        }
    };
    let mfa = decision.session.as_ref().filter(|session| session.mfa != 0).and_then(|session| second(session.mfa));
    Some(Caller { principal, credential: Credential::AccessKey(key), session, mfa })
}

/// A recorded check, read.
pub(super) struct RecordedInput<'a> {
    action: &'a str,
    resource: &'a str,
    account: Option<AccountId>,
    time: Timestamp,
    second_factor: bool,
    /// The network of the call; of a decision for another service, what the service gave is among the keys.
    request: Option<RequestInfo>,
    keys: Vec<(Cow<'static, str>, ContextValue)>,
}

impl<'a> RecordedInput<'a> {
    /// Reads a check of a call. `None` if the record lacks something that the decision can depend on.
    pub(super) fn read(call: &'a RecordedCall, check: &'a RecordedCheck) -> Option<Self> {
        let resource = call.resource_of(check);
        let is_whole = |text: &str| text.len() < MAX_TEXT && !text.contains(MASK);
        if check.incomplete || resource.is_empty() || !is_whole(resource) || !is_whole(&call.user_agent) {
            return None;
        }
        let account = match check.resource_account.as_str() {
            "" => Arn::parse(resource).ok().and_then(|arn| arn.account_id()),
            digits => Some(AccountId::parse(digits).ok()?),
        };
        let request = match call.is_decision() {
            true => None,
            false => Some(RequestInfo {
                id: String::new(),
                source_ip: match call.source_ip_address.as_str() {
                    "" => None,
                    text => Some(text.parse().ok()?),
                },
                secure_transport: call.secure_transport(),
                user_agent: Some(call.user_agent.clone()).filter(|text| !text.is_empty()),
                region: match call.aws_region.as_str() {
                    "" => None,
                    text => Some(Region::parse(text).ok()?),
                },
            }),
        };
        let keys = check.context.iter().map(|(name, value)| {
            let value = match value {
                RecordedValue::One(value) => ContextValue::One(value.clone()),
                RecordedValue::Many(values) => ContextValue::Many(values.clone()),
            };
            (Cow::Owned(name.clone()), value)
        });
        Some(RecordedInput {
            action: &check.action,
            resource,
            account,
            time: call.time()?,
            second_factor: check.second_factor,
            request,
            keys: keys.collect(),
        })
    }

    /// Calls `then` with the request and the policies, as a live decision has them.
    pub(super) fn with<R>(
        &self,
        deployment: &Deployment,
        resolved: &ResolvedSubject<'_>,
        then: impl FnOnce(&Request<'_>, &Policies<'_>) -> R,
    ) -> R {
        let view = resolved.view();
        let keys = CheckKeys::new(&self.keys);
        let region = deployment.region.as_str();
        let pipeline = self.request.as_ref().map(|request| PipelineKeys { request, region });
        let mut layers: Vec<&dyn ContextSource> = Vec::with_capacity(2);
        layers.extend(pipeline.as_ref().map(|keys| keys as &dyn ContextSource));
        layers.push(&keys);
        // The checks of Bailiwick's own operations have the tags of their resources among the keys.
        let stored = self.request.is_none().then(|| StoredResource::find(view, self.account, self.resource));
        let input = DecisionInput {
            resource_account: self.account,
            now: Some(self.time),
            second_factor: self.second_factor.then_some(self.time),
            stored: stored.as_ref(),
            keys: &layers,
            resource_policy: ResourcePolicy::from(stored.as_ref().and_then(StoredResource::policy)),
            trust: Trust::for_action(view, self.action, self.resource),
            ..DecisionInput::new(resolved, self.action, self.resource)
        };
        input.with(then)
    }
}
