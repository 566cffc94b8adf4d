//! Delegation requests: an account asks another one for temporary rights, and a principal there approves or rejects that.

use bailiwick_model::{AccessKeyId, AccountId, ErrorCode, IamError, Issue, KeyCase, Result, StorePosition, Tags};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// The requests that one account may have made, expired ones that are still kept included.
const MOST: u64 = 1_000;
/// How long an expired request is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many requests that are no longer kept a new one removes at most.
const CLEANED: usize = 10;

/// A delegation request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationRequest {
    /// Its id: a UUID, unique in the deployment.
    pub id: String,
    /// The account that asks.
    pub requestor: AccountId,
    /// The name that the requestor's account had.
    pub requestor_name: String,
    /// The id of the request at the requestor, unique among its requests.
    pub workflow_id: String,
    /// The account whose rights are asked for; none until a principal there associates the request.
    pub owner_account: Option<AccountId>,
    /// Who associated the request.
    pub owner: Option<DelegationParty>,
    /// Who accepted the request.
    pub approver: Option<DelegationParty>,
    /// What the requestor says about it.
    pub description: String,
    /// A further message of the requestor.
    pub request_message: Option<String>,
    /// The ARN of the policy template.
    pub template_arn: String,
    /// The parameters of the template.
    pub parameters: Vec<DelegationParameter>,
    /// The policy that is asked for: the template with its parameters.
    pub policy: String,
    /// The boundaries that roles created with the policy must have: ARNs.
    pub restriction_arns: Vec<String>,
    /// Where the requestor wants to be notified.
    pub notification_channel: String,
    /// Where the requestor continues afterwards.
    pub redirect_url: Option<String>,
    /// How long the rights would last, in seconds.
    pub session_seconds: u32,
    /// Whether only the owner may send the token.
    pub only_send_by_owner: bool,
    /// Notes of the owner.
    pub notes: Option<String>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// The state that was last written; see [`Self::state_at`].
    pub state: DelegationState,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// When the state ends.
    pub expires: Timestamp,
    /// What its sessions have of the approver. None before it is accepted, after it is rejected, and of requests that an
    /// older version accepted.
    pub approval: Option<DelegationApproval>,
    /// When its token was sent.
    pub sent: Option<Timestamp>,
}

/// What the sessions of an accepted request have of its approver, besides the identity: whatever policies can depend on, and what
/// the approver's credentials end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationApproval {
    /// When the request was accepted. A later revocation of the approver's sessions ends its sessions too.
    pub accepted: Issue,
    /// The long-term access key of the approver, unless a session was used that is bound to none. The sessions end without it.
    pub long_term_key: Option<AccessKeyId>,
    /// The access keys with which the approver's session ends when they are revoked.
    pub issued_through: Vec<AccessKeyId>,
    /// The session tags of the approver.
    pub tags: Tags,
    /// The keys of the transitive ones.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity of the approver.
    pub source_identity: Option<String>,
    /// The identity provider that the approver's session came through.
    pub provider: Option<String>,
    /// The context keys that it set, with their values.
    pub provider_keys: Vec<(String, Vec<String>)>,
}

/// A principal that takes part in a delegation request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationParty {
    /// `aws:userid` of the principal. Renaming keeps it, and a new principal of the same name has another one.
    pub user_id: String,
    /// The ARN that it had.
    pub arn: String,
}

/// A parameter of a policy template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationParameter {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
    /// Whether it is a list, which may have more or fewer than one value.
    pub is_list: bool,
}

/// The state of a delegation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationState {
    /// Created.
    Unassigned,
    /// Associated with an owner.
    Assigned,
    /// The owner asks another principal to approve it.
    PendingApproval,
    /// Approved. The token is not sent yet.
    Accepted,
    /// The token is sent.
    Finalized,
    /// Refused, for good.
    Rejected,
    /// Nothing was done in time, or the time of a final state is over.
    Expired,
}

impl DelegationRequest {
    /// Its state at a time.
    pub fn state_at(&self, now: Timestamp) -> DelegationState {
        if now >= self.expires { DelegationState::Expired } else { self.state }
    }
}

impl Tx {
    /// Stores a new request. Removes some that expired more than seven days ago.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if the requestor has a request with this workflow id, `LimitExceeded`.
    pub async fn create_delegation_request(&mut self, request: &DelegationRequest) -> Result<()> {
        self.clean_delegation_requests(request.requestor, request.created).await?;
        let workflow = workflow_key(request);
        if self.read_key(workflow.clone()).await?.is_some() {
            let message = format!("A delegation request with workflow id {} already exists.", request.workflow_id);
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let count = keys::counter(request.requestor, CounterKind::DelegationRequests, &[]);
        self.add_within(count, 1, MOST, || IamError::quota("DelegationRequestsPerAccount", MOST)).await?;
        self.put(workflow, Bytes::copy_from_slice(request.id.as_bytes()));
        self.put(time_key(request), Bytes::new());
        self.put_record(key(&request.id), request);
        Ok(())
    }

    /// Returns the request with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_delegation_request(&mut self, id: &str) -> Result<Option<DelegationRequest>> {
        self.read(key(id)).await
    }

