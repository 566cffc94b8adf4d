//! Sessions of roles: what AssumeRole, AssumeRoleWithSAML and AssumeRoleWithWebIdentity share.
//!
//! A plan parses the ARN with [`TargetRole::parse`], looks it up with [`TargetRole::find`], fills in a [`NewRoleSession`]
//! and names [`NewRoleSession::checks`]; `handle` calls [`NewRoleSession::issue`].

use bailiwick_api::sts::{AssumedRoleUser, Credentials};
use bailiwick_model::limits::DEFAULT_SESSION_SECONDS;
use bailiwick_model::{AccessKeyId, AccountId, Arn, ErrorCode, IamError, Partition, Result, RoleName, SessionName};
use bailiwick_operation::{Check, Cx, Principal, SessionKind};
use bailiwick_storage::{AccountState, Role, Tx};
use jiff::Timestamp;

use crate::issue::{SessionParts, expiry, issue_session};
use crate::packed_size;
use crate::session_policy::SessionPolicies;
use crate::session_tags::SessionTags;

/// The role that a request names, and the stored role if there is one that can be assumed.
#[derive(Clone, Debug)]
pub(crate) struct TargetRole {
    /// The ARN in the request.
    pub(crate) arn: Arn,
    /// None before [`Self::find`], and for a role that is missing or whose account is not active.
    pub(crate) role: Option<Role>,
    account: AccountId,
    name: RoleName,
}

impl TargetRole {
    /// Parses the `RoleArn` of a request.
    ///
    /// # Errors
    /// `ValidationError` unless it is the ARN of a role in this partition.
    pub(crate) fn parse(partition: Partition, text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or("");
        read_role_arn(partition, text)
            .ok_or_else(|| IamError::validation(format!("{text} is invalid")).field("RoleArn", "the ARN of a role"))
    }

    /// Looks up the role. It must have this ARN, without regard to the case of its name, and its account must be active.
    ///
    /// A missing role is not an error: its check names a trust policy that allows nothing.
    pub(crate) async fn find(self, tx: &mut Tx) -> Result<Self> {
        let account = tx.find_account(self.account).await?;
        if account.is_none_or(|account| account.state != AccountState::Active) {
            return Ok(self);
        }
        let path = self.arn.typed_resource().map(|(_, path, _)| path);
        let role = tx.find::<Role>(self.account, &self.name).await?.filter(|role| path == Some(role.path.as_str()));
        Ok(TargetRole { role, ..self })
    }
}

/// A session of a role that a request asks for.
#[derive(Debug)]
pub(crate) struct NewRoleSession {
    pub(crate) kind: SessionKind,
    pub(crate) target: TargetRole,
    pub(crate) name: SessionName,
    pub(crate) policies: SessionPolicies,
    pub(crate) tags: SessionTags,
    pub(crate) source_identity: Option<String>,
    /// From [`seconds`].
    pub(crate) seconds: i64,
    /// The latest end, where the proof bounds it, such as `SessionNotOnOrAfter` of an assertion.
    pub(crate) not_after: Option<Timestamp>,
    /// Whether a role session assumes the role.
    pub(crate) chained: bool,
    /// The ARN of the provider that proved the caller.
    pub(crate) provider: Option<String>,
    /// Context keys of the provider that stay through the session. They are also in [`Self::checks`].
    pub(crate) provider_keys: Vec<(String, Vec<String>)>,
    /// The access key that signed the request.
    pub(crate) parent_key: Option<AccessKeyId>,
    /// The keys that this one came from.
    pub(crate) issued_through: Vec<AccessKeyId>,
}

/// An issued session of a role, in the members of responses.
#[derive(Debug)]
pub(crate) struct IssuedRoleSession {
    pub(crate) credentials: Credentials,
    pub(crate) user: AssumedRoleUser,
    pub(crate) packed_policy_size: Option<i32>,
    pub(crate) token_size: Option<i32>,
    pub(crate) source_identity: Option<String>,
}

