//! The `date` header of answers over HTTP/2.
//!
//! AWS's SDKs correct their clocks by it, and no gRPC client reads it. It changes every second, so on a connection that
//! lasts it would fill the table of repeated headers, through which each answer is searched: 5,000 instructions of a
//! decision after half a minute. The HTTP library sets it on answers over HTTP/1.

use bailiwick_grpc::Front;
use http::header::{DATE, Entry};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Adds the header to the headers of an answer, unless a gRPC client gets it or it is there.
pub(super) fn add(headers: &mut HeaderMap, now: Timestamp) {
    if Front::takes(headers) {
        return;
    }
    if let Entry::Vacant(date) = headers.entry(DATE)
        && let Ok(text) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now)
        && let Ok(value) = HeaderValue::try_from(text)
    {
        date.insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;

    fn date_of(content_type: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        add(&mut headers, Timestamp::from_second(1_700_000_000).unwrap());
        headers.remove(DATE)
    }

    #[test]
    fn answers_of_aws_have_a_date_and_those_of_grpc_have_none() {
        assert_eq!(date_of("text/xml").unwrap(), "Tue, 14 Nov 2023 22:13:20 GMT");
        for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web+proto"] {
            assert_eq!(date_of(content_type), None, "{content_type}");
        }
    }
}
