//! Who the caller is.

use bailiwick_api::op;
use bailiwick_api::sts::{GetCallerIdentityRequest, GetCallerIdentityResponse};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle};
use bailiwick_storage::Tx;

use crate::Sts;

/// Says who the caller is. Succeeds whatever policies say.
impl Handle<op::GetCallerIdentity> for Sts {
    async fn checks(&self, cx: &Cx, _tx: &mut Tx, _req: &GetCallerIdentityRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("sts:GetCallerIdentity", cx.account())])
    }

    async fn handle(&self, cx: &Cx, _tx: &mut Tx, _req: GetCallerIdentityRequest) -> Result<GetCallerIdentityResponse> {
        let principal = &cx.caller().principal;
        Ok(GetCallerIdentityResponse {
            user_id: Some(principal.user_id()),
            account: Some(principal.account().to_string()),
            arn: Some(principal.arn(cx.partition()).to_string()),
        })
    }
}

#[cfg(test)]
mod tests;
