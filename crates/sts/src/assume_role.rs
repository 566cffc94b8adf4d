//! Sessions of roles.

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRoleRequest, AssumeRoleResponse};
use bailiwick_model::limits::CHAINED_SESSION_SECONDS;
use bailiwick_model::{ErrorCode, IamError, Result, SessionName};
use bailiwick_operation::{Cx, Handle, Planned, Principal, SessionKind};
use bailiwick_storage::Tx;

use crate::Sts;
use crate::role_session::{self, NewRoleSession, TargetRole};
use crate::second_factor::SecondFactor;
use crate::session_policy::SessionPolicies;
use crate::session_tags::{self, SessionTags};

/// Issues credentials for a session of a role.
///
/// The role's trust policy must allow it, and so must the caller's own policies unless the trust policy names the
/// caller. Tags, given or inherited, also need `sts:TagSession`; a source identity also needs `sts:SetSourceIdentity`.
///
/// A code of an MFA device counts as the second factor in the decision on the call. The session has none.
///
/// # Errors
/// `AccessDenied`, `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`, `InvalidParameterValue`.
impl Handle<op::AssumeRole> for Sts {
    type Plan = NewSession;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: AssumeRoleRequest) -> Result<Planned<NewSession>> {
        let factor = SecondFactor::read(cx, req.serial_number.as_deref(), req.token_code.as_deref())?;
        let mut session = parse(cx, &req)?;
        session.target = session.target.find(tx).await?;
        let checks = session.checks(cx.partition(), "sts:AssumeRole", |check| {
            let check = check.key_if("sts:ExternalId", req.external_id.as_deref());
            // Decided as if the code were right, which `handle` verifies: a denial does not tell.
            if factor.is_some() { check.with_second_factor() } else { check }
        });
        let minimum_size = req.minimum_session_token_size;
        Ok(Planned::new(NewSession { session, factor, minimum_size }).checks(checks))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewSession) -> Result<AssumeRoleResponse> {
        if let Some(factor) = &new.factor {
            factor.verify(cx, tx).await?;
        }
        let issued = new.session.issue(cx, tx, new.minimum_size).await?;
        Ok(AssumeRoleResponse {
            credentials: Some(issued.credentials),
            assumed_role_user: Some(issued.user),
            packed_policy_size: issued.packed_policy_size,
            source_identity: issued.source_identity,
            // The same space, which is what the older member was renamed to.
            session_token_utilization: issued.packed_policy_size,
            session_token_size: issued.token_size,
        })
    }
}

/// The session that a request asks for.
#[derive(Debug)]
pub struct NewSession {
    session: NewRoleSession,
    factor: Option<SecondFactor>,
    minimum_size: Option<i32>,
}

fn parse(cx: &Cx, req: &AssumeRoleRequest) -> Result<NewRoleSession> {
    let caller = cx.caller();
    if caller.is_root() {
        return Err(IamError::new(ErrorCode::AccessDenied, "Roles may not be assumed by root accounts."));
    }
    let target = TargetRole::parse(cx.partition(), req.role_arn.as_deref())?;
    let session = caller.session.as_deref();
    let chained = matches!(caller.principal, Principal::RoleSession { .. });
    let seconds = role_session::seconds(req.duration_seconds);
    if chained && seconds > CHAINED_SESSION_SECONDS {
        return Err(IamError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if !req.provided_contexts.is_empty() {
        let message = "ProvidedContexts cannot be used: this deployment has no trusted identity propagation, so no context provider";
        return Err(IamError::validation(message).field("ProvidedContexts", "nothing"));
    }
    Ok(NewRoleSession {
        kind: SessionKind::AssumeRole,
        target,
        name: SessionName::parse(req.role_session_name.as_deref().unwrap_or(""))?,
        policies: SessionPolicies::read(req.policy.as_deref(), &req.policy_arns, cx.partition())?,
        tags: SessionTags::read(&req.tags, &req.transitive_tag_keys, session)?,
        source_identity: session_tags::source_identity(req.source_identity.as_deref(), session)?,
        seconds,
        not_after: None,
        chained,
        provider: None,
        provider_keys: Vec::new(),
        parent_key: caller.access_key_id().cloned(),
        issued_through: caller.lineage(),
    })
}

#[cfg(test)]
mod tests;
