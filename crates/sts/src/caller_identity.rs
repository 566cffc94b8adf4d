//! The caller's identity.

use bailiwick_api::op;
use bailiwick_api::sts::{GetCallerIdentityRequest, GetCallerIdentityResponse};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;

use crate::Sts;

/// Returns the caller's account, ARN and unique id. Needs no permission.
impl Handle<op::GetCallerIdentity> for Sts {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: GetCallerIdentityRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("sts:GetCallerIdentity", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (): ()) -> Result<GetCallerIdentityResponse> {
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
