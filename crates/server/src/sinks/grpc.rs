//! Calls to one endpoint over gRPC: one message each way.

use bailiwick_audit::DeliveryError;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

use super::endpoint::Endpoint;
use super::http::{Answer, HttpClient, HttpVersion};

/// The length of a message's prefix: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// How much of the reason of a refusal is shown, in characters.
const SHOWN: usize = 200;

/// A client of one endpoint.
pub(crate) struct GrpcClient(HttpClient);

impl GrpcClient {
    /// Reads the files that the endpoint names.
    ///
    /// # Errors
    /// If one can't be used.
    pub(crate) fn new(endpoint: Endpoint) -> Result<Self, String> {
        HttpClient::with_version(endpoint, HttpVersion::Two).map(GrpcClient)
    }

    /// Calls a method, by its path, with a message, and returns that of a successful answer.
    pub(crate) async fn call(&mut self, method: &'static str, message: &[u8]) -> Result<Bytes, DeliveryError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let answer = self.0.exchange(method, headers, framed(message)?).await?;
        read(answer).map_err(|why| DeliveryError::new(format!("{} {why}", self.0.shown())))
    }
}

/// A message with its prefix.
fn framed(message: &[u8]) -> Result<Bytes, DeliveryError> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).map_err(DeliveryError::new)?);
    framed.extend_from_slice(message);
    Ok(framed.freeze())
}

/// The message of an answer, or why there is none.
fn read(answer: Answer) -> Result<Bytes, String> {
    let Answer { headers, body } = answer;
    // A refusal has its status in the headers, if it has no trailers.
    let trailers = body.trailers().unwrap_or(&headers);
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status").ok_or("answered without a gRPC status")? {
        "0" => {}
        status => {
            let why = percent_decode_str(text("grpc-message").unwrap_or("no reason")).decode_utf8_lossy();
            let why: String = why.chars().take(SHOWN).flat_map(char::escape_debug).collect();
            return Err(format!("answered with the gRPC status {}: {why}", status.escape_debug()));
        }
    }
    let mut bytes = body.to_bytes();
    if bytes.len() < PREFIX {
        return Err("answered without a message".to_owned());
    }
    let (is_compressed, len) = (bytes.get_u8() != 0, bytes.get_u32());
    if is_compressed || usize::try_from(len) != Ok(bytes.len()) {
        return Err("answered with something else than one message".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::combinators::BoxBody;
    use http_body_util::{BodyExt as _, Full};

    /// What an answer with these headers or trailers and this body is read as.
    async fn check(
        headers: &[(&'static str, &'static str)],
        trailers: Option<&[(&'static str, &'static str)]>,
        body: &'static [u8],
    ) -> Result<Bytes, String> {
        let map = |of: &[(&'static str, &'static str)]| {
            of.iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
                .collect::<HeaderMap>()
        };
        let full = Full::new(Bytes::from_static(body));
        let sent: BoxBody<Bytes, std::convert::Infallible> = match trailers.map(map) {
            Some(trailers) => full.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed(),
            None => full.boxed(),
        };
        read(Answer { headers: map(headers), body: sent.collect().await.unwrap() })
    }

    #[tokio::test]
    async fn answers_are_one_message_and_a_status() {
        let fine: Option<&[(&str, &str)]> = Some(&[("grpc-status", "0")]);
        assert_eq!(check(&[], fine, b"\0\0\0\0\x02ab").await.as_deref(), Ok(&b"ab"[..]));
        assert_eq!(check(&[], fine, b"\0\0\0\0\0").await.as_deref(), Ok(&b""[..]));
        for body in [&b"\0\0\0\0\x03ab"[..], b"\0\0\0\0\x01ab", b"\x01\0\0\0\x02ab", b"\0\0\0", b""] {
            assert!(check(&[], fine, body).await.is_err(), "{body:?}");
        }
        assert_eq!(check(&[], None, b"\0\0\0\0\0").await, Err("answered without a gRPC status".to_owned()));
        let refusal: &[(&str, &str)] = &[("grpc-status", "14"), ("grpc-message", "later%0Aor not")];
        let expected = Err("answered with the gRPC status 14: later\\nor not".to_owned());
        assert_eq!(check(refusal, None, b"").await, expected);
        assert_eq!(check(&[], Some(refusal), b"\0\0\0\0\0").await, expected);
    }
}
