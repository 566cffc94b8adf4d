//! Sessions of roles.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, Credentials};
use bailiwick_model::limits::{CHAINED_SESSION_SECONDS, DEFAULT_SESSION_SECONDS};
use bailiwick_model::{AccessKeyKind, AccountId, Arn, ErrorCode, IamError, Result, RoleName, SessionName};
use bailiwick_operation::{Caller, Check, Credential, Cx, Handle, Planned, Principal, Session};
use bailiwick_storage::{AccountState, Role, Tx};
use jiff::Timestamp;
use prost_types::Timestamp as Date;

use crate::{
    Sts, Tokens, packed_size,
    session_policy::SessionPolicies,
    session_tags::{self, SessionTags},
};

/// Issues credentials for a session of a role.
///
/// The role's trust policy must allow it, and so must the caller's own policies unless the trust policy names the
/// caller. Tags, given or inherited, also need `sts:TagSession`; a source identity also needs `sts:SetSourceIdentity`.
///
/// # Errors
/// `AccessDenied`, `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`, `InvalidParameterValue`.
impl Handle<op::AssumeRole> for Sts {
    type Plan = NewSession;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: AssumeRoleRequest) -> Result<Planned<NewSession>> {
        let session = NewSession::parse(cx, &req)?;
        let role = session.find_role(tx).await?;
        let arn = role.as_ref().map_or_else(|| session.role_arn.clone(), |role| role_arn(cx, role));
        let check = |action| {
            let mut check = Check::new(action, &arn)
                .displayed_as(session.role_arn.as_str())
                .trust(role.as_ref().map(|role| role.id))
                .key("sts:RoleSessionName", session.session_name.as_str())
                .key("sts:DurationSeconds", session.seconds.to_string())
                .key_if("sts:ExternalId", req.external_id.as_deref())
                .key_if("sts:SourceIdentity", session.source_identity.as_deref())
                .request_tags(&session.tags.requested);
            if !req.transitive_tag_keys.is_empty() {
                check = check.keys("sts:TransitiveTagKeys", req.transitive_tag_keys.iter().cloned());
            }
            match &role {
                Some(role) => check.resource_tags(&role.tags),
                None => check,
            }
        };
        let mut checks = vec![check("sts:AssumeRole")];
        if !session.tags.requested.is_empty() || session.tags.inherited {
            checks.push(check("sts:TagSession"));
        }
        if session.source_identity.is_some() {
            checks.push(check("sts:SetSourceIdentity"));
        }
        Ok(Planned::new(NewSession { role, ..session }).checks(checks))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewSession) -> Result<AssumeRoleResponse> {
        let Some(role) = new.role else {
            return Err(denied(cx, &new.role_arn));
        };
        if new.seconds > i64::from(role.max_session_seconds) {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(IamError::validation(message));
        }
        let packed_policy_size = packed_size::percent(&new.policies, &new.tags.all)?;
        let managed_policies = new.policies.managed(tx, role.account, cx.partition()).await?;
        let key = cx.new_access_key_id(AccessKeyKind::Temporary, role.account);
        let expires = cx.date() + Duration::from_secs(new.seconds.unsigned_abs());
        let session = Session {
            access_key_id: key.clone(),
            // No later than the snapshot that the checks were decided on: a later revocation must end the session.
            issued: cx.now(),
            expires,
            policies: new.policies.inline.into_iter().collect(),
            managed_policies,
            tags: new.tags.all,
            transitive_tag_keys: new.tags.transitive,
            source_identity: new.source_identity.clone(),
            chained: new.chained,
        };
        let assumed = Caller {
            principal: Principal::RoleSession {
                account: role.account,
                id: role.id,
                name: role.name,
                path: role.path,
                session_name: new.session_name,
            },
            credential: Credential::AccessKey(key.clone()),
            session: Some(Arc::new(session)),
            // The caller's second factor counts in the decision on this call alone.
            mfa: None,
        };
        let (token, secret) = Tokens::of(cx.deployment()).issue_session(&assumed)?;
        let session_token_size = i32::try_from(token.len()).ok();
        Ok(AssumeRoleResponse {
            credentials: Some(Credentials {
                access_key_id: Some(key.to_string()),
                secret_access_key: Some(secret.expose().to_owned()),
                session_token: Some(token),
                expiration: Some(date(expires)),
            }),
            assumed_role_user: Some(AssumedRoleUser {
                assumed_role_id: Some(assumed.principal.user_id()),
                arn: Some(assumed.principal.arn(cx.partition()).to_string()),
            }),
            packed_policy_size,
            source_identity: new.source_identity,
            // The same space, which is what the older member was renamed to.
            session_token_utilization: packed_policy_size,
            session_token_size,
        })
    }
}

