//! SAML providers. How they are changed is in `saml_update`.

use bailiwick_api::{iam as pb, op};
use bailiwick_federation::SamlMetadata;
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, KeyCase, Partition, Result, Tags};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_seal::SecretString;
use bailiwick_storage::{SamlProvider, Tx};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::arn::ProviderArn;
use super::end_earlier_sessions;
use super::oidc::no_propagation;
use super::saml_keys::{add_key, check_encryption, new_id};
use crate::address::{Addressed, Target};
use crate::identities::tags::{NO_TAG_KEYS, NO_TAG_MAP, Tagged};
use crate::request::{check_list, required, tags};
use crate::{Directory, view};

/// How long metadata that has no end is valid.
const YEARS_WITHOUT_END: i64 = 100;

fn arn_of(partition: Partition, account: AccountId, name: &str) -> Arn {
    Arn::iam(partition, account, format_args!("saml-provider/{name}"))
}

impl Addressed for SamlProvider {
    type Address = ProviderArn;

    fn parse(cx: &Cx, member: &Option<String>) -> Result<ProviderArn> {
        ProviderArn::parse(cx, "saml-provider", "samlProviderArn", member)
    }

    async fn find(cx: &Cx, tx: &mut Tx, arn: &ProviderArn) -> Result<Option<Self>> {
        match arn.own_name(cx) {
            Some(name) => tx.find_saml_provider(cx.account(), name).await,
            None => Ok(None),
        }
    }

    fn check(_: &Cx, arn: &ProviderArn, stored: Option<&Self>, action: &'static str) -> Check {
        stored.iter().fold(arn.check(action), |check, stored| check.aws_resource_tags(&stored.tags))
    }

    fn no_such(arn: &ProviderArn) -> IamError {
        IamError::new(ErrorCode::NoSuchEntity, format!("Manifest not found for arn {}", arn.as_str()))
    }
}

impl Tagged for SamlProvider {
    const NO_TAGS: &str = NO_TAG_MAP;
    const NO_KEYS: Option<&str> = Some(NO_TAG_KEYS);

    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<Self>) -> Result<Self> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_saml_provider(&SamlProvider { tags, ..self.clone() });
        Ok(())
    }
}

/// A provider to create. What may be invalid in it is parsed after the decision.
pub struct NewProvider {
    name: String,
    metadata: String,
    tags: Tags,
    requires_encryption: bool,
    private_key: Option<SecretString>,
    /// Trusted identity propagation is requested.
    propagates: bool,
}

/// Creates a provider in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`; `InvalidInput` (tags, metadata, private key, encryption that is required
/// without a key, or a request for trusted identity propagation, which is not available).
impl Handle<op::CreateSAMLProvider> for Directory {
    type Plan = NewProvider;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateSamlProviderRequest) -> Result<Planned<NewProvider>> {
        let provider = NewProvider {
            name: required(&req.name, "name")?.to_owned(),
            metadata: required(&req.saml_metadata_document, "samlMetadataDocument")?.to_owned(),
            tags: tags(KeyCase::Sensitive, &req.tags)?,
            requires_encryption: req.assertion_encryption_mode.as_deref() == Some(REQUIRED),
            private_key: req.add_private_key.map(SecretString::from),
            propagates: req.context_provider.is_some() || req.identity_center_instance_arn.is_some(),
        };
        let arn = arn_of(cx.partition(), cx.account(), &provider.name);
        let create = Check::new("iam:CreateSAMLProvider", &arn).request_tags(&provider.tags);
        let tag = Check::new("iam:TagSAMLProvider", &arn).request_tags(&provider.tags);
        let has_tags = !provider.tags.is_empty();
        Ok(Planned::new(provider).check(create).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewProvider) -> Result<pb::CreateSamlProviderResponse> {
        if new.propagates {
            return Err(no_propagation());
        }
        let mut provider = SamlProvider {
            account: cx.account(),
            name: new.name,
            uuid: new_id(cx, "SAMLSP"),
            // Not in whole seconds: sessions through an earlier provider of this name end, also those of the same second.
            created: cx.now(),
            valid_until: valid_until(cx, &new.metadata)?,
            requires_encryption: new.requires_encryption,
            private_keys: Vec::new(),
            tags: new.tags,
            metadata_chunks: 0,
        };
        if let Some(private_key) = &new.private_key {
            add_key(cx, &mut provider, private_key)?;
        }
        check_encryption(&provider)?;
        tx.create_saml_provider(&provider, &new.metadata).await?;
        let arn = arn_of(cx.partition(), provider.account, &provider.name);
        end_earlier_sessions(cx, tx, &arn, provider.created).await?;
        Ok(pb::CreateSamlProviderResponse {
            saml_provider_arn: Some(arn.to_string()),
            tags: view::tags(&provider.tags),
        })
    }
}