    /// Replaces a request that this transaction has read. Once it has an owner, the owner's account lists it.
    pub fn update_delegation_request(&mut self, request: &DelegationRequest) {
        if let Some(owned) = owned_key(request) {
            self.put(owned, Bytes::new());
        }
        self.put_record(key(&request.id), request);
    }

    /// The requests that principals of an account own, oldest first, and of one owner only if its ARN is given.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_delegation_requests(
        &self,
        account: AccountId,
        owner_arn: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DelegationRequest>> {
        let prefix = keys::kind(account, Kind::OwnedDelegation);
        let locate =
            |id: &[u8], _: &[u8]| Located::At(keys::record(AccountId::NONE, Kind::DelegationRequest, &id[TIME..]));
        let keep = |request: DelegationRequest| {
            let is_wanted = owner_arn.is_none_or(|arn| request.owner.as_ref().is_some_and(|owner| owner.arn == arn));
            Some(request).filter(|_| is_wanted)
        };
        self.page(&prefix, after, limit, locate, keep).await
    }

    /// Removes the oldest requests of an account that are no longer kept.
    async fn clean_delegation_requests(&mut self, requestor: AccountId, now: Timestamp) -> Result<()> {
        let prefix = keys::kind(requestor, Kind::DelegationTime);
        for (time, _) in self.scan(&prefix, None, CLEANED).await? {
            let Some(id) = time.get(prefix.len() + TIME..).and_then(|id| std::str::from_utf8(id).ok()) else {
                continue;
            };
            let Some(request) = self.find_delegation_request(id).await? else { continue };
            if now.duration_since(request.expires) < KEPT {
                continue;
            }
            for key in
                [time_key(&request), workflow_key(&request), key(&request.id)].into_iter().chain(owned_key(&request))
            {
                self.delete_key(key);
            }
            self.add(keys::counter(requestor, CounterKind::DelegationRequests, &[]), -1);
        }
        Ok(())
    }
}

/// The digits of a time in keys.
pub(crate) const TIME: usize = 20;

pub(crate) fn key(id: &str) -> Bytes {
    keys::record(AccountId::NONE, Kind::DelegationRequest, id.as_bytes())
}

/// A workflow id has characters up to U+00FF only, so that one byte for each keeps the longest below the limit of keys.
fn workflow_key(request: &DelegationRequest) -> Bytes {
    let id: Vec<u8> = request.workflow_id.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    keys::record(request.requestor, Kind::DelegationWorkflow, &id)
}

fn time_key(request: &DelegationRequest) -> Bytes {
    keys::record(request.requestor, Kind::DelegationTime, timed(request).as_bytes())
}

/// The rows that find a request, with their values.
pub(crate) fn indexes(request: &DelegationRequest) -> Vec<(Bytes, Bytes)> {
    let id = Bytes::copy_from_slice(request.id.as_bytes());
    let mut rows = vec![(workflow_key(request), id), (time_key(request), Bytes::new())];
    rows.extend(owned_key(request).map(|key| (key, Bytes::new())));
    rows
}

fn owned_key(request: &DelegationRequest) -> Option<Bytes> {
    let account = request.owner_account.filter(|_| request.owner.is_some())?;
    Some(keys::record(account, Kind::OwnedDelegation, timed(request).as_bytes()))
}

fn timed(request: &DelegationRequest) -> String {
    format!("{:0TIME$}{}", request.created.as_microsecond(), request.id)
}

impl AsMessage for DelegationRequest {
    type Message = pb::DelegationRequest;
    const NAME: &'static str = "delegation request";

