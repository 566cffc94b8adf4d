//! Tokens that identify callers to services outside: Bailiwick as an OpenID Connect issuer.

use std::collections::BTreeMap;
use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::sts::{GetWebIdentityTokenRequest, GetWebIdentityTokenResponse};
use bailiwick_federation::SigningAlgorithm;
use bailiwick_model::{Arn, ErrorCode, IamError, Region, Result, Tags};
use bailiwick_operation::{Check, Cx, Handle, Planned, Principal, uuid};
use bailiwick_storage::{OutboundFederation, Role, Tx, User};
use serde::Serialize;

use crate::Sts;
use crate::issue::date;
use crate::token_keys::{MAX_TOKEN_SECONDS, signing_key};

/// The validity of a token in seconds, unless the request says another.
const DEFAULT_SECONDS: i64 = 300;
/// The maximum size of the claims in bytes.
const MAX_CLAIMS: usize = 16 * 1_024;

/// Issues a signed token that identifies the caller to a service outside.
///
/// Tags in the request also need `sts:TagGetWebIdentityToken`. AWS does not say whether root and federated users get a token;
/// here they do not. No session here has a context of trusted identity propagation, so neither `OriginIdentity` nor `Scope`,
/// which needs it, can be asked for. AWS documents no limit on the size of the claims; here it is 16 KiB.
///
/// # Errors
/// `AccessDenied` for root and federated users, `ValidationError`, `OutboundWebIdentityFederationDisabledException`,
/// `SessionDurationEscalationException`, `JWTPayloadSizeExceededException`.
impl Handle<op::GetWebIdentityToken> for Sts {
    type Plan = NewToken;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetWebIdentityTokenRequest) -> Result<Planned<NewToken>> {
        let new = NewToken::parse(cx, req)?;
        let session = Arn::sts(cx.partition(), cx.account(), format_args!("self"));
        let token = Check::new("sts:GetWebIdentityToken", &session)
            .keys("sts:IdentityTokenAudience", new.audiences.iter().cloned())
            .key("sts:SigningAlgorithm", new.algorithm.as_str())
            .key("sts:DurationSeconds", new.seconds.to_string())
            .request_tags(&new.tags);
        let tag = Check::new("sts:TagGetWebIdentityToken", &session).request_tags(&new.tags);
        let has_tags = !new.tags.is_empty();
        Ok(Planned::new(new).check(token).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewToken) -> Result<GetWebIdentityTokenResponse> {
        let (caller, account) = (cx.caller(), cx.account());
        let federation = tx.account_setting::<OutboundFederation>(account).await?;
        let federation = federation.filter(|federation| federation.enabled).ok_or_else(|| {
            let message = "Outbound web identity federation is not enabled for this account.";
            IamError::new(ErrorCode::OutboundWebIdentityFederationDisabled, message)
        })?;
        let expires = cx.date() + Duration::from_secs(new.seconds.unsigned_abs());
        if caller.session.as_ref().is_some_and(|session| session.expires < expires) {
            let message = "The requested DurationSeconds exceeds the remaining lifetime of the session.";
            return Err(IamError::new(ErrorCode::SessionDurationEscalation, message)
                .field("DurationSeconds", "less than the remaining lifetime of the session"));
        }
        let region = cx.request().region.as_ref().unwrap_or(&cx.deployment().region);
        let identity = caller.principal.identity_arn(cx.partition());
        let session = caller.session.as_deref();
        let tags = principal_tags(cx, tx).await?;
        let claims = Claims {
            iss: cx.deployment().token_issuer(&federation),
            aud: match new.audiences.as_slice() {
                [one] => Audience::One(one),
                several => Audience::Several(several),
            },
            sub: identity.as_str(),
            iat: cx.date().as_second(),
            exp: expires.as_second(),
            jti: uuid(cx.random()),
            aws: AwsClaims {
                aws_account: account.to_string(),
                source_region: Region::as_str(region),
                principal_id: identity.as_str(),
                original_session_exp: session.map(|session| session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
                source_identity: session.and_then(|session| session.source_identity.as_deref()),
                federated_provider: session.and_then(|session| session.provider.as_deref()),
                principal_tags: tags,
                request_tags: new.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            },
        };
        let claims = serde_json::to_string(&claims).map_err(IamError::internal)?;
        if claims.len() > MAX_CLAIMS {
            let message =
                format!("The claims of the token have {} bytes; at most {MAX_CLAIMS} are allowed.", claims.len());
            return Err(
                IamError::new(ErrorCode::JwtPayloadSizeExceeded, message).field("Tags", "fewer or shorter tags")
            );
        }
        // An issuer of an older version has no entry yet.
        tx.put_token_issuer(account, &federation).await?;
        let key = signing_key(cx.deployment(), tx, account, new.algorithm, cx.now()).await?;
        let token = key.sign(&claims).map_err(IamError::internal)?;
        Ok(GetWebIdentityTokenResponse { web_identity_token: Some(token), expiration: Some(date(expires)) })
    }
}

/// The token that a request asks for.
pub struct NewToken {
    audiences: Vec<String>,
    algorithm: SigningAlgorithm,
    seconds: i64,
    tags: Tags,
}

impl NewToken {
    fn parse(cx: &Cx, req: GetWebIdentityTokenRequest) -> Result<Self> {
        if !matches!(cx.caller().principal, Principal::User { .. } | Principal::RoleSession { .. }) {
            let message = "GetWebIdentityToken can be called by users and role sessions only.";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let refused = |message: &str, member: &str, expected: &str| {
            Err(IamError::validation(message.to_owned()).field(member, expected.to_owned()))
        };
        let Some(algorithm) = SigningAlgorithm::parse(req.signing_algorithm.as_deref().unwrap_or("")) else {
            return refused("SigningAlgorithm must be RS256 or ES384", "SigningAlgorithm", "RS256 or ES384");
        };
        if req.subject_mode.as_deref().is_some_and(|mode| mode != "AWSIdentity") {
            let message = "OriginIdentity needs a session with a context of trusted identity propagation, and the calling \
                           session has none";
            return refused(message, "SubjectMode", "AWSIdentity, or left out");
        }
        if req.scope.is_some() {
            return refused("Scope can be specified only when SubjectMode is OriginIdentity", "Scope", "nothing");
        }
        let seconds = req.duration_seconds.map_or(DEFAULT_SECONDS, i64::from);
        if !(60..=MAX_TOKEN_SECONDS).contains(&seconds) {
            return refused("DurationSeconds must be between 60 and 3600", "DurationSeconds", "60 to 3600");
        }
        let pair = |tag: bailiwick_api::sts::Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        let tags = Tags::parse(req.tags.into_iter().map(pair))?;
        Ok(NewToken { audiences: req.audience, algorithm, seconds, tags })
    }
}

/// The tags of the caller: those of the session before those of the user or role.
async fn principal_tags(cx: &Cx, tx: &mut Tx) -> Result<BTreeMap<String, String>> {
    let caller = cx.caller();
    let own = match &caller.principal {
        Principal::User { account, id, name, .. } => {
            tx.find::<User>(*account, name).await?.filter(|user| user.id == *id).map(|user| user.tags)
        }
        Principal::RoleSession { account, id, name, .. } => {
            tx.find::<Role>(*account, name).await?.filter(|role| role.id == *id).map(|role| role.tags)
        }
        _ => None,
    };
    let session = caller.session.as_ref().map(|session| &session.tags);
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for tag in session.into_iter().chain(&own).flat_map(Tags::iter) {
        if !tags.keys().any(|key| key.eq_ignore_ascii_case(&tag.key)) {
            tags.insert(tag.key.clone(), tag.value.clone());
        }
    }
    Ok(tags)
}

/// The claims of a token, as AWS names them.
#[derive(Serialize)]
struct Claims<'a> {
    iss: String,
    aud: Audience<'a>,
    sub: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(rename = "https://sts.amazonaws.com/")]
    aws: AwsClaims<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

#[derive(Serialize)]
struct AwsClaims<'a> {
    aws_account: String,
    source_region: &'a str,
    principal_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_session_exp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federated_provider: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    principal_tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    request_tags: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests;
