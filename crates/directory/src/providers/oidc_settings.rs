//! What OpenID Connect providers accept: client ids, thumbprints of certificates, identity propagation.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::{OidcProvider, Tx};

use super::oidc::{add_client_id, no_propagation, thumbprints};
use crate::Directory;
use crate::address::Target;
use crate::request::required;

/// Adds a client id. One that is there already is not an error.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN), `LimitExceeded`.
impl Handle<op::AddClientIDToOpenIDConnectProvider> for Directory {
    type Plan = (Target<OidcProvider>, String);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::AddClientIdToOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:AddClientIDToOpenIDConnectProvider";
        let id = required(&req.client_id, "clientID")?.to_owned();
        Ok(Target::plan(cx, tx, &req.open_id_connect_provider_arn, ACTION).await?.with(id))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (provider, id): Self::Plan,
    ) -> Result<pb::AddClientIdToOpenIdConnectProviderResponse> {
        let mut provider = provider.get()?;
        add_client_id(&mut provider.client_ids, id)?;
        tx.update_oidc_provider(&provider);
        Ok(pb::AddClientIdToOpenIdConnectProviderResponse {})
    }
}

/// Removes a client id. One that is not there is not an error.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN).
impl Handle<op::RemoveClientIDFromOpenIDConnectProvider> for Directory {
    type Plan = (Target<OidcProvider>, String);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::RemoveClientIdFromOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:RemoveClientIDFromOpenIDConnectProvider";
        let id = required(&req.client_id, "clientID")?.to_owned();
        Ok(Target::plan(cx, tx, &req.open_id_connect_provider_arn, ACTION).await?.with(id))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (provider, id): Self::Plan,
    ) -> Result<pb::RemoveClientIdFromOpenIdConnectProviderResponse> {
        let mut provider = provider.get()?;
        provider.client_ids.retain(|known| *known != id);
        tx.update_oidc_provider(&provider);
        Ok(pb::RemoveClientIdFromOpenIdConnectProviderResponse {})
    }
}

/// Replaces the thumbprints.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN, none, more than five).
impl Handle<op::UpdateOpenIDConnectProviderThumbprint> for Directory {
    type Plan = (Target<OidcProvider>, Vec<String>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateOpenIdConnectProviderThumbprintRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:UpdateOpenIDConnectProviderThumbprint";
        let planned = Target::plan(cx, tx, &req.open_id_connect_provider_arn, ACTION).await?;
        Ok(planned.with(req.thumbprint_list))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (provider, given): Self::Plan,
    ) -> Result<pb::UpdateOpenIdConnectProviderThumbprintResponse> {
        let provider = provider.get()?;
        if given.is_empty() {
            let message = "Thumbprint list must contain at least one entry.";
            return Err(IamError::new(ErrorCode::InvalidInput, message).field("ThumbprintList", "expected 1 to 5"));
        }
        tx.update_oidc_provider(&OidcProvider { thumbprints: thumbprints(given)?, ..provider });
        Ok(pb::UpdateOpenIdConnectProviderThumbprintResponse {})
    }
}

/// Removes the settings of trusted identity propagation, of which no provider has any. Setting them is refused.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for the ARN, for a request that sets something, and for one that asks for nothing.
impl Handle<op::UpdateOpenIDConnectProvider> for Directory {
    type Plan = (Target<OidcProvider>, Result<()>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        let removes = req.remove_context_provider == Some(true) || req.remove_identity_center_instance == Some(true);
        let asked = if req.context_provider.is_some() || req.identity_center_instance_arn.is_some() {
            Err(no_propagation())
        } else if removes {
            Ok(())
        } else {
            Err(IamError::new(ErrorCode::InvalidInput, "the request names nothing to set or to remove"))
        };
        const ACTION: &str = "iam:UpdateOpenIDConnectProvider";
        Ok(Target::plan(cx, tx, &req.open_id_connect_provider_arn, ACTION).await?.with(asked))
    }

    async fn handle(
        &self,
        _: &Cx,
        _: &mut Tx,
        (provider, asked): Self::Plan,
    ) -> Result<pb::UpdateOpenIdConnectProviderResponse> {
        provider.get()?;
        asked?;
        Ok(pb::UpdateOpenIdConnectProviderResponse {})
    }
}
