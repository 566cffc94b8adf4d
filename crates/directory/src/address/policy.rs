//! Managed policies by ARN.

use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Partition, Path, PolicyName, Result};
use bailiwick_operation::{Check, Cx};
use bailiwick_storage::{Policy, PolicyRef, Tx};

use super::{Addressed, Target};
use crate::request::required;

/// The ARN of a managed policy, if the policy exists.
pub(crate) async fn policy_arn(cx: &Cx, tx: &mut Tx, policy: PolicyRef) -> Result<Option<Arn>> {
    Ok(tx.find_policy(policy).await?.map(|policy| arn_of_policy(cx.partition(), &policy)))
}

/// The ARN of a managed policy.
pub(crate) fn arn_of_policy(partition: Partition, policy: &Policy) -> Arn {
    Arn::iam(partition, policy.account, format_args!("policy{}{}", policy.path, policy.name))
}

/// The ARN of a managed policy, parsed.
pub struct PolicyArn {
    arn: Arn,
    /// The account that owns the policy; none for those that the deployment manages.
    account: AccountId,
    name: PolicyName,
}

impl PolicyArn {
    /// Parses the ARN of a policy.
    ///
    /// # Errors
    /// `ValidationError` if it is not an ARN, `InvalidInput` if it is not that of a policy in this partition.
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Self> {
        Self::parse_or(cx, text, || "Invalid ARN:  Could not be parsed!".into())
    }

    /// As [`PolicyArn::parse`], with the message that AWS has where a policy is attached or detached.
    ///
    /// # Errors
    /// As [`PolicyArn::parse`].
    pub(crate) fn parse_attached(cx: &Cx, text: &str) -> Result<Self> {
        Self::parse_or(cx, text, || format!("ARN {text} is not valid."))
    }

    fn parse_or(cx: &Cx, text: &str, not_an_arn: impl FnOnce() -> String) -> Result<Self> {
        let arn = Arn::parse(text)
            .map_err(|error| IamError::validation(not_an_arn()).field("PolicyArn", error.to_string()))?;
        let invalid = || IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."));
        let account = if arn.account() == "aws" { Some(AccountId::NONE) } else { arn.account_id() };
        let (Some(account), Some(("policy", path, name))) = (account, arn.typed_resource()) else {
            return Err(invalid());
        };
        if arn.partition() != cx.partition().as_str() || arn.service() != "iam" || !arn.region().is_empty() {
            return Err(invalid());
        }
        Path::parse(path).map_err(|_| invalid())?;
        let name = PolicyName::parse(name).map_err(|_| invalid())?;
        Ok(PolicyArn { arn, account, name })
    }

    /// The ARN as text.
    pub(crate) fn as_str(&self) -> &str {
        self.arn.as_str()
    }
}

impl Addressed for Policy {
    type Address = PolicyArn;

    fn parse(cx: &Cx, member: &Option<String>) -> Result<PolicyArn> {
        PolicyArn::parse(cx, required(member, "policyArn")?)
    }

    /// Finds the policy under exactly this ARN, if the caller's account owns it or the deployment manages it.
    async fn find(cx: &Cx, tx: &mut Tx, address: &PolicyArn) -> Result<Option<Policy>> {
        if address.account != cx.account() && address.account != AccountId::NONE {
            return Ok(None);
        }
        let found = tx.find::<Policy>(address.account, &address.name).await?;
        // ARNs are case-sensitive even where names are not.
        Ok(found.filter(|policy| arn_of_policy(cx.partition(), policy) == address.arn))
    }

    /// The owner is the account in the ARN. A policy that the deployment manages counts as the caller's own; changes of it
    /// are refused by [`Target::get_own`].
    fn check(cx: &Cx, address: &PolicyArn, stored: Option<&Policy>, action: &'static str) -> Check {
        let check = Check::new(action, &address.arn).displayed_as(format!("policy {}", address.arn));
        let check = if address.account == AccountId::NONE { check.owned_by(cx.account()) } else { check };
        stored.iter().fold(check, |check, policy| check.aws_resource_tags(&policy.tags))
    }

    fn no_such(address: &PolicyArn) -> IamError {
        let message = format_args!("Policy {} was not found.", address.arn);
        IamError::no_policy(ErrorCode::NoSuchEntity, &address.arn, message)
    }
}

impl Target<Policy> {
    /// The ARN that the request names.
    pub(crate) fn arn(&self) -> &Arn {
        &self.address.arn
    }

    /// The policy that the request changes. INVARIANT: every change of a policy begins here.
    ///
    /// # Errors
    /// `NoSuchEntity`; `AccessDenied` for a policy that the deployment manages, which no caller may change this way.
    pub(crate) fn get_own(self, cx: &Cx) -> Result<Policy> {
        let policy = self.get()?;
        if policy.account == cx.account() {
            Ok(policy)
        } else {
            Err(IamError::new(ErrorCode::AccessDenied, "Policy is outside your own account."))
        }
    }

    /// The policy to attach, or to set as a boundary. `called` is how AWS's message begins.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(crate) fn get_attachable(self, called: &str) -> Result<Policy> {
        self.stored.ok_or_else(|| {
            let arn = &self.address.arn;
            let message = format!("{called} {arn} does not exist or is not attachable.");
            IamError::no_policy(ErrorCode::NoSuchEntity, arn, message)
        })
    }
}
