//! The document of an error. It is XML even if the client accepts JSON, because SDKs read nothing else.

use bailiwick_model::{Fault, IamError};

use super::Encoded;
use super::render::Render as _;
use super::table::SERVICES;
use super::xml::{CONTENT_TYPE, Xml};

/// An error as the service with that prefix writes it.
pub fn encode_error(service: &str, error: &IamError, request_id: &str) -> Encoded {
    let service = SERVICES.iter().find(|s| s.prefix == service).unwrap_or(&SERVICES[0]);
    let mut out = Xml::default();
    out.raw(&["<ErrorResponse xmlns=\"", service.namespace, "\">"]);
    out.begin("Error");
    out.text("Type", if error.code().fault() == Fault::Sender { "Sender" } else { "Receiver" });
    out.text("Code", error.code().wire());
    if !error.is_silent_in_query() {
        out.text("Message", error.message());
    }
    out.end("Error");
    out.text("RequestId", request_id);
    out.raw(&["</ErrorResponse>"]);
    Encoded { content_type: CONTENT_TYPE, body: out.into_body() }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::ErrorCode;

    use super::*;

    #[test]
    fn an_error_that_aws_does_not_explain_has_no_message() {
        let error = IamError::new(ErrorCode::ReportNotPresent, "there is none");
        let shown = |error: &IamError| String::from_utf8(encode_error("iam", error, "id").body).unwrap();
        assert!(shown(&error).contains("<Code>ReportNotPresent</Code><Message>there is none</Message></Error>"));
        let silent = error.silent_in_query();
        assert!(shown(&silent).contains("<Code>ReportNotPresent</Code></Error>"), "{}", shown(&silent));
    }
}
