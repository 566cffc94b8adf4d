//! Signing requests.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    ALGORITHM,
    canonical::{Canonical, PayloadLine},
    date::SignedAt,
    encode,
    error::SigV4Error,
    header,
    key::SigningKey,
    path::PathRule,
    payload::{PayloadHash, UNSIGNED},
    query,
    request::Request,
    scope::Scope,
};

/// Headers that are never signed, because they belong to one hop or change in transit.
const NOT_SIGNED: [&str; 11] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// An access key, and the session token if it is a temporary one. It has no `Debug`.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// A long-term access key.
    pub fn new(access_key_id: &'a str, secret_access_key: &'a str) -> Self {
        Self { access_key_id, secret_access_key, session_token: None }
    }

    /// The same with a session token.
    pub fn with_session_token(self, session_token: &'a str) -> Self {
        Self { session_token: Some(session_token), ..self }
    }
}

/// The parameters of a signature: credentials, scope and time.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    credentials: &'a Credentials<'a>,
    region: &'a str,
    service: &'a str,
    now: Timestamp,
    path: PathRule,
    payload: Declared,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Declared {
    Nothing,
    Hash,
    Unsigned,
}

impl<'a> Signing<'a> {
    /// Signs the hash of the body, without saying so in a header.
    pub fn new(credentials: &'a Credentials<'a>, region: &'a str, service: &'a str, now: Timestamp) -> Self {
        Self { credentials, region, service, now, path: PathRule::Normalize, payload: Declared::Nothing }
    }

    /// Signs the path by another rule than [`PathRule::Normalize`].
    pub fn path_rule(self, path: PathRule) -> Self {
        Self { path, ..self }
    }

    /// Adds the body's hash as `x-amz-content-sha256`.
    pub fn declare_payload(self) -> Self {
        Self { payload: Declared::Hash, ..self }
    }

    /// Does not sign the body, and declares that.
    pub fn unsigned_payload(self) -> Self {
        Self { payload: Declared::Unsigned, ..self }
    }

    fn payload_text(&self, body: &PayloadHash) -> Option<String> {
        match self.payload {
            Declared::Nothing => None,
            Declared::Hash => {
                let mut hex = Vec::with_capacity(64);
                body.push_hex(&mut hex);
                String::from_utf8(hex).ok()
            }
            Declared::Unsigned => Some(UNSIGNED.to_owned()),
        }
    }

    fn signature(
        &self,
        request: &Request<'_>,
        signed: &str,
        presigned: bool,
        body: &PayloadHash,
    ) -> Result<String, SigV4Error> {
        let at = SignedAt::of(self.now);
        let scope = Scope::new(at.day(), self.region, self.service);
        let payload = match self.payload {
            Declared::Unsigned => PayloadLine::Unsigned,
            Declared::Nothing | Declared::Hash => PayloadLine::Hash(body),
        };
        let canonical = Canonical { request, signed_headers: signed, path: self.path, presigned, payload };
        let text = canonical.string_to_sign(&at, &scope)?;
        Ok(SigningKey::derive(self.credentials.secret_access_key.as_bytes(), &scope).sign(&text))
    }

    fn credential(&self) -> String {
        let at = SignedAt::of(self.now);
        let mut scope = Vec::new();
        Scope::new(at.day(), self.region, self.service).push(&mut scope);
        format!("{}/{}", self.credentials.access_key_id, String::from_utf8_lossy(&scope))
    }
}

/// Signs a request in its headers: returns those to add, names in lower case.
///
/// All headers of the request are signed, except those that change in transit. `host` must be present.
///
/// # Errors
///
/// A request that is already signed, or that [`crate::parse`] would refuse.
pub fn sign(
    request: &Request<'_>,
    signing: &Signing<'_>,
    body: &PayloadHash,
) -> Result<Vec<(&'static str, String)>, SigV4Error> {
    for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        if request.values(name).next().is_some() {
            return Err(SigV4Error::RepeatedHeader(name));
        }
    }
    let mut added = vec![("x-amz-date", SignedAt::of(signing.now).as_str().to_owned())];
    added.extend(signing.payload_text(body).map(|text| ("x-amz-content-sha256", text)));
    added.extend(signing.credentials.session_token.map(|token| ("x-amz-security-token", token.to_owned())));
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let complete = Request { headers: &headers, ..*request };
    let signed = signed_headers(&complete)?;
    let signature = signing.signature(&complete, &signed, false, body)?;
    let credential = signing.credential();
    let value = format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed}, Signature={signature}");
    added.push(("authorization", value));
    Ok(added)
}

/// Signs a request in its query string: returns the new query string.
///
/// # Errors
///
/// As for [`sign`].
pub fn presign(
    request: &Request<'_>,
    signing: &Signing<'_>,
    expires: Duration,
    body: &PayloadHash,
) -> Result<String, SigV4Error> {
    if request.values("authorization").next().is_some() || !query::AuthParameters::find(request.query)?.is_empty() {
        return Err(SigV4Error::BothMechanisms);
    }
    let signed = signed_headers(request)?;
    let payload = signing.payload_text(body);
    let (credential, expires) = (signing.credential(), expires.as_secs().to_string());
    let at = SignedAt::of(signing.now);
    let mut text = request.query.as_bytes().to_vec();
    let mut push = |name: &str, value: &str| {
        if !text.is_empty() {
            text.push(b'&');
        }
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        encode::push_component(&mut text, value.as_bytes());
    };
    push(query::ALGORITHM, ALGORITHM);
    push(query::CREDENTIAL, &credential);
    push(query::DATE, at.as_str());
    push(query::EXPIRES, &expires);
    push(query::SIGNED_HEADERS, &signed);
    if let Some(token) = signing.credentials.session_token {
        push(query::SECURITY_TOKEN, token);
    }
    if let Some(payload) = &payload {
        push(query::CONTENT_SHA256, payload);
    }
    let query = String::from_utf8(text).map_err(|_| SigV4Error::MalformedQuery)?;
    let signature = signing.signature(&Request { query: &query, ..*request }, &signed, true, body)?;
    Ok(format!("{query}&{}={signature}", query::SIGNATURE))
}

fn signed_headers(request: &Request<'_>) -> Result<String, SigV4Error> {
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.retain(|name| !NOT_SIGNED.contains(&name.as_str()));
    names.sort_unstable();
    names.dedup();
    let signed = names.join(";");
    header::check_signed(request, &signed)?;
    Ok(signed)
}
