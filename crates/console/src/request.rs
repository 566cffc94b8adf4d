//! A request of a browser, and the calls that pages make for it.

use bailiwick_api::Operation;
use bailiwick_model::IamError;
use bailiwick_service::{Answer, FrontEnd, Incoming, Peer, Route};
use bailiwick_sigv4::{Credentials, PayloadHash, Signing, sign_http};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use prost::Message as _;

use crate::context::Context;
use crate::form::Form;
use crate::session::RoleSession;

/// The path of AWS's federation endpoint.
pub(crate) const FEDERATION: &str = "/federation";
/// The service that calls are signed for.
const SIGNING_SERVICE: &str = "bailiwick";

/// How pages prove the person whom they call for: by the token of the sign-in session or of the temporary
/// credentials, or by a signature with the credentials of the role that the person switched to.
static CONSOLE: FrontEnd = FrontEnd {
    name: "console",
    signing_service: Some(SIGNING_SERVICE),
    accepts_certificate: false,
    accepts_bearer: true,
    accepts_console: true,
    accepts_query: false,
    accepts_unsigned_payload: false,
};

/// A request that passed the checks of the front end.
pub(crate) struct Request<'a> {
    pub(crate) context: &'a Context,
    pub(crate) head: &'a Parts,
    pub(crate) peer: &'a Peer,
    /// The members of the query string.
    pub(crate) query: Form,
    /// The members of the form; empty unless it is a POST.
    pub(crate) form: Form,
    pub(crate) now: Timestamp,
}

/// An error of a call, with the id of the call.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct CallError {
    pub(crate) error: IamError,
    pub(crate) request_id: String,
}

impl CallError {
    /// The status of the page that shows it.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST)
    }
}

/// The result of a call.
pub(crate) type Called<T> = std::result::Result<T, CallError>;

impl Request<'_> {
    /// The path after `/console/`; `federation` for AWS's federation endpoint.
    pub(crate) fn path(&self) -> &str {
        if self.head.uri.path() == FEDERATION {
            return "federation";
        }
        self.head.uri.path().strip_prefix("/console").unwrap_or_default().trim_matches('/')
    }

    /// Whether it changes something.
    pub(crate) fn is_post(&self) -> bool {
        self.head.method == Method::POST
    }

    /// The path with the query string, for a link back.
    pub(crate) fn address(&self) -> &str {
        self.head.uri.path_and_query().map_or("/console", |address| address.as_str())
    }

    /// Calls an operation, with the value of the header that proves the caller or with none.
    pub(crate) async fn call<O: Operation>(
        &self,
        authorization: Option<&str>,
        request: O::Request,
    ) -> Called<O::Response> {
        let mut headers = HeaderMap::new();
        if let Some(agent) = self.head.headers.get(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        if let Some(authorization) = authorization
            && let Ok(mut value) = HeaderValue::try_from(authorization)
        {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let body = request.encode_to_vec();
        self.call_with::<O>(headers, body).await
    }

    /// Calls an operation as a role, whose credentials sign the call.
    pub(crate) async fn call_as_role<O: Operation>(
        &self,
        role: &RoleSession,
        request: O::Request,
    ) -> Called<O::Response> {
        let failed = |error: &dyn std::fmt::Display| {
            let error = IamError::internal(format!("a call could not be signed: {error}"));
            CallError { error, request_id: self.context.service.request_id() }
        };
        let body = request.encode_to_vec();
        // The host is a part of every signature; no other server sees it.
        let mut signed = http::Request::post(O::PATH).header(header::HOST, "console");
        if let Some(agent) = self.head.headers.get(header::USER_AGENT) {
            signed = signed.header(header::USER_AGENT, agent);
        }
        let mut signed = signed.body(()).map_err(|error| failed(&error))?;
        let credentials = Credentials::new(&role.access_key_id, &role.secret_access_key);
        let credentials = credentials.with_session_token(&role.session_token);
        let region = self.context.service.parts().deployment.region.to_string();
        let signing = Signing::new(&credentials, &region, SIGNING_SERVICE, self.now);
        sign_http(&mut signed, &signing, &PayloadHash::of(&body)).map_err(|error| failed(&error))?;
        self.call_with::<O>(signed.into_parts().0.headers, body).await
    }

    /// Calls an operation with these headers, which prove the caller.
    async fn call_with<O: Operation>(&self, headers: HeaderMap, body: Vec<u8>) -> Called<O::Response> {
        let service = &self.context.service;
        let failed = |error| CallError { error, request_id: service.request_id() };
        let route = Route::find(O::PATH).ok_or_else(|| failed(IamError::internal("no route")))?;
        let uri = Uri::from_static(O::PATH);
        let body = Bytes::from(body);
        let incoming = Incoming {
            front_end: &CONSOLE,
            route,
            message: Ok(body.clone()),
            method: &Method::POST,
            uri: &uri,
            headers: &headers,
            body: &body,
            peer: self.peer.clone(),
        };
        // Boxed: the future of a call is large, and a page makes several.
        let Answer { request_id, result, .. } = Box::pin(service.call(incoming)).await;
        match result.and_then(|bytes| O::Response::decode(bytes).map_err(IamError::internal)) {
            Ok(response) => Ok(response),
            Err(error) => Err(CallError { error, request_id }),
        }
    }
}