    fn to_message(&self) -> pb::DelegationRequest {
        let party =
            |party: &DelegationParty| pb::DelegationParty { user_id: party.user_id.clone(), arn: party.arn.clone() };
        let parameter = |parameter: &DelegationParameter| pb::DelegationParameter {
            name: parameter.name.clone(),
            values: parameter.values.clone(),
            is_list: parameter.is_list,
        };
        pb::DelegationRequest {
            id: self.id.clone(),
            requestor: codec::account_number(self.requestor),
            requestor_name: self.requestor_name.clone(),
            workflow_id: self.workflow_id.clone(),
            owner_account: self.owner_account.map(codec::account_number),
            owner: self.owner.as_ref().map(party),
            approver: self.approver.as_ref().map(party),
            description: self.description.clone(),
            request_message: self.request_message.clone(),
            template_arn: self.template_arn.clone(),
            parameters: self.parameters.iter().map(parameter).collect(),
            policy: self.policy.clone(),
            restriction_arns: self.restriction_arns.clone(),
            notification_channel: self.notification_channel.clone(),
            redirect_url: self.redirect_url.clone(),
            session_seconds: self.session_seconds,
            only_send_by_owner: self.only_send_by_owner,
            notes: self.notes.clone(),
            rejection_reason: self.rejection_reason.clone(),
            state: state_number(self.state),
            created: self.created.as_microsecond(),
            updated: self.updated.as_microsecond(),
            expires: self.expires.as_microsecond(),
            approval: self.approval.as_ref().map(approval_message),
            sent: self.sent.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::DelegationRequest) -> Result<Self, Malformed> {
        let party = |party: pb::DelegationParty| DelegationParty { user_id: party.user_id, arn: party.arn };
        let parameter = |parameter: pb::DelegationParameter| DelegationParameter {
            name: parameter.name,
            values: parameter.values,
            is_list: parameter.is_list,
        };
        Ok(DelegationRequest {
            id: message.id,
            requestor: codec::account(message.requestor)?,
            requestor_name: message.requestor_name,
            workflow_id: message.workflow_id,
            owner_account: message.owner_account.map(codec::account).transpose()?,
            owner: message.owner.map(party),
            approver: message.approver.map(party),
            description: message.description,
            request_message: message.request_message,
            template_arn: message.template_arn,
            parameters: message.parameters.into_iter().map(parameter).collect(),
            policy: message.policy,
            restriction_arns: message.restriction_arns,
            notification_channel: message.notification_channel,
            redirect_url: message.redirect_url,
            session_seconds: message.session_seconds,
            only_send_by_owner: message.only_send_by_owner,
            notes: message.notes,
            rejection_reason: message.rejection_reason,
            state: state_of(message.state)?,
            created: codec::time(message.created)?,
            updated: codec::time(message.updated)?,
            expires: codec::time(message.expires)?,
            approval: message.approval.map(approval_of).transpose()?,
            sent: codec::maybe_time(message.sent)?,
        })
    }
}

fn approval_message(approval: &DelegationApproval) -> pb::DelegationApproval {
    let key = |(name, values): &(String, Vec<String>)| pb::ProviderKey { name: name.clone(), values: values.clone() };
    pb::DelegationApproval {
        accepted: approval.accepted.time.as_microsecond(),
        position: approval.accepted.position.map(|StorePosition { epoch, restore_id, revision }| pb::StorePosition {
            epoch,
            revision,
            restore_id,
        }),
        long_term_key: approval.long_term_key.as_ref().map(AccessKeyId::to_string),
        issued_through: approval.issued_through.iter().map(AccessKeyId::to_string).collect(),
        tags: codec::tag_messages(&approval.tags),
        transitive_tag_keys: approval.transitive_tag_keys.clone(),
        source_identity: approval.source_identity.clone(),
        provider: approval.provider.clone(),
        provider_keys: approval.provider_keys.iter().map(key).collect(),
    }
}

fn approval_of(message: pb::DelegationApproval) -> Result<DelegationApproval, Malformed> {
    let key = |id: String| AccessKeyId::parse(&id).map_err(Malformed::from);
    Ok(DelegationApproval {
        accepted: Issue {
            time: codec::time(message.accepted)?,
            position: message.position.map(|pb::StorePosition { epoch, revision, restore_id }| StorePosition {
                epoch,
                restore_id,
                revision,
            }),
        },
        long_term_key: message.long_term_key.map(key).transpose()?,
        issued_through: message.issued_through.into_iter().map(key).collect::<Result<_, _>>()?,
        tags: codec::tags(KeyCase::Insensitive, &message.tags)?,
        transitive_tag_keys: message.transitive_tag_keys,
        source_identity: message.source_identity,
        provider: message.provider,
        provider_keys: message.provider_keys.into_iter().map(|key| (key.name, key.values)).collect(),
    })
}

const STATES: [DelegationState; 6] = [
    DelegationState::Unassigned,
    DelegationState::Assigned,
    DelegationState::PendingApproval,
    DelegationState::Accepted,
    DelegationState::Finalized,
    DelegationState::Rejected,
];

/// The number of a state in records, from 1. That a request has expired is not written.
fn state_number(state: DelegationState) -> u32 {
    STATES.iter().position(|known| *known == state).map_or(0, |index| index as u32 + 1)
}

fn state_of(number: u32) -> Result<DelegationState, Malformed> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| STATES.get(index)).copied().ok_or_else(|| Malformed::new("an unknown state"))
}
