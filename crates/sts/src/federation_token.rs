//! Federated users.

use bailiwick_api::op;
use bailiwick_api::sts::{FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse};
use bailiwick_model::{Arn, ErrorCode, IamError, Result, SessionName};
use bailiwick_operation::{Check, Cx, FederationIssuer, Handle, Planned, Principal, SessionKind};
use bailiwick_storage::Tx;

use crate::Sts;
use crate::access_key::access_key;
use crate::issue::{SessionParts, expiry, issue_session};
use crate::packed_size;
use crate::session_policy::SessionPolicies;
use crate::session_tags::SessionTags;
use crate::session_token;

/// Issues credentials for a federated user, who may do what both the caller's policies and the session policies allow.
/// Without session policies, only resource policies that name the federated user allow something.
///
/// Needs `sts:GetFederationToken`, and `sts:TagSession` for tags, on the federated user's ARN. The pipeline refuses callers
/// with temporary credentials and with bearer tokens.
///
/// # Errors
/// `AccessDenied`, `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`, `InvalidParameterValue`.
impl Handle<op::GetFederationToken> for Sts {
    type Plan = NewFederatedUser;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetFederationTokenRequest) -> Result<Planned<NewFederatedUser>> {
        let name = SessionName::parse(req.name.as_deref().unwrap_or(""))?;
        let new = NewFederatedUser {
            policies: SessionPolicies::read(req.policy.as_deref(), &req.policy_arns, cx.partition())?,
            tags: SessionTags::read(&req.tags, &[], None)?,
            seconds: session_token::seconds(&cx.caller().principal, req.duration_seconds),
            minimum_size: req.minimum_session_token_size,
            name,
        };
        let arn = Arn::sts(cx.partition(), cx.account(), format_args!("federated-user/{}", new.name));
        let check = |action| Check::new(action, &arn).request_tags(&new.tags.requested);
        let (issue, tag) = (check("sts:GetFederationToken"), check("sts:TagSession"));
        let has_tags = !new.tags.requested.is_empty();
        Ok(Planned::new(new).check(issue).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewFederatedUser) -> Result<GetFederationTokenResponse> {
        let caller = cx.caller();
        let issuer = match &caller.principal {
            Principal::Root { .. } => None,
            Principal::User { id, name, path, .. } => {
                Some(FederationIssuer { id: *id, name: name.clone(), path: path.clone() })
            }
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => {
                let message = "Cannot call GetFederationToken with session credentials";
                return Err(IamError::new(ErrorCode::AccessDenied, message));
            }
        };
        let packed_policy_size = packed_size::percent(&new.policies, &new.tags.all)?;
        let parts = SessionParts {
            managed_policies: new.policies.managed(tx, cx.account(), cx.partition()).await?,
            policies: new.policies.inline.into_iter().collect(),
            tags: new.tags.all,
            parent_key: Some(access_key(caller)?.clone()),
            minimum_token_size: new.minimum_size,
            ..SessionParts::default()
        };
        let principal = Principal::FederatedUser { account: cx.account(), issuer, name: new.name };
        let federated_user = FederatedUser {
            federated_user_id: Some(principal.user_id()),
            arn: Some(principal.arn(cx.partition()).to_string()),
        };
        let issued = issue_session(cx, SessionKind::FederationToken, principal, expiry(cx, new.seconds), parts)?;
        Ok(GetFederationTokenResponse {
            credentials: Some(issued.credentials),
            federated_user: Some(federated_user),
            // Unlike other operations, AWS answers 0 for a session with neither policies nor tags.
            packed_policy_size: Some(packed_policy_size.unwrap_or(0)),
            session_token_utilization: packed_policy_size,
            session_token_size: issued.token_size,
        })
    }
}

/// The federated user that a request asks for.
#[derive(Debug)]
pub struct NewFederatedUser {
    name: SessionName,
    policies: SessionPolicies,
    tags: SessionTags,
    seconds: i64,
    minimum_size: Option<i32>,
}

#[cfg(test)]
mod tests;
