//! The account of an access key id.

use bailiwick_api::op;
use bailiwick_api::sts::{GetAccessKeyInfoRequest, GetAccessKeyInfoResponse};
use bailiwick_model::{AccessKeyId, AccountId, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;

use crate::Sts;

/// Returns the account that an access key id, long-term or temporary, belongs to. The id contains it, so it does not matter
/// whether the key exists, and nothing else about the key is said.
///
/// # Errors
/// `ValidationError` for an id that contains no account.
impl Handle<op::GetAccessKeyInfo> for Sts {
    type Plan = AccountId;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetAccessKeyInfoRequest) -> Result<Planned<AccountId>> {
        let text = req.access_key_id.unwrap_or_default();
        let account = AccessKeyId::parse(&text).ok().and_then(|key| key.account());
        let account = account.ok_or_else(|| {
            IamError::validation(format!("{text} is not an access key id"))
                .field("AccessKeyId", "an access key id of this deployment, such as `AKIA...` or `ASIA...`")
        })?;
        Ok(Planned::new(account).check(Check::without_resource("sts:GetAccessKeyInfo", cx.account())))
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, account: AccountId) -> Result<GetAccessKeyInfoResponse> {
        Ok(GetAccessKeyInfoResponse { account: Some(account.to_string()) })
    }
}

#[cfg(test)]
mod tests;
