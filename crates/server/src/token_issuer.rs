//! What verifiers of tokens read: the discovery document and the public keys of an account's issuer, without credentials.

use std::sync::Arc;

use bailiwick_grpc::Body;
use bailiwick_model::{AccountState, Result};
use bailiwick_operation::Deployment;
use bailiwick_service::Service;
use bailiwick_storage::{At, OutboundFederation, TokenSigningKeys, Tx};
use bailiwick_sts::TOKEN_KEYS_MAX_AGE;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks.json";
/// The length of the random part of an issuer, a UUID.
const ISSUER: usize = 36;

/// Answers a GET of a path under an issuer; none for other paths. An unknown issuer, and that of an account that is not
/// active, is not found.
pub(crate) async fn answer(service: &Service, path: &str) -> Option<Response<Body>> {
    let rest = path.strip_prefix(Deployment::TOKEN_ISSUERS)?;
    let document = match rest.split_at_checked(ISSUER) {
        Some((issuer, file @ (DISCOVERY | KEYS))) => document(service, issuer, file == KEYS).await,
        _ => Ok(None),
    };
    Some(match document {
        Ok(Some(text)) => {
            let mut response = json(text);
            let cache = format!("public, max-age={}", TOKEN_KEYS_MAX_AGE.as_secs());
            if let Ok(cache) = HeaderValue::try_from(cache) {
                response.headers_mut().insert(header::CACHE_CONTROL, cache);
            }
            response
        }
        Ok(None) => failure(StatusCode::NOT_FOUND, "no such issuer"),
        Err(error) => {
            tracing::error!(?error, "the keys of an issuer could not be read");
            failure(StatusCode::SERVICE_UNAVAILABLE, "the keys cannot be read at the moment")
        }
    })
}

/// The discovery document or the keys of an issuer.
async fn document(service: &Service, issuer: &str, keys: bool) -> Result<Option<String>> {
    let parts = service.parts();
    let mut tx = Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest).await?;
    let Some(id) = tx.find_token_issuer(issuer).await? else { return Ok(None) };
    let account = tx.find_account(id).await?;
    if account.is_none_or(|account| account.state != AccountState::Active) {
        return Ok(None);
    }
    if keys {
        let keys = tx.account_setting::<TokenSigningKeys>(id).await?.unwrap_or_default();
        let keys: Vec<&str> = keys.0.iter().map(|key| key.jwk.as_str()).collect();
        return Ok(Some(format!(r#"{{"keys":[{}]}}"#, keys.join(","))));
    }
    let Some(federation) = tx.account_setting::<OutboundFederation>(id).await? else { return Ok(None) };
    let issuer = parts.deployment.token_issuer(&federation);
    let document = serde_json::json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEYS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES384", "RS256"],
        "claims_supported": ["iss", "aud", "sub", "iat", "exp", "jti", "https://sts.amazonaws.com/"],
    });
    Ok(Some(document.to_string()))
}

fn failure(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = json(serde_json::json!({ "error": why }).to_string());
    *response.status_mut() = status;
    response
}

fn json(text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::new(Bytes::from(text))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
