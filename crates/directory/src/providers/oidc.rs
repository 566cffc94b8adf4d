//! OpenID Connect providers. What they accept of tokens is in `oidc_settings`.
//!
//! The server of a provider is not contacted: CreateOpenIDConnectProvider never returns `OpenIdIdpCommunicationError`,
//! and a provider without thumbprints stays without.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::limits::{CLIENT_IDS_PER_PROVIDER, THUMBPRINTS_PER_PROVIDER};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, KeyCase, Partition, Result, Tags};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{OidcProvider, Tx};

use super::arn::ProviderArn;
use super::end_earlier_sessions;
use crate::address::{Addressed, Target};
use crate::identities::tags::{NO_TAG_KEYS, NO_TAG_MAP, Tagged};
use crate::request::{check_list, required, tags};
use crate::{Directory, view};

/// The ARN of the provider with this URL, which is without its scheme.
fn arn_of(partition: Partition, account: AccountId, url: &str) -> Arn {
    Arn::iam(partition, account, format_args!("oidc-provider/{url}"))
}

impl Addressed for OidcProvider {
    type Address = ProviderArn;

    fn parse(cx: &Cx, member: &Option<String>) -> Result<ProviderArn> {
        ProviderArn::parse(cx, "oidc-provider", "openIDConnectProviderArn", member)
    }

    async fn find(cx: &Cx, tx: &mut Tx, arn: &ProviderArn) -> Result<Option<Self>> {
        match arn.own_name(cx) {
            Some(url) => tx.find_oidc_provider(cx.account(), url).await,
            None => Ok(None),
        }
    }

    fn check(_: &Cx, arn: &ProviderArn, stored: Option<&Self>, action: &'static str) -> Check {
        stored.iter().fold(arn.check(action), |check, stored| check.aws_resource_tags(&stored.tags))
    }

    fn no_such(arn: &ProviderArn) -> IamError {
        let message = format!("OpenIDConnect Provider not found for arn {}", arn.as_str());
        IamError::new(ErrorCode::NoSuchEntity, message)
    }
}

impl Tagged for OidcProvider {
    const NO_TAGS: &str = NO_TAG_MAP;
    const NO_KEYS: Option<&str> = Some(NO_TAG_KEYS);

    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<Self>) -> Result<Self> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_oidc_provider(&OidcProvider { tags, ..self.clone() });
        Ok(())
    }
}

/// Creates a provider in the caller's account.
///
/// # Errors
/// `ValidationError` (URL), `EntityAlreadyExists`, `LimitExceeded`; `InvalidInput` (tags, thumbprints, or a request for
/// trusted identity propagation, which is not available).
impl Handle<op::CreateOpenIDConnectProvider> for Directory {
    /// The provider, or the reason why it cannot be created.
    type Plan = Result<OidcProvider>;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::CreateOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        let url = parse_url(required(&req.url, "url")?)?;
        let tags = tags(KeyCase::Sensitive, &req.tags)?;
        let arn = arn_of(cx.partition(), cx.account(), &url);
        let create = Check::new("iam:CreateOpenIDConnectProvider", &arn).request_tags(&tags);
        let tag = Check::new("iam:TagOpenIDConnectProvider", &arn).request_tags(&tags);
        let has_tags = !tags.is_empty();
        let provider = if req.context_provider.is_some() || req.identity_center_instance_arn.is_some() {
            Err(no_propagation())
        } else {
            client_ids(req.client_id_list).and_then(|client_ids| {
                let thumbprints = thumbprints(req.thumbprint_list)?;
                // Not in whole seconds: sessions through an earlier provider of this URL end, also those of the same second.
                Ok(OidcProvider { account: cx.account(), url, created: cx.now(), client_ids, thumbprints, tags })
            })
        };
        Ok(Planned::new(provider).check(create).check_if(has_tags, tag))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        provider: Self::Plan,
    ) -> Result<pb::CreateOpenIdConnectProviderResponse> {
        let provider = provider?;
        tx.create_oidc_provider(&provider).await?;
        let arn = arn_of(cx.partition(), provider.account, &provider.url);
        end_earlier_sessions(cx, tx, &arn, provider.created).await?;
        Ok(pb::CreateOpenIdConnectProviderResponse {
            open_id_connect_provider_arn: Some(arn.to_string()),
            tags: view::tags(&provider.tags),
        })
    }
}

/// Shows a provider. Its URL is without the scheme, as in AWS.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN).
impl Handle<op::GetOpenIDConnectProvider> for Directory {
    type Plan = Target<OidcProvider>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.open_id_connect_provider_arn, "iam:GetOpenIDConnectProvider").await
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, provider: Self::Plan) -> Result<pb::GetOpenIdConnectProviderResponse> {
        let provider = provider.get()?;
        Ok(pb::GetOpenIdConnectProviderResponse {
            tags: view::tags(&provider.tags),
            create_date: view::date(provider.created),
            url: Some(provider.url),
            client_id_list: provider.client_ids,
            thumbprint_list: provider.thumbprints,
            ..Default::default()
        })
    }
}

