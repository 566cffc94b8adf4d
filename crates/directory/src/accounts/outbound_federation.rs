//! Whether principals of an account may get tokens for services outside: a switch, and the issuer of the tokens.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned, uuid};
use bailiwick_storage::{OutboundFederation, Tx};

use crate::Directory;

/// Enables outbound federation. The account keeps its issuer when the feature is disabled and enabled again.
///
/// # Errors
/// `FeatureEnabled` if it is enabled already.
impl Handle<op::EnableOutboundWebIdentityFederation> for Directory {
    type Plan = ();

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        _: pb::EnableOutboundWebIdentityFederationRequest,
    ) -> Result<Planned<()>> {
        plan(cx, "iam:EnableOutboundWebIdentityFederation")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::EnableOutboundWebIdentityFederationResponse> {
        let stored = tx.account_setting::<OutboundFederation>(cx.account()).await?;
        let issuer = match stored {
            Some(OutboundFederation { enabled: true, .. }) => {
                let message = "outbound identity federation is already enabled for this account";
                return Err(IamError::new(ErrorCode::FeatureEnabled, message));
            }
            Some(stored) => stored.issuer,
            None => uuid(cx.random()),
        };
        let federation = OutboundFederation { enabled: true, issuer };
        tx.put_account_setting(cx.account(), &federation).await?;
        tx.put_token_issuer(cx.account(), &federation).await?;
        Ok(pb::EnableOutboundWebIdentityFederationResponse {
            issuer_identifier: Some(cx.deployment().token_issuer(&federation)),
        })
    }
}

/// Shows the issuer of the account's tokens.
///
/// # Errors
/// `FeatureDisabled` if outbound federation is not enabled.
impl Handle<op::GetOutboundWebIdentityFederationInfo> for Directory {
    type Plan = ();

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        _: pb::GetOutboundWebIdentityFederationInfoRequest,
    ) -> Result<Planned<()>> {
        plan(cx, "iam:GetOutboundWebIdentityFederationInfo")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GetOutboundWebIdentityFederationInfoResponse> {
        let federation = enabled(cx, tx).await?;
        Ok(pb::GetOutboundWebIdentityFederationInfoResponse {
            issuer_identifier: Some(cx.deployment().token_issuer(&federation)),
            jwt_vending_enabled: Some(true),
        })
    }
}

/// Disables outbound federation. Tokens that were issued stay valid until they expire, so their keys stay published.
///
/// # Errors
/// `FeatureDisabled` if it is not enabled.
impl Handle<op::DisableOutboundWebIdentityFederation> for Directory {
    type Plan = ();

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        _: pb::DisableOutboundWebIdentityFederationRequest,
    ) -> Result<Planned<()>> {
        plan(cx, "iam:DisableOutboundWebIdentityFederation")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::DisableOutboundWebIdentityFederationResponse> {
        let federation = enabled(cx, tx).await?;
        tx.put_account_setting(cx.account(), &OutboundFederation { enabled: false, ..federation }).await?;
        Ok(pb::DisableOutboundWebIdentityFederationResponse {})
    }
}

fn plan(cx: &Cx, action: &'static str) -> Result<Planned<()>> {
    Ok(Planned::new(()).check(Check::without_resource(action, cx.account())))
}

async fn enabled(cx: &Cx, tx: &mut Tx) -> Result<OutboundFederation> {
    let stored = tx.account_setting::<OutboundFederation>(cx.account()).await?;
    stored.filter(|stored| stored.enabled).ok_or_else(|| {
        let message = "outbound identity federation is not enabled for this account";
        IamError::new(ErrorCode::FeatureDisabled, message)
    })
}

#[cfg(test)]
mod tests;
