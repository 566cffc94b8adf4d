//! Explains denials from their records.
//!
//! A record belongs to the account of the principal that was denied. Administrators of that account see its details, and
//! those of the management account see all.

use std::path::PathBuf;

use bailiwick_api::authz::{EvaluatedDocument, ExplainDenialRequest, ExplainDenialResponse};
use bailiwick_api::op;
use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, EvaluatedPolicy, Handle, Planned};
use bailiwick_storage::Tx;
use jiff::{SignedDuration, Timestamp};

use crate::authorization::{Denial, event_id};
use crate::documents;
use crate::look_up::LookUp;
use crate::query::{Attribute, Query};

/// For how long denials are explained.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Finds denials by their authorization ids. From [`Recorder::denials`](crate::Recorder::denials).
pub struct Denials {
    look_up: LookUp,
    folder: PathBuf,
}

impl Denials {
    pub(crate) fn new(look_up: LookUp, folder: PathBuf) -> Self {
        Denials { look_up, folder }
    }

    /// Finds the denial of an authorization id that the caller's account may see; `None` if there is none, or it is too old.
    ///
    /// # Errors
    /// `ServiceFailure` if the trail cannot be read.
    pub async fn find(&self, cx: &Cx, authorization_id: &str) -> Result<Option<Denial>> {
        let is_management = cx.account() == cx.deployment().management_account;
        self.find_of((!is_management).then(|| cx.account()), authorization_id, cx.now()).await
    }

    async fn find_of(
        &self,
        account: Option<AccountId>,
        authorization_id: &str,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let Some(event_id) = event_id(authorization_id) else { return Ok(None) };
        let from = now.checked_sub(KEPT).ok();
        let filters = vec![(Attribute::EventId, event_id)];
        let page = self.look_up.page(&Query { account, from, filters, limit: 1, ..Query::default() }).await?;
        Ok(page.events.first().and_then(|event| Denial::read(&event.line)))
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

/// The error of an authorization id under which the caller may see nothing.
pub(crate) fn not_found() -> IamError {
    IamError::new(
        ErrorCode::ResourceNotFound,
        "The requested authorization details do not exist or have expired. Verify that the authorization ID is that of the access denied error message, and that you call from the account of the principal that was denied.",
    )
}

/// Explains a denial.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such denial, if it is of another account, and in a summary also if it is of
/// another principal.
impl Handle<op::ExplainDenial> for Denials {
    type Plan = ExplainDenialRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: ExplainDenialRequest) -> Result<Planned<Self::Plan>> {
        let action = if req.summary_only { "bailiwick:ExplainDenial" } else { "iam:GetRequestAuthorizationDetails" };
        Ok(Planned::new(req).check(Check::without_resource(action, cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: ExplainDenialRequest) -> Result<ExplainDenialResponse> {
        let mut denial = self.find(cx, &req.authorization_id).await?.ok_or_else(not_found)?;
        let mut documents = Vec::new();
        if req.summary_only {
            let principal = &cx.caller().principal;
            let is_own =
                denial.principal_id == principal.user_id() && denial.account_id == principal.account().to_string();
            if !is_own {
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
