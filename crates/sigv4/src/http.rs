//! Adapter for requests of the `http` crate.

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::request::Parts;

use crate::{PayloadHash, Request, SigV4Error, Signing, sign};

/// The signed parts of an [`http::Request`].
///
/// The authority of an absolute URI, as in HTTP/2, counts as a `host` header, unless there is an equal one. A request
/// with two different hosts is refused.
pub struct HttpRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> HttpRequest<'a> {
    /// The view that [`crate::parse`], [`sign`](crate::sign()) and [`crate::presign`] take.
    ///
    /// ```
    /// # use bailiwick_sigv4::{HttpRequest, parse};
    /// let request = http::Request::get("https://iam.example.com/?Action=ListUsers").body(()).unwrap();
    /// assert!(parse(&HttpRequest::from(&request).as_request()).unwrap().is_none());
    /// ```
    #[must_use]
    pub fn as_request(&self) -> Request<'_> {
        Request { method: self.method, path: self.path, query: self.query, headers: &self.headers }
    }

    /// The view of a request that is not an [`http::Request`], of its parts.
    #[must_use]
    pub fn new(method: &'a http::Method, uri: &'a http::Uri, headers: &'a http::HeaderMap) -> Self {
        let mut lines: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        if let Some(authority) = host(uri).map(str::as_bytes) {
            if !lines.contains(&("host", authority)) {
                lines.push(("host", authority));
            }
        }
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Self { method: method.as_str(), path, query: uri.query().unwrap_or_default(), headers: lines }
    }
}

/// The authority of a URI, without user information.
fn host(uri: &http::Uri) -> Option<&str> {
    uri.authority().and_then(|authority| authority.as_str().rsplit('@').next())
}

impl<'a> From<&'a Parts> for HttpRequest<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers)
    }
}

impl<'a, B> From<&'a http::Request<B>> for HttpRequest<'a> {
    fn from(request: &'a http::Request<B>) -> Self {
        Self::new(request.method(), request.uri(), request.headers())
    }
}

/// Signs a request in its headers, and adds them. Secrets among them are marked as sensitive. A request without a `host`
/// header gets one from the authority of its URI, so that clients send the host that is signed.
///
/// # Errors
///
/// As for [`sign`](crate::sign()); [`SigV4Error::MalformedHeader`] for a session token that a header cannot have. The
/// request is then unchanged.
pub fn sign_http<B>(
    request: &mut http::Request<B>,
    signing: &Signing<'_>,
    body: &PayloadHash,
) -> Result<(), SigV4Error> {
    let added = sign(&HttpRequest::from(&*request).as_request(), signing, body)?;
    let mut headers = Vec::with_capacity(added.len() + 1);
    if let Some(host) = host(request.uri()).filter(|_| !request.headers().contains_key(HOST)) {
        let host = HeaderValue::try_from(host).map_err(|_| SigV4Error::MalformedHeader("host".to_owned()))?;
        headers.push((HOST, host));
    }
    for (name, value) in added {
        let mut value = HeaderValue::try_from(value).map_err(|_| SigV4Error::MalformedHeader(name.to_owned()))?;
        value.set_sensitive(name == AUTHORIZATION.as_str() || name == "x-amz-security-token");
        headers.push((HeaderName::from_static(name), value));
    }
    request.headers_mut().extend(headers);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, SigningKey, VerifyOptions, parse};

    const BODY: &[u8] = b"Action=ListUsers";

    fn signed(uri: &str, host: Option<&str>) -> http::Request<()> {
        let mut request = http::Request::post(uri).body(()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        let credentials = Credentials::new("AKIDLITTLEGREENFROG1", "secret").with_session_token("token");
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let signing = Signing::new(&credentials, "us-east-1", "iam", now);
        sign_http(&mut request, &signing, &PayloadHash::of(BODY)).unwrap();
        request
    }

    fn verifies(request: &http::Request<()>) -> bool {
        let request = HttpRequest::from(request);
        let view = request.as_request();
        let signed = parse(&view).unwrap().unwrap();
        let key = SigningKey::derive(b"secret", signed.scope());
        signed.verify(&key, signed.date(), &VerifyOptions::default(), Some(&PayloadHash::of(BODY))).is_ok()
    }

    #[test]
    fn a_signed_request_verifies_until_it_changes() {
        for (uri, host) in [
            ("https://iam.example.com/", None),
            ("https://iam.example.com/?Version=2010-05-08", None),
            ("https://iam.example.com/path/x", Some("iam.example.com")),
            ("/", Some("iam.example.com")),
        ] {
            let mut request = signed(uri, host);
            assert!(verifies(&request), "{uri}");
            assert!(request.headers()["authorization"].is_sensitive());
            assert!(request.headers()["x-amz-security-token"].is_sensitive());
            *request.method_mut() = http::Method::GET;
            assert!(!verifies(&request), "{uri}");
        }
    }

    #[test]
    fn a_request_with_two_hosts_is_refused() {
        let refused = |request: &http::Request<()>| {
            let request = HttpRequest::from(request);
            assert!(matches!(parse(&request.as_request()), Err(SigV4Error::RepeatedHeader("host"))));
        };
        let mut request = signed("/", Some("iam.example.com"));
        *request.uri_mut() = "https://sts.example.com/".parse().unwrap();
        refused(&request);
        let mut request = signed("https://iam.example.com/", None);
        request.headers_mut().insert("host", "sts.example.com".parse().unwrap());
        refused(&request);
    }

    #[test]
    fn the_signed_host_is_sent() {
        let request = signed("https://user@iam.example.com:8443/", None);
        assert_eq!(request.headers()["host"], "iam.example.com:8443");
        assert!(verifies(&request));
    }
}