impl NewRoleSession {
    /// The checks: `action`, then `sts:TagSession` if the session gets tags, given or inherited, and
    /// `sts:SetSourceIdentity` if it gets a source identity. The role's trust policy takes part in all of them. `keys` adds
    /// the keys of the operation to each.
    pub(crate) fn checks(
        &self,
        partition: Partition,
        action: &'static str,
        keys: impl Fn(Check) -> Check,
    ) -> Vec<Check> {
        let TargetRole { arn: requested, role, .. } = &self.target;
        let arn = role.as_ref().map_or_else(|| requested.clone(), |role| role_arn(partition, role));
        let check = |action| {
            let mut check = Check::new(action, &arn)
                .displayed_as(requested.as_str())
                .trust(role.as_ref().map(|role| role.id))
                .key("sts:RoleSessionName", self.name.as_str())
                .key("sts:DurationSeconds", self.seconds.to_string())
                .key_if("sts:SourceIdentity", self.source_identity.as_deref())
                .request_tags(&self.tags.requested);
            if !self.tags.requested_transitive.is_empty() {
                check = check.keys("sts:TransitiveTagKeys", self.tags.requested_transitive.iter().cloned());
            }
            for (key, values) in &self.provider_keys {
                check = match values.as_slice() {
                    [value] => check.key(key.clone(), value.clone()),
                    values => check.keys(key.clone(), values.iter().cloned()),
                };
            }
            keys(match role {
                Some(role) => check.resource_tags(&role.tags),
                None => check,
            })
        };
        let mut checks = vec![check(action)];
        if !self.tags.requested.is_empty() || self.tags.inherited {
            checks.push(check("sts:TagSession"));
        }
        if self.source_identity.is_some() {
            checks.push(check("sts:SetSourceIdentity"));
        }
        checks
    }

    /// Issues the credentials. The checks have passed. `minimum_token_size` is `MinimumSessionTokenSize` of the request.
    ///
    /// # Errors
    /// `ValidationError` for a duration beyond the role's maximum and for a missing session policy, `PackedPolicyTooLarge`;
    /// `AccessDenied` if there is no role, which no trust policy allows in practice.
    pub(crate) async fn issue<C>(
        self,
        cx: &Cx<C>,
        tx: &mut Tx,
        minimum_token_size: Option<i32>,
    ) -> Result<IssuedRoleSession> {
        let Some(role) = self.target.role else {
            let message = format!("Not authorized to assume {}", self.target.arn);
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        };
        if self.seconds > i64::from(role.max_session_seconds) {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(IamError::validation(message));
        }
        let packed_policy_size = packed_size::percent(&self.policies, &self.tags.all)?;
        let managed_policies = self.policies.managed(tx, role.account, cx.partition()).await?;
        let (account, id, name, path) = (role.account, role.id, role.name, role.path);
        let principal = Principal::RoleSession { account, id, name, path, session_name: self.name };
        let expires = expiry(cx, self.seconds);
        let parts = SessionParts {
            policies: self.policies.inline.into_iter().collect(),
            managed_policies,
            tags: self.tags.all,
            transitive_tag_keys: self.tags.transitive,
            source_identity: self.source_identity.clone(),
            chained: self.chained,
            provider: self.provider,
            provider_keys: self.provider_keys,
            parent_key: self.parent_key,
            issued_through: self.issued_through,
            // A second factor counts in the decision on the call alone.
            mfa: None,
            minimum_token_size,
            ..SessionParts::default()
        };
        let expires = self.not_after.map_or(expires, |latest| latest.min(expires));
        let issued = issue_session(cx, self.kind, principal, expires, parts)?;
        let principal = &issued.caller.principal;
        Ok(IssuedRoleSession {
            user: AssumedRoleUser {
                assumed_role_id: Some(principal.user_id()),
                arn: Some(principal.arn(cx.partition()).to_string()),
            },
            credentials: issued.credentials,
            packed_policy_size,
            token_size: issued.token_size,
            source_identity: self.source_identity,
        })
    }
}

/// The duration of a session of a role: the requested one, which validation has limited, or an hour.
pub(crate) fn seconds(requested: Option<i32>) -> i64 {
    requested.map_or(DEFAULT_SESSION_SECONDS, i64::from)
}

fn read_role_arn(partition: Partition, text: &str) -> Option<TargetRole> {
    let arn = Arn::parse(text).ok()?;
    let here = arn.partition() == partition.as_str() && arn.service() == "iam" && arn.region().is_empty();
    let (kind, _, name) = arn.typed_resource()?;
    let (name, account) = (RoleName::parse(name).ok()?, arn.account_id()?);
    (here && kind == "role").then_some(TargetRole { arn, role: None, account, name })
}

fn role_arn(partition: Partition, role: &Role) -> Arn {
    Arn::iam(partition, role.account, format_args!("role{}{}", role.path, role.name))
}
