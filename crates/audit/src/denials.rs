//! Explains denials from their records.
//!
//! The details of a denial belong to the account of the principal that was denied, also if a service of another account
//! asked for the decision and has the record. Administrators of the principal's account see them, and those of the
//! management account see all.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_api::authz::{EvaluatedDocument, ExplainDenialRequest, ExplainDenialResponse};
use bailiwick_api::iamtoolbox::{
    GetRequestAuthorizationDetailsRequest, GetRequestAuthorizationDetailsResponse,
    GetRequestAuthorizationPolicyRequest, GetRequestAuthorizationPolicyResponse,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, EvaluatedPolicy, Handle, Planned, Principal, counted_as};
use bailiwick_storage::Tx;
use jiff::SignedDuration;

use crate::authorization::{Denial, event_id};
use crate::documents;
use crate::look_up::LookUp;
use crate::query::{Attribute, Query};
use crate::queue::Queue;

mod details;

/// To see a denial of the account.
const SEE_DETAILS: &str = "iam:GetRequestAuthorizationDetails";
/// To see the content of its policies.
const SEE_POLICIES: &str = "iam:GetRequestAuthorizationPolicy";
/// To see a denial of one's own, in part. Always allowed.
const SEE_OWN: &str = "bailiwick:ExplainDenial";
/// For how long denials are explained.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Finds denials by their authorization ids. From [`Recorder::denials`](crate::Recorder::denials).
pub struct Denials {
    look_up: LookUp,
    folder: PathBuf,
    queue: Arc<Queue>,
}

impl Denials {
    pub(crate) fn new(look_up: LookUp, folder: PathBuf, queue: Arc<Queue>) -> Self {
        Denials { look_up, folder, queue }
    }

    /// Finds the denial of an authorization id that the caller's account may see; `None` if there is none, or it is too old.
    ///
    /// # Errors
    /// `ServiceFailure` if the trail cannot be read.
    pub async fn find(&self, cx: &Cx, authorization_id: &str) -> Result<Option<Denial>> {
        let Some(event_id) = event_id(authorization_id) else { return Ok(None) };
        let from = cx.now().checked_sub(KEPT).ok();
        let filters = vec![(Attribute::EventId, event_id)];
        // The record may be of the account of a service that asked.
        let query = Query { account: None, from, filters, limit: 1, ..Query::default() };
        let mut found = self.look_up.page(&counted_as(cx.caller()), &query).await?;
        // The record of what a service asked is written within a second.
        if found.events.is_empty() && self.queue.flush().await {
            found = self.look_up.page(&counted_as(cx.caller()), &query).await?;
        }
        let denial = found.events.first().and_then(|event| Denial::read(&event.line));
        Ok(denial.filter(|denial| may_see(cx, denial)))
    }

    /// Finds the document of a policy of a denial, as it was then; `None` if it is not kept.
    ///
    /// # Errors
    /// `ServiceFailure` if the files cannot be read.
    pub async fn document(&self, denial: &Denial, policy: &EvaluatedPolicy) -> Result<Option<String>> {
        if policy.sha256.is_empty() {
            return Ok(None);
        }
        let (folder, sha256, time) = (self.folder.clone(), policy.sha256.clone(), denial.time);
        let found = tokio::task::spawn_blocking(move || documents::find(&folder, &sha256, time));
        found.await.map_err(IamError::internal)?.map_err(IamError::internal)
    }
}

/// Whether the details belong to the account of the caller, who may also be of the management account.
fn may_see(cx: &Cx, denial: &Denial) -> bool {
    cx.account() == cx.deployment().management_account || denial.account_id == cx.account().to_string()
}

/// Whether the caller was denied. Of a role and of a federated user, it must be the same session: who makes a session chooses
/// its name, so that sessions of one name may be of different people.
fn is_own(cx: &Cx, denial: &Denial) -> bool {
    let caller = cx.caller();
    let is_same_session = match &caller.principal {
        Principal::Root { .. } | Principal::User { .. } => true,
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } => {
            caller.access_key_id().is_some_and(|key| key.as_str() == denial.access_key_id)
        }
    };
    let principal = &caller.principal;
    is_same_session
        && denial.principal_id == principal.user_id()
        && denial.account_id == principal.account().to_string()
}

