//! AssumeRoleWithWebIdentity: a session of a role for the bearer of an ID token.
//!
//! The provider must be registered in the account of the role. Its keys verify the token; then the role's trust policy
//! decides, with the claims as condition keys. A caller whose token verifies does not learn whether the role exists.

mod refusal;

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, Tag};
use bailiwick_federation::{ClaimValue, Expected, IdToken, Jwt};
use bailiwick_model::{Arn, Partition, Result, SessionName, SourceNetwork};
use bailiwick_operation::{
    Check, Cx, FederatedPrincipal, Federation, Handle, IssuerKeysError, NoCaller, Planned, SessionKind, WantedKeys,
};
use bailiwick_storage::{AccountState, OidcProvider, Tx};

use crate::Sts;
use crate::role_session::{self, NewRoleSession, TargetRole};
use crate::session_policy::SessionPolicies;
use crate::session_tags::SessionTags;

/// The claims that stay condition keys for the whole session, as in AWS. The others are keys of the trust policy only.
const KEPT: [&str; 4] = ["sub", "aud", "azp", "amr"];

/// Issues credentials for a session of a role to the bearer of an ID token. Needs no signature.
///
/// The trust policy must name the provider. Session tags and source identity come from claims of the token, and need
/// `sts:TagSession` and `sts:SetSourceIdentity`.
///
/// # Errors
/// `InvalidIdentityToken`, `ExpiredTokenException`, `IDPRejectedClaim`, `IDPCommunicationError`; `AccessDenied`,
/// `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`, `InvalidParameterValue`.
impl Handle<op::AssumeRoleWithWebIdentity> for Sts {
    type Plan = NewSession;
    const WANTS_KEYS: bool = true;

    async fn wanted_keys(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        req: &AssumeRoleWithWebIdentityRequest,
    ) -> Result<Option<WantedKeys>> {
        let token = parse(req)?;
        let target = TargetRole::parse(cx.partition(), req.role_arn.as_deref())?;
        let provider = find_provider(cx, tx, &target.arn, &token).await?;
        Ok(provider.map(|provider| wanted(cx, &provider, &token)))
    }

    async fn plan(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        req: AssumeRoleWithWebIdentityRequest,
    ) -> Result<Planned<NewSession>> {
        let token = parse(&req)?;
        let target = TargetRole::parse(cx.partition(), req.role_arn.as_deref())?;
        let name = SessionName::parse(req.role_session_name.as_deref().unwrap_or(""))?;
        let policies = SessionPolicies::read(req.policy.as_deref(), &req.policy_arns, cx.partition())?;
        let provider = find_provider(cx, tx, &target.arn, &token).await?;
        let provider = provider.ok_or_else(|| refusal::no_provider(token.unverified_issuer()))?;
        let token = verify(cx, &provider, token)?;
        let provider_arn = arn_of(cx.partition(), &provider);
        let (kept, others) = keys(&provider, &token);
        let claims = token.session();
        let tags: Vec<Tag> =
            claims.tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect();
        let session = NewRoleSession {
            kind: SessionKind::WebIdentity,
            target: target.find(tx).await?,
            name,
            policies,
            tags: SessionTags::read(&tags, &claims.transitive_tag_keys, None)?,
            source_identity: claims.source_identity.as_deref().map(refusal::source_identity).transpose()?,
            seconds: role_session::seconds(req.duration_seconds),
            not_after: None,
            chained: false,
            provider: Some(provider_arn.to_string()),
            provider_keys: kept,
            parent_key: None,
            issued_through: Vec::new(),
        };
        let with_claims = |check: Check| {
            others.iter().fold(check, |check, (key, value)| match value {
                ClaimValue::One(value) => check.key(key.clone(), value.clone()),
                ClaimValue::Many(values) => check.keys(key.clone(), values.iter().cloned()),
            })
        };
        let checks = session.checks(cx.partition(), "sts:AssumeRoleWithWebIdentity", with_claims);
        let principal = FederatedPrincipal {
            kind: Federation::WebIdentity,
            provider: provider_arn.to_string(),
            issuer: provider_arn.to_string(),
            id: format!("{provider_arn}:{}:{}", token.audience(), token.subject()),
            name: token.subject().to_owned(),
        };
        let minimum_size = req.minimum_session_token_size;
        Ok(Planned::new(NewSession { session, token, minimum_size }).checks(checks).proven(principal))
    }

