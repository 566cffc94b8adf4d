//! AWS's federation endpoint: temporary credentials in exchange for a sign-in token, in JSON.

use std::borrow::Cow;

use bailiwick_api::{Operation as _, op, signin};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{Answer, Incoming, Peer, Refused, Route, Service};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use prost::Message as _;
use serde::Deserialize;

use crate::codec::Encoded;
use crate::exchange::{FRONT_END, parameters, respond, status_of};
use crate::form::Pair;

/// The path of the endpoint.
pub(crate) const PATH: &str = "/federation";

/// The parameter `Session`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Session {
    session_id: String,
    session_key: String,
    session_token: String,
}

/// Answers a request to the endpoint. Everything secret is in the query string or the body, which nothing records.
pub(crate) async fn answer(service: &Service, parts: &Parts, body: &Bytes, peer: Peer) -> Response<Full<Bytes>> {
    let message = match read(parts, body) {
        Ok(message) => message,
        Err(error) => {
            let (method, path) = (&parts.method, parts.uri.path());
            let user_agent = parts.headers.get(header::USER_AGENT);
            let request_id = service.refused(Refused { method, path, user_agent, peer: &peer, error: &error });
            return plain(&error, request_id);
        }
    };
    let Some(route) = Route::find(op::GetSigninToken::PATH) else {
        return plain(&IamError::internal("no route for GetSigninToken"), String::new());
    };
    let incoming = Incoming {
        front_end: &FRONT_END,
        route,
        message: Ok(message.encode_to_vec().into()),
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        body,
        peer,
    };
    let Answer { request_id, result, .. } = service.call(incoming).await;
    let answer = result.and_then(|message| {
        signin::GetSigninTokenResponse::decode(message).map_err(|error| IamError::internal(error.to_string()))
    });
    match answer {
        Ok(answer) => {
            let body = serde_json::json!({ "SigninToken": answer.signin_token }).to_string().into_bytes();
            let encoded = Encoded { content_type: "application/json", body };
            private(respond(http::StatusCode::OK, encoded, request_id, None))
        }
        Err(error) => plain(&error, request_id),
    }
}

/// Reads the request: `Action`, and `Session` with `SessionDuration`.
fn read(parts: &Parts, body: &Bytes) -> Result<signin::GetSigninTokenRequest> {
    let pairs = parameters(parts, body)?;
    match one(&pairs, "Action")?.as_deref() {
        Some("getSigninToken") => {}
        Some("login") => {
            let message = "`login` is an address for a browser: `Action` must be in its query string";
            return Err(IamError::new(ErrorCode::InvalidAction, message));
        }
        Some(_) => {
            return Err(IamError::new(ErrorCode::InvalidAction, "`Action` must be `getSigninToken` or `login`"));
        }
        None => return Err(IamError::new(ErrorCode::MissingAction, "`Action` must be `getSigninToken` or `login`")),
    }
    let session = one(&pairs, "Session")?.unwrap_or_default();
    // The reason would quote a secret.
    let session: Session = serde_json::from_str(&session).map_err(|_| {
        IamError::validation("`Session` must be a JSON object with `sessionId`, `sessionKey` and `sessionToken`")
    })?;
    let duration = one(&pairs, "SessionDuration")?.map(|text| text.parse()).transpose();
    let session_duration =
        duration.map_err(|_| IamError::validation("`SessionDuration` must be a number of seconds"))?;
    Ok(signin::GetSigninTokenRequest {
        access_key_id: Some(session.session_id),
        secret_access_key: Some(session.session_key),
        session_token: Some(session.session_token),
        session_duration,
    })
}

/// The value of a parameter, which may occur once.
fn one<'p>(pairs: &'p [Pair<'_>], name: &str) -> Result<Option<Cow<'p, str>>> {
    let mut values = pairs.iter().filter(|(found, _)| found == name);
    match (values.next(), values.next()) {
        (found, None) => Ok(found.map(|(_, value)| Cow::Borrowed(&**value))),
        _ => Err(IamError::validation(format!("`{name}` occurs twice"))),
    }
}

/// An error, as text for a person.
fn plain(error: &IamError, request_id: String) -> Response<Full<Bytes>> {
    let body = format!("{error}\n").into_bytes();
    let encoded = Encoded { content_type: "text/plain; charset=utf-8", body };
    private(respond(status_of(error), encoded, request_id, None))
}

/// Keeps an answer out of caches.
fn private(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