/// The error of an authorization id under which the caller may see nothing.
pub(crate) fn not_found() -> IamError {
    IamError::new(
        ErrorCode::ResourceNotFound,
        "The requested policy or authorization details do not exist or have expired. Verify that the authorization ID is that of the access denied error message, that you call from the account of the principal that was denied, and that a policy URI is one that GetRequestAuthorizationDetails returns for the same authorization ID.",
    )
}

/// Shows a denial of the account, without the content of policies. Callers without the permission see their own, as
/// [`Denial::for_principal`] shows it, unless a statement denies the action.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such denial, or it is of another account; `ValidationError` for a token, because
/// all evaluations are on the first page.
impl Handle<op::GetRequestAuthorizationDetails> for Denials {
    type Plan = (Option<Denial>, Option<String>);

    const ANSWERS_LESS: bool = true;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: GetRequestAuthorizationDetailsRequest,
    ) -> Result<Planned<Self::Plan>> {
        let check = |action| Check::without_resource(action, cx.account());
        let found = self.find(cx, req.authorization_id.as_deref().unwrap_or_default()).await?;
        let own = found.clone().filter(|denial| is_own(cx, denial)).map(Denial::for_principal);
        let own = own.map(|own| Planned::new((Some(own), req.next_token.clone())).check(check(SEE_OWN)));
        Ok(Planned::new((found, req.next_token)).check(check(SEE_DETAILS)).or_else(own))
    }

    async fn handle(
        &self,
        _: &Cx,
        _: &mut Tx,
        (found, next_token): Self::Plan,
    ) -> Result<GetRequestAuthorizationDetailsResponse> {
        if next_token.is_some() {
            let message = "nextToken is not a token that GetRequestAuthorizationDetails returned: all evaluations are on one page";
            return Err(IamError::validation(message));
        }
        details::response(found.ok_or_else(not_found)?.details)
    }
}

/// Shows the document of a policy of a denial of the account, as it was then.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such denial, it is of another account, or the document is not kept.
impl Handle<op::GetRequestAuthorizationPolicy> for Denials {
    type Plan = GetRequestAuthorizationPolicyRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: Self::Plan) -> Result<Planned<Self::Plan>> {
        Ok(Planned::new(req).check(Check::without_resource(SEE_POLICIES, cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: Self::Plan) -> Result<GetRequestAuthorizationPolicyResponse> {
        let (id, uri) = (req.authorization_id.unwrap_or_default(), req.policy_uri.unwrap_or_default());
        let denial = self.find(cx, &id).await?.ok_or_else(not_found)?;
        let policy = denial.policy(&uri).ok_or_else(not_found)?;
        let document = self.document(&denial, policy).await?.ok_or_else(not_found)?;
        Ok(GetRequestAuthorizationPolicyResponse { policy_document: Some(document) })
    }
}

/// Explains a denial, with the content of its policies.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such denial, if it is of another account, and in a summary also if it is of
/// another principal.
impl Handle<op::ExplainDenial> for Denials {
    type Plan = ExplainDenialRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: ExplainDenialRequest) -> Result<Planned<Self::Plan>> {
        let actions: &[_] = if req.summary_only { &[SEE_OWN] } else { &[SEE_DETAILS, SEE_POLICIES] };
        let checks = actions.iter().map(|action| Check::without_resource(action, cx.account()));
        Ok(Planned::new(req).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: ExplainDenialRequest) -> Result<ExplainDenialResponse> {
        let mut denial = self.find(cx, &req.authorization_id).await?.ok_or_else(not_found)?;
        let mut documents = Vec::new();
        if req.summary_only {
            if !is_own(cx, &denial) {
                return Err(not_found());
            }
            denial = denial.for_principal();
        } else {
            for policy in &denial.details.policies {
                if let Some(document) = self.document(&denial, policy).await? {
                    let (uri, version) = (policy.uri.clone(), policy.version.clone());
                    documents.push(EvaluatedDocument { uri, version, document });
                }
            }
        }
        Ok(ExplainDenialResponse {
            time: Some(prost_types::Timestamp {
                seconds: denial.time.as_second(),
                nanos: denial.time.subsec_nanosecond(),
            }),
            text: denial.text(),
            details: serde_json::to_string(&denial.details).map_err(IamError::internal)?,
            authorization_id: denial.authorization_id,
            operation: denial.operation,
            principal_arn: denial.principal_arn,
            message: denial.message,
            documents,
        })
    }
}
