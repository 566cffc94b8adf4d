//! The instance metadata service, version 2: `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
//!
//! It serves what is true of this machine's session: credentials, account and region. Paths about an instance, such
//! as its id, its zone or its signed identity, are not found.

mod tokens;

use bailiwick_service::Peer;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::guard::only;
use super::reply::{json, text, wrong_method};
use super::{Session, Sessions};

pub(crate) use tokens::MetadataTokens;

const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN: &str = "x-aws-ec2-metadata-token";
const TOKEN_LIFETIME: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const ROLES: &str = "/latest/meta-data/iam/security-credentials";

/// What folders list, as EC2 does.
const FOLDERS: [(&str, &str); 7] = [
    ("", "latest"),
    ("/latest", "dynamic\nmeta-data"),
    ("/latest/dynamic", "instance-identity/"),
    ("/latest/dynamic/instance-identity", "document"),
    ("/latest/meta-data", "iam/\nplacement/"),
    ("/latest/meta-data/iam", "info\nsecurity-credentials/"),
    ("/latest/meta-data/placement", "region"),
];

/// A session as the protocol has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    code: &'a str,
    last_updated: String,
    #[serde(rename = "Type")]
    kind: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
}

/// The state of the role. The members about an instance profile are absent, since there is none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Info<'a> {
    code: &'a str,
    last_updated: String,
}

/// The part of an instance's identity that is known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    account_id: &'a str,
    region: &'a str,
    version: &'a str,
}

/// Answers a request.
pub(super) async fn answer(
    sessions: &Sessions,
    tokens: &MetadataTokens,
    region: &str,
    now: jiff::Timestamp,
    head: &Parts,
    peer: &Peer,
) -> Response<Full<Bytes>> {
    let path = head.uri.path();
    if path == TOKEN_PATH {
        return new_token(tokens, head, now);
    }
    // Version 1 has no token.
    if !only(&head.headers, TOKEN).is_some_and(|token| tokens.verify(token, now)) {
        return text(
            StatusCode::UNAUTHORIZED,
            "expected a valid token in X-aws-ec2-metadata-token: version 1 is not served",
        );
    }
    peer.standing.set_authenticated();
    if head.method != Method::GET && head.method != Method::HEAD {
        return wrong_method("GET, HEAD");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some((_, listed)) = FOLDERS.iter().find(|(folder, _)| *folder == path) {
        return text(StatusCode::OK, listed);
    }
    if path == "/latest/meta-data/placement/region" {
        return text(StatusCode::OK, region);
    }
    let role = path.strip_prefix(ROLES).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_of_session = ["/latest/meta-data/iam/info", "/latest/dynamic/instance-identity/document"].contains(&path);
    if role.is_none() && !is_of_session {
        return text(StatusCode::NOT_FOUND, "nothing is here");
    }
    let session = match sessions.current().await {
        Ok(session) => session,
        Err(why) => return text(StatusCode::SERVICE_UNAVAILABLE, &why),
    };
    match role {
        Some("") => text(StatusCode::OK, &session.name),
        Some(name) if is_name(&name[1..], &session.name) => json(StatusCode::OK, &credentials(&session)),
        Some(_) => text(StatusCode::NOT_FOUND, "the session is of another role"),
        None if path.ends_with("/info") => {
            json(StatusCode::OK, &Info { code: "Success", last_updated: shown(session.obtained) })
        }
        None => {
            let identity = Identity { account_id: &session.account, region, version: "2017-09-30" };
            json(StatusCode::OK, &identity)
        }
    }
}

/// Makes a token for the lifetime that the request names.
fn new_token(tokens: &MetadataTokens, head: &Parts, now: jiff::Timestamp) -> Response<Full<Bytes>> {
    if head.method != Method::PUT {
        return wrong_method("PUT");
    }
    let lifetime = only(&head.headers, TOKEN_LIFETIME).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let lifetime = lifetime.and_then(|text| text.parse().ok()).filter(|seconds| tokens::LIFETIMES.contains(seconds));
    let Some(seconds) = lifetime else {
        let message = "expected X-aws-ec2-metadata-token-ttl-seconds with a number from 1 to 21600";
        return text(StatusCode::BAD_REQUEST, message);
    };
    let mut response = text(StatusCode::OK, &tokens.issue(seconds, now));
    response.headers_mut().insert(TOKEN_LIFETIME, HeaderValue::from(seconds));
    response
}

fn is_name(written: &str, name: &str) -> bool {
    percent_decode_str(written).decode_utf8().is_ok_and(|written| written == name)
}

fn credentials(session: &Session) -> Credentials<'_> {
    Credentials {
        code: "Success",
        last_updated: shown(session.obtained),
        kind: "AWS-HMAC",
        access_key_id: &session.keys.access_key_id,
        secret_access_key: &session.keys.secret_access_key,
        token: session.keys.session_token.as_ref().map_or("", |token| token.as_str()),
        expiration: session.shown_expiration(),
    }
}

/// A time in whole seconds.
fn shown(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
