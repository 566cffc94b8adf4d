//! The endpoint of container credentials: `AWS_CONTAINER_CREDENTIALS_FULL_URI`.

use bailiwick_service::Peer;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

use super::guard::only;
use super::reply::{json, wrong_method};
use super::{Sessions, TokenFile};

/// The path of the endpoint.
pub(crate) const PATH: &str = "/credentials";

/// A session as the protocol has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    role_arn: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
    account_id: &'a str,
}

/// An error as the protocol has it. SDKs show both members.
#[derive(Serialize)]
struct Problem<'a> {
    code: &'a str,
    message: &'a str,
}

/// Answers a request for the path.
pub(super) async fn answer(sessions: &Sessions, token: &TokenFile, head: &Parts, peer: &Peer) -> Response<Full<Bytes>> {
    if head.method != Method::GET {
        return wrong_method("GET");
    }
    let given = only(&head.headers, header::AUTHORIZATION.as_str());
    if !given.is_some_and(|given| token.is(given)) {
        let message = match given {
            Some(_) => "the authorization token is not that of this agent",
            None => "expected one Authorization header with the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        };
        return json(StatusCode::UNAUTHORIZED, &Problem { code: "AccessDenied", message });
    }
    peer.standing.set_authenticated();
    match sessions.current().await {
        Ok(session) => json(
            StatusCode::OK,
            &Credentials {
                role_arn: &session.arn,
                access_key_id: &session.keys.access_key_id,
                secret_access_key: &session.keys.secret_access_key,
                token: session.keys.session_token.as_ref().map_or("", |token| token.as_str()),
                expiration: session.shown_expiration(),
                account_id: &session.account,
            },
        ),
        Err(why) => json(StatusCode::SERVICE_UNAVAILABLE, &Problem { code: "CredentialsUnavailable", message: &why }),
    }
}