    async fn handle(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        NewSession { session, token, minimum_size }: NewSession,
    ) -> Result<AssumeRoleWithWebIdentityResponse> {
        let issued = session.issue(cx, tx, minimum_size).await?;
        Ok(AssumeRoleWithWebIdentityResponse {
            credentials: Some(issued.credentials),
            subject_from_web_identity_token: Some(token.subject().to_owned()),
            assumed_role_user: Some(issued.user),
            packed_policy_size: issued.packed_policy_size,
            provider: Some(token.issuer().to_owned()),
            audience: Some(token.audience().to_owned()),
            source_identity: issued.source_identity,
            session_token_utilization: issued.packed_policy_size,
            session_token_size: issued.token_size,
            ..AssumeRoleWithWebIdentityResponse::default()
        })
    }
}

/// The session that a request asks for, and the token that proves it.
#[derive(Debug)]
pub struct NewSession {
    session: NewRoleSession,
    token: IdToken,
    minimum_size: Option<i32>,
}

/// Reads the token of a request. It is not verified.
fn parse(req: &AssumeRoleWithWebIdentityRequest) -> Result<Jwt<'_>> {
    if let Some(provider) = &req.provider_id {
        return Err(refusal::opaque(provider));
    }
    Jwt::parse(req.web_identity_token.as_deref().unwrap_or("")).map_err(|error| refusal::of_token(&error))
}

/// The provider of the role's account that a token names as its issuer. None in an account that is not active, and for
/// a host without a dot: its claims would have the names of condition keys of a service. None for tokens that this
/// deployment issues for services outside, which AWS does not accept here either.
async fn find_provider(cx: &Cx<NoCaller>, tx: &mut Tx, role: &Arn, token: &Jwt<'_>) -> Result<Option<OidcProvider>> {
    let Some(account) = role.account_id() else { return Ok(None) };
    if cx.deployment().is_token_issuer(token.unverified_issuer()) {
        return Ok(None);
    }
    let Some(url) = token.unverified_issuer().strip_prefix("https://") else { return Ok(None) };
    if !url.split('/').next().is_some_and(|host| host.contains('.')) {
        return Ok(None);
    }
    if tx.find_account(account).await?.is_none_or(|account| account.state != AccountState::Active) {
        return Ok(None);
    }
    tx.find_oidc_provider(account, url).await
}

fn wanted(cx: &Cx<NoCaller>, provider: &OidcProvider, token: &Jwt<'_>) -> WantedKeys {
    WantedKeys {
        account: provider.account,
        issuer: provider.url.clone(),
        thumbprints: provider.thumbprints.clone(),
        key_id: token.unverified_key_id().map(str::to_owned),
        source: cx.request().source_ip.map(SourceNetwork::of),
    }
}

/// Verifies the token with the keys that were fetched before.
fn verify(cx: &Cx<NoCaller>, provider: &OidcProvider, token: Jwt<'_>) -> Result<IdToken> {
    // A provider that was created or changed after the fetch has other keys.
    let fetched = cx.issuer_keys().filter(|fetched| fetched.wanted == wanted(cx, provider, &token));
    let keys = match fetched.map(|fetched| &fetched.result) {
        Some(Ok(keys)) => keys,
        Some(Err(IssuerKeysError::Unacceptable(_))) => return Err(refusal::no_key()),
        Some(Err(IssuerKeysError::Unreachable(_))) | None => return Err(refusal::no_communication()),
    };
    let issuer = format!("https://{}", provider.url);
    let expected = Expected { issuer: &issuer, audiences: &provider.client_ids };
    token.verify(keys, expected, cx.now()).map_err(|error| refusal::of_token(&error))
}

fn arn_of(partition: Partition, provider: &OidcProvider) -> Arn {
    Arn::iam(partition, provider.account, format_args!("oidc-provider/{}", provider.url))
}

/// Condition keys that stay through the session, with their values.
type Kept = Vec<(String, Vec<String>)>;

/// The claims as condition keys, `HOST/PATH:CLAIM`: those that stay through the session, and the others.
fn keys(provider: &OidcProvider, token: &IdToken) -> (Kept, Vec<(String, ClaimValue)>) {
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for (claim, value) in token.keys() {
        let key = format!("{}:{claim}", provider.url);
        match value {
            ClaimValue::One(value) if KEPT.contains(&claim.as_str()) => kept.push((key, vec![value.clone()])),
            ClaimValue::Many(values) if KEPT.contains(&claim.as_str()) => kept.push((key, values.clone())),
            value => others.push((key, value.clone())),
        }
    }
    (kept, others)
}

#[cfg(test)]
mod tests;