/// The session that a request asks for.
pub struct NewSession {
    /// The role to assume, unless it is missing or cannot be assumed.
    role: Option<Role>,
    role_arn: Arn,
    account: AccountId,
    role_name: RoleName,
    session_name: SessionName,
    policies: SessionPolicies,
    tags: SessionTags,
    source_identity: Option<String>,
    seconds: i64,
    chained: bool,
}

impl NewSession {
    fn parse(cx: &Cx, req: &AssumeRoleRequest) -> Result<Self> {
        let caller = cx.caller();
        if caller.is_root() {
            let message = "Roles may not be assumed by root accounts.";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let text = req.role_arn.as_deref().unwrap_or("");
        let (role_arn, account, role_name) = read_role_arn(cx, text)
            .ok_or_else(|| IamError::validation(format!("{text} is invalid")).field("RoleArn", "the ARN of a role"))?;
        let session = caller.session.as_deref();
        let chained = matches!(caller.principal, Principal::RoleSession { .. });
        let seconds = req.duration_seconds.map_or(DEFAULT_SESSION_SECONDS, i64::from);
        if chained && seconds > CHAINED_SESSION_SECONDS {
            return Err(IamError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        check_mfa(req)?;
        if req.minimum_session_token_size.is_some_and(|size| size > 0) {
            let message = "MinimumSessionTokenSize is not supported by this version of Bailiwick";
            return Err(IamError::validation(message).field("MinimumSessionTokenSize", "0 or left out"));
        }
        if !req.provided_contexts.is_empty() {
            let message = "no provider of contexts is known here, so none can be passed";
            return Err(IamError::validation(message).field("ProvidedContexts", "nothing"));
        }
        Ok(Self {
            role: None,
            role_arn,
            account,
            role_name,
            session_name: SessionName::parse(req.role_session_name.as_deref().unwrap_or(""))?,
            policies: SessionPolicies::read(req.policy.as_deref(), &req.policy_arns, cx.partition())?,
            tags: SessionTags::read(&req.tags, &req.transitive_tag_keys, session)?,
            source_identity: session_tags::source_identity(req.source_identity.as_deref(), session)?,
            seconds,
            chained,
        })
    }

    /// Looks up the role. None unless it has this ARN and its account is active.
    async fn find_role(&self, tx: &mut Tx) -> Result<Option<Role>> {
        let account = tx.find_account(self.account).await?;
        if account.is_none_or(|account| account.state != AccountState::Active) {
            return Ok(None);
        }
        let role = tx.find::<Role>(self.account, &self.role_name).await?;
        let path = self.role_arn.typed_resource().map(|(_, path, _)| path);
        Ok(role.filter(|role| path == Some(role.path.as_str())))
    }
}

fn read_role_arn(cx: &Cx, text: &str) -> Option<(Arn, AccountId, RoleName)> {
    let arn = Arn::parse(text).ok()?;
    let here = arn.partition() == cx.partition().as_str() && arn.service() == "iam" && arn.region().is_empty();
    let (kind, _, name) = arn.typed_resource()?;
    let (name, account) = (RoleName::parse(name).ok()?, arn.account_id()?);
    (here && kind == "role").then_some((arn, account, name))
}

fn role_arn(cx: &Cx, role: &Role) -> Arn {
    Arn::iam(cx.partition(), role.account, format_args!("role{}{}", role.path, role.name))
}

/// Refuses every MFA code, because MFA devices cannot be created yet.
fn check_mfa(req: &AssumeRoleRequest) -> Result<()> {
    let message = match (&req.serial_number, &req.token_code) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        _ => "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
    };
    Err(IamError::new(ErrorCode::AccessDenied, message))
}

/// `AccessDenied` in the words of a denied decision. Not reached in practice: without a role, no trust policy allows.
fn denied(cx: &Cx, role: &Arn) -> IamError {
    let caller = cx.caller().principal.arn(cx.partition());
    let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}");
    IamError::new(ErrorCode::AccessDenied, message)
}

/// A time as responses carry it, in whole seconds.
pub(crate) fn date(time: Timestamp) -> Date {
    Date { seconds: time.as_second(), nanos: 0 }
}

#[cfg(test)]
mod tests;
