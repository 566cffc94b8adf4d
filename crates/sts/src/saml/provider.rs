//! The provider of an assertion, and whether it made it.

use bailiwick_federation::{DecryptionKey, SamlAssertion, SamlError, SamlMetadata, SamlTrust, verify_saml_response};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Partition, Result};
use bailiwick_operation::{Cx, NoCaller, SecretPlace};
use bailiwick_storage::{SamlProvider, Tx};

use super::endpoints::Endpoints;

/// The ARN of a provider, parsed.
pub(super) struct ProviderArn {
    arn: Arn,
    account: AccountId,
}

impl ProviderArn {
    /// Parses the `PrincipalArn` of a request.
    ///
    /// # Errors
    /// `ValidationError` unless it is the ARN of a SAML provider in this partition.
    pub(super) fn parse(partition: Partition, text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or("");
        let parsed = Arn::parse(text).ok().filter(|arn| {
            let here = arn.partition() == partition.as_str() && arn.service() == "iam" && arn.region().is_empty();
            here && arn.resource().strip_prefix(PREFIX).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        });
        let parsed = parsed.and_then(|arn| Some(ProviderArn { account: arn.account_id()?, arn }));
        parsed.ok_or_else(|| {
            IamError::validation(format!("{text} is invalid")).field("PrincipalArn", "the ARN of a SAML provider")
        })
    }

    pub(super) fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    fn name(&self) -> &str {
        self.arn.resource().strip_prefix(PREFIX).unwrap_or_default()
    }
}

const PREFIX: &str = "saml-provider/";

/// Verifies an assertion by the provider's metadata. An assertion of a provider that does not exist is refused like one that
/// the provider did not sign, so that the names of providers stay unknown.
///
/// # Errors
/// `InvalidIdentityToken`, `IDPRejectedClaim`, `ExpiredTokenException`.
pub(super) async fn verify(
    cx: &Cx<NoCaller>,
    tx: &mut Tx,
    arn: &ProviderArn,
    text: &str,
) -> Result<(SamlProvider, SamlAssertion)> {
    let provider = tx.find_saml_provider(arn.account, arn.name()).await?;
    let mut metadata = NO_METADATA;
    let mut decryption_keys = Vec::new();
    if let Some(provider) = &provider {
        // Metadata was parsed when it was stored. If it no longer can be, nothing is trusted.
        if let Some(parsed) = cx.deployment().saml_metadata.get(tx, provider).await? {
            metadata = SamlMetadata::clone(&parsed);
        }
        // The time in the record is what administrators see; it is never later.
        metadata.valid_until =
            Some(metadata.valid_until.map_or(provider.valid_until, |time| time.min(provider.valid_until)));
        decryption_keys = provider
            .private_keys
            .iter()
            .map(|key| {
                let place = SecretPlace::of_saml_key(provider, &key.id);
                let opened = place.open(&cx.deployment().sealer, &key.sealed).map_err(IamError::internal)?;
                let pem = std::str::from_utf8(opened.expose()).map_err(IamError::internal)?;
                DecryptionKey::parse_pem(pem).map_err(IamError::internal)
            })
            .collect::<Result<_>>()?;
    }
    let endpoints = Endpoints {
        partition: cx.partition(),
        public_url: &cx.deployment().public_url,
        provider_id: provider.as_ref().map(|provider| provider.uuid.as_str()),
    };
    let trust = SamlTrust {
        metadata: &metadata,
        decryption_keys: &decryption_keys,
        requires_encryption: provider.as_ref().is_some_and(|provider| provider.requires_encryption),
        is_audience: &|name| endpoints.is_audience(name),
        is_recipient: &|url| endpoints.is_recipient(url),
    };
    let assertion = verify_saml_response(text, &trust, cx.now()).map_err(refused)?;
    // Without a provider there are no keys, so no assertion is verified.
    let provider = provider.ok_or_else(|| refused(SamlError::Signature))?;
    Ok((provider, assertion))
}

const NO_METADATA: SamlMetadata =
    SamlMetadata { entity_id: String::new(), signing_certificates: Vec::new(), sign_on: Vec::new(), valid_until: None };

fn refused(error: SamlError) -> IamError {
    let code = match error {
        SamlError::Rejected => ErrorCode::IdpRejectedClaim,
        SamlError::Expired | SamlError::Old => ErrorCode::ExpiredTokenException,
        _ => ErrorCode::InvalidIdentityToken,
    };
    IamError::new(code, error.to_string())
}
