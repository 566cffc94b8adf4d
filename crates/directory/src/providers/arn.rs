//! ARNs of identity providers, by which requests name them.

use bailiwick_model::{AccountId, Arn, IamError, Result};
use bailiwick_operation::{Check, Cx};

use crate::address::iam_arn;
use crate::request::required;

/// The ARN of a provider, parsed.
pub struct ProviderArn {
    arn: Arn,
    account: AccountId,
    /// Where the name begins in the resource: after the type and a slash.
    name: usize,
}

impl ProviderArn {
    /// Parses the member that names a provider of the type `kind`, as in `oidc-provider`.
    ///
    /// # Errors
    /// `ValidationError` if it is not an ARN, `InvalidInput` if it is not that of such a provider in this partition.
    pub(super) fn parse(cx: &Cx, kind: &str, name: &str, member: &Option<String>) -> Result<Self> {
        let arn = iam_arn(cx, kind, required(member, name)?)?;
        let account = arn.account_id().ok_or_else(|| IamError::internal("the ARN has no account"))?;
        Ok(ProviderArn { arn, account, name: kind.len() + 1 })
    }

    /// The ARN as text.
    pub(super) fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// The name of the provider, if it is one of the caller's account.
    pub(super) fn own_name(&self, cx: &Cx) -> Option<&str> {
        (self.account == cx.account()).then(|| &self.arn.resource()[self.name..])
    }

    /// The check of an action on the provider.
    pub(super) fn check(&self, action: &'static str) -> Check {
        Check::new(action, &self.arn)
    }
}
