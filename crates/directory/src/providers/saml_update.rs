//! Changes of SAML providers.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_seal::SecretString;
use bailiwick_storage::{SamlProvider, Tx};

use super::oidc::no_propagation;
use super::saml::{REQUIRED, valid_until};
use super::saml_keys::{add_key, check_encryption, remove_key};
use crate::Directory;
use crate::address::Target;

/// What to change of a provider. What is absent stays.
pub struct Changes {
    arn: Option<String>,
    metadata: Option<String>,
    requires_encryption: Option<bool>,
    add_key: Option<SecretString>,
    remove_key: Option<String>,
    /// Trusted identity propagation is to be set.
    propagates: bool,
    /// Trusted identity propagation, which no provider has, is to be removed.
    removes_propagation: bool,
}

/// Replaces the metadata or the encryption mode of a provider, or adds or removes a private key. Trusted identity
/// propagation can be removed, of which no provider has any.
///
/// # Errors
/// `NoSuchEntity` (provider, private key); `LimitExceeded` for a third key; `ValidationError` for one key added and one
/// removed in the same request, and for a request that asks for nothing; `InvalidInput` for the ARN, the metadata, the
/// key, for required encryption without a key, and for a request that sets trusted identity propagation.
impl Handle<op::UpdateSAMLProvider> for Directory {
    type Plan = (Target<SamlProvider>, Changes);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateSamlProviderRequest) -> Result<Planned<Self::Plan>> {
        let planned = Target::plan(cx, tx, &req.saml_provider_arn, "iam:UpdateSAMLProvider").await?;
        let (remove_context, remove_instance) = (req.remove_context_provider, req.remove_identity_center_instance);
        let changes = Changes {
            arn: req.saml_provider_arn,
            metadata: req.saml_metadata_document,
            requires_encryption: req.assertion_encryption_mode.map(|mode| mode == REQUIRED),
            add_key: req.add_private_key.map(SecretString::from),
            remove_key: req.remove_private_key,
            propagates: req.context_provider.is_some() || req.identity_center_instance_arn.is_some(),
            removes_propagation: [remove_context, remove_instance].contains(&Some(true)),
        };
        Ok(planned.with(changes))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (provider, changes): Self::Plan,
    ) -> Result<pb::UpdateSamlProviderResponse> {
        let provider = provider.get()?;
        let mut new = provider.clone();
        changes.refuse_unusual()?;
        if let Some(metadata) = &changes.metadata {
            new.valid_until = valid_until(cx, metadata)?;
        }
        if let Some(requires_encryption) = changes.requires_encryption {
            new.requires_encryption = requires_encryption;
        }
        if let Some(private_key) = &changes.add_key {
            add_key(cx, &mut new, private_key)?;
        }
        check_encryption(&new)?;
        if let Some(id) = &changes.remove_key {
            remove_key(&mut new, id)?;
        }
        match &changes.metadata {
            Some(metadata) => tx.put_saml_metadata(&new, metadata),
            None if new != provider => tx.update_saml_provider(&new),
            None => {}
        }
        Ok(pb::UpdateSamlProviderResponse { saml_provider_arn: changes.arn })
    }
}

impl Changes {
    /// # Errors
    /// `InvalidInput` and `ValidationError` for requests that no provider can follow.
    fn refuse_unusual(&self) -> Result<()> {
        if self.propagates {
            return Err(no_propagation());
        }
        if self.add_key.is_some() && self.remove_key.is_some() {
            let message = "Unable to add and remove private keys in the same request. Set a value for only one of the \
                           two parameters.";
            return Err(IamError::validation(message).field("RemovePrivateKey", "expected a request of its own"));
        }
        let changes_something = self.metadata.is_some()
            || self.requires_encryption.is_some()
            || self.add_key.is_some()
            || self.remove_key.is_some()
            || self.removes_propagation;
        if changes_something {
            return Ok(());
        }
        let message =
            "Unable to update identity provider. No updates are defined for metadata or encryption assertion.";
        Err(IamError::validation(message))
    }
}