/// Lists the ARNs of the account's providers, by URL.
impl Handle<op::ListOpenIDConnectProviders> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::ListOpenIdConnectProvidersRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(check_list(cx, "iam:ListOpenIDConnectProviders", "oidc-provider", "/*")))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::ListOpenIdConnectProvidersResponse> {
        let entry = |provider: &OidcProvider| pb::OpenIdConnectProviderListEntry {
            arn: Some(arn_of(cx.partition(), provider.account, &provider.url).to_string()),
            ..Default::default()
        };
        let found = tx.list_oidc_providers(cx.account()).await?;
        Ok(pb::ListOpenIdConnectProvidersResponse { open_id_connect_provider_list: found.iter().map(entry).collect() })
    }
}

/// Deletes a provider. Trust policies that name it stay as they are, without effect.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (ARN).
impl Handle<op::DeleteOpenIDConnectProvider> for Directory {
    /// The provider, and its ARN for the message.
    type Plan = (Target<OidcProvider>, String);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteOpenIdConnectProviderRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:DeleteOpenIDConnectProvider";
        let planned = Target::plan(cx, tx, &req.open_id_connect_provider_arn, ACTION).await?;
        Ok(planned.with(req.open_id_connect_provider_arn.unwrap_or_default()))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (provider, arn): Self::Plan,
    ) -> Result<pb::DeleteOpenIdConnectProviderResponse> {
        // AWS has another sentence for this operation.
        let missing =
            |_| IamError::new(ErrorCode::NoSuchEntity, format!("OpenId connect Provider {arn} cannot be found."));
        tx.delete_oidc_provider(&provider.get().map_err(missing)?);
        Ok(pb::DeleteOpenIdConnectProviderResponse {})
    }
}

/// The URL of an issuer without its scheme and the default port: a host name, and a path without a query.
///
/// The host is a name in a domain. The claims of a host without a dot would have the names of condition keys of a service, and
/// an address says nothing about who runs the issuer there.
fn parse_url(url: &str) -> Result<String> {
    let without_scheme = url.strip_prefix("https://").unwrap_or_default();
    if without_scheme.contains(['?', '#']) {
        let error = IamError::new(ErrorCode::InvalidInput, "the URL of a provider has no query and no fragment");
        return Err(error.silent_in_query().field("Url", "expected a URL without ? and #"));
    }
    let (host, path) = without_scheme.split_at(without_scheme.find('/').unwrap_or(without_scheme.len()));
    let host = host.strip_suffix(":443").unwrap_or(host);
    let is_path = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~!$&'()+,;=:@%".contains(&b));
    let domain = host.rsplit_once('.').map(|(_, domain)| domain);
    let is_in_domain = domain.is_some_and(|domain| domain.starts_with(|first: char| first.is_ascii_alphabetic()));
    if !is_path || !is_in_domain || !host.split('.').all(is_label) {
        return Err(IamError::validation("Invalid Open ID Connect Provider URL")
            .field("Url", "expected https://, a host name with a domain and without a port, and a path"));
    }
    Ok(format!("{host}{path}"))
}

/// Whether a text is a part of a host name.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Client ids without repetitions.
fn client_ids(given: Vec<String>) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::with_capacity(given.len());
    for id in given {
        add_client_id(&mut ids, id)?;
    }
    Ok(ids)
}

/// Adds a client id, if it is not there yet.
pub(super) fn add_client_id(ids: &mut Vec<String>, id: String) -> Result<()> {
    if ids.contains(&id) {
        return Ok(());
    }
    if ids.len() >= CLIENT_IDS_PER_PROVIDER {
        return Err(IamError::quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_PER_PROVIDER));
    }
    ids.push(id);
    Ok(())
}

/// At most five thumbprints, in lower case.
pub(super) fn thumbprints(mut given: Vec<String>) -> Result<Vec<String>> {
    if given.len() > THUMBPRINTS_PER_PROVIDER {
        let message = "Thumbprint list must contain fewer than 5 entries.";
        return Err(IamError::new(ErrorCode::InvalidInput, message).field("ThumbprintList", "expected at most 5"));
    }
    given.iter_mut().for_each(|thumbprint| thumbprint.make_ascii_lowercase());
    Ok(given)
}

/// `InvalidInput` for trusted identity propagation, which needs an IAM Identity Center.
pub(super) fn no_propagation() -> IamError {
    let message = "trusted identity propagation is not available: this deployment has no IAM Identity Center";
    IamError::new(ErrorCode::InvalidInput, message).field("ContextProvider", "expected to be left out")
}

#[cfg(test)]
mod tests;
