//! CreateDelegationRequest.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, Arn, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned, uuid};
use bailiwick_storage::{DelegationRequest, DelegationState, Tx};

use super::lifecycle::UNASSIGNED;
use super::templates::{FilledPolicy, fill};
use super::{arn_of_request, invalid};
use crate::Directory;
use crate::request::required;

/// The longest name of a requestor in characters.
const LONGEST_NAME: usize = 30;

/// Asks an account, or any account that knows the id, for temporary rights. Whether the owner's account exists is not
/// checked, since a requestor must not learn it.
///
/// # Errors
/// `EntityAlreadyExists` for a workflow id that was used before, `LimitExceeded`; `InvalidInput` for a template or parameter
/// that does not exist, and for a notification channel that is not an SNS topic of the caller's account.
impl Handle<op::CreateDelegationRequest> for Directory {
    /// The request, its id, and its policy. Errors of the policy are for authorized callers.
    type Plan = ((pb::CreateDelegationRequestRequest, String), Result<FilledPolicy>);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateDelegationRequestRequest) -> Result<Planned<Self::Plan>> {
        let permissions = req.permissions.clone().unwrap_or_default();
        let id = uuid(cx.random());
        let check = Check::new("iam:CreateDelegationRequest", &arn_of_request(cx, &id))
            .displayed_as(arn_of_request(cx, "*").as_str())
            .key("iam:DelegationDuration", seconds(&req)?.to_string())
            .key("iam:NotificationChannel", required(&req.notification_channel, "notificationChannel")?)
            .key_if("iam:TemplateArn", permissions.policy_template_arn.as_deref());
        let filled = fill(cx, &permissions);
        Ok(Planned::new((req, id)).check(check).with(filled))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        ((req, id), filled): Self::Plan,
    ) -> Result<pb::CreateDelegationRequestResponse> {
        let channel = required(&req.notification_channel, "notificationChannel")?.to_owned();
        require_own_topic(cx, &channel)?;
        let filled = filled?;
        let session_seconds = seconds(&req)?;
        let account = tx.find_account(cx.account()).await?;
        let name = account.map(|account| account.name).unwrap_or_default();
        let expires = cx.now().checked_add(UNASSIGNED).map_err(IamError::internal)?;
        let request = DelegationRequest {
            id,
            requestor: cx.account(),
            requestor_name: name.chars().take(LONGEST_NAME).collect(),
            workflow_id: required(&req.requestor_workflow_id, "requestorWorkflowId")?.to_owned(),
            owner_account: req.owner_account_id.as_deref().map(AccountId::parse).transpose()?,
            owner: None,
            approver: None,
            description: required(&req.description, "description")?.to_owned(),
            request_message: req.request_message.filter(|text| !text.is_empty()),
            template_arn: filled.template_arn,
            parameters: filled.parameters,
            policy: filled.policy,
            restriction_arns: filled.restriction_arns,
            notification_channel: channel,
            redirect_url: req.redirect_url,
            session_seconds,
            only_send_by_owner: req.only_send_by_owner.unwrap_or(false),
            notes: None,
            rejection_reason: None,
            state: DelegationState::Unassigned,
            created: cx.now(),
            updated: cx.now(),
            expires,
            approval: None,
            sent: None,
        };
        tx.create_delegation_request(&request).await?;
        // AWS adds a link to its console; Bailiwick has none.
        Ok(pb::CreateDelegationRequestResponse { console_deep_link: None, delegation_request_id: Some(request.id) })
    }
}

fn seconds(req: &pb::CreateDelegationRequestRequest) -> Result<u32> {
    let seconds = req.session_duration.and_then(|seconds| u32::try_from(seconds).ok());
    seconds.ok_or_else(|| IamError::validation("SessionDuration is missing.").field("SessionDuration", "missing"))
}

/// Refuses a channel that is not a topic of the caller's account: another account's must not receive its messages.
fn require_own_topic(cx: &Cx, channel: &str) -> Result<()> {
    let is_own = Arn::parse(channel).is_ok_and(|arn| {
        arn.partition() == cx.partition().as_str()
            && arn.service() == "sns"
            && !arn.region().is_empty()
            && arn.account_id() == Some(cx.account())
    });
    if is_own {
        return Ok(());
    }
    Err(invalid(format!("The notification channel {channel} is not the ARN of an SNS topic in the caller's account.")))
}