/// Shows a provider with its metadata, and its private keys by id.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN).
impl Handle<op::GetSAMLProvider> for Directory {
    type Plan = Target<SamlProvider>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetSamlProviderRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.saml_provider_arn, "iam:GetSAMLProvider").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, provider: Self::Plan) -> Result<pb::GetSamlProviderResponse> {
        let provider = provider.get()?;
        let metadata = tx.read_saml_metadata(&provider).await?;
        let keys = provider.private_keys.iter();
        let keys =
            keys.map(|key| pb::SamlPrivateKey { key_id: Some(key.id.clone()), timestamp: view::date(key.added) });
        Ok(pb::GetSamlProviderResponse {
            saml_metadata_document: Some(metadata),
            create_date: view::date(provider.created),
            valid_until: view::date(provider.valid_until),
            tags: view::tags(&provider.tags),
            assertion_encryption_mode: Some(if provider.requires_encryption { REQUIRED } else { ALLOWED }.to_owned()),
            private_key_list: keys.collect(),
            saml_provider_uuid: Some(provider.uuid),
            ..Default::default()
        })
    }
}

/// Lists the account's providers by name.
impl Handle<op::ListSAMLProviders> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::ListSamlProvidersRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(check_list(cx, "iam:ListSAMLProviders", "saml-provider", "/*")))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::ListSamlProvidersResponse> {
        let entry = |provider: &SamlProvider| pb::SamlProviderListEntry {
            arn: Some(arn_of(cx.partition(), provider.account, &provider.name).to_string()),
            valid_until: view::date(provider.valid_until),
            create_date: view::date(provider.created),
            ..Default::default()
        };
        let found = tx.list_saml_providers(cx.account()).await?;
        Ok(pb::ListSamlProvidersResponse { saml_provider_list: found.iter().map(entry).collect() })
    }
}

/// Deletes a provider. Trust policies that name it stay as they are, without effect.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN).
impl Handle<op::DeleteSAMLProvider> for Directory {
    type Plan = Target<SamlProvider>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteSamlProviderRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.saml_provider_arn, "iam:DeleteSAMLProvider").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, provider: Self::Plan) -> Result<pb::DeleteSamlProviderResponse> {
        tx.delete_saml_provider(&provider.get()?);
        Ok(pb::DeleteSamlProviderResponse {})
    }
}

/// Only encrypted assertions are accepted.
pub(super) const REQUIRED: &str = "Required";
/// Assertions may be encrypted.
const ALLOWED: &str = "Allowed";

/// Until when metadata may be used: what it says, or a hundred years from now. A time in the past is accepted, and
/// then no assertion is.
///
/// # Errors
/// `InvalidInput` if it is not the metadata of an identity provider.
pub(super) fn valid_until(cx: &Cx, metadata: &str) -> Result<Timestamp> {
    let parsed = SamlMetadata::parse(metadata).map_err(|error| {
        IamError::new(ErrorCode::InvalidInput, "Could not parse metadata")
            .field("SAMLMetadataDocument", error.to_string())
    })?;
    let without_end = || cx.date().to_zoned(TimeZone::UTC).checked_add(YEARS_WITHOUT_END.years());
    match parsed.valid_until {
        Some(time) => Ok(time),
        None => Ok(without_end().map_err(IamError::internal)?.timestamp()),
    }
}

#[cfg(test)]
mod tests;
