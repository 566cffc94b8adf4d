//! Errors in the protocols of services that are not served here, so that their clients can show them.

use bailiwick_model::IamError;

use super::render::Render as _;
use super::xml::Xml;
use super::{Encoded, xml};

/// A protocol of AWS's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// JSON 1.0: DynamoDB, SQS.
    Json10,
    /// JSON 1.1: KMS, Secrets Manager, CloudWatch Logs.
    Json11,
    /// JSON with paths: Lambda, EKS.
    RestJson,
    /// Smithy's RPC with CBOR: CloudWatch.
    Cbor,
    /// Query, and XML with paths: SNS, RDS, Route 53.
    Xml,
    /// S3's XML, in which errors have no envelope.
    S3,
    /// EC2's Query.
    Ec2,
}

impl Protocol {
    /// An additional header of the protocol's errors.
    pub fn header(self, error: &IamError) -> Option<(&'static str, &'static str)> {
        match self {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => Some(("x-amzn-errortype", error.code().wire())),
            Protocol::Cbor => Some(("smithy-protocol", "rpc-v2-cbor")),
            Protocol::Xml | Protocol::S3 | Protocol::Ec2 => None,
        }
    }

    /// Formats an error in the protocol.
    pub fn encode(self, error: &IamError, request_id: &str) -> Encoded {
        let (code, message) = (error.code().wire(), error.message());
        let (content_type, body) = match self {
            Protocol::Json10 => ("application/x-amz-json-1.0", json(code, message)),
            Protocol::Json11 => ("application/x-amz-json-1.1", json(code, message)),
            Protocol::RestJson => ("application/json", json(code, message)),
            Protocol::Cbor => ("application/cbor", cbor(&[("__type", code), ("message", message)])),
            Protocol::Xml => (xml::CONTENT_TYPE, xml(&["ErrorResponse", "Error"], code, message, request_id)),
            Protocol::S3 => ("application/xml", xml(&["Error"], code, message, request_id)),
            Protocol::Ec2 => (xml::CONTENT_TYPE, xml(&["Response", "Errors", "Error"], code, message, request_id)),
        };
        Encoded { content_type, body }
    }
}

fn json(code: &str, message: &str) -> Vec<u8> {
    serde_json::json!({ "__type": code, "message": message }).to_string().into_bytes()
}

/// A map of texts.
fn cbor(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let head = |out: &mut Vec<u8>, kind: u8, length: usize| match u16::try_from(length) {
        Ok(length @ 0..24) => out.push(kind << 5 | length as u8),
        Ok(length) => {
            out.push(kind << 5 | 25);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            out.push(kind << 5 | 27);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    };
    head(&mut out, 5, members.len());
    for text in members.iter().flat_map(|(name, value)| [name, value]) {
        head(&mut out, 3, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Formats the error as XML. The request id is inside S3's error, and after that of other services.
fn xml(around: &[&str], code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let mut out = Xml::default();
    around.iter().for_each(|name| out.begin(name));
    if around.len() == 2 {
        out.text("Type", "Sender");
    }
    out.text("Code", code);
    out.text("Message", message);
    let mut names = around.iter().rev();
    match around {
        [_] => out.text("RequestId", request_id),
        [_, _] => {
            names.by_ref().take(1).for_each(|name| out.end(name));
            out.text("RequestId", request_id);
        }
        _ => {
            names.by_ref().take(2).for_each(|name| out.end(name));
            out.text("RequestID", request_id);
        }
    }
    names.for_each(|name| out.end(name));
    out.into_body()
}

#[cfg(test)]
mod tests {
    use bailiwick_model::ErrorCode;
    use expect_test::{Expect, expect};

    use super::*;

    fn check(protocol: Protocol, expected: &Expect) {
        let error = IamError::new(ErrorCode::InvalidAction, "not <here>");
        let encoded = protocol.encode(&error, "id-1");
        let header = protocol.header(&error).map(|(name, value)| format!("{name}: {value}\n")).unwrap_or_default();
        expected.assert_eq(&format!("{}\n{header}{}", encoded.content_type, encoded.body.escape_ascii()));
    }

    #[test]
    fn errors_in_every_protocol() {
        for (protocol, expected) in [
            (
                Protocol::Json10,
                expect![[r#"
                application/x-amz-json-1.0
                x-amzn-errortype: InvalidAction
                {\"__type\":\"InvalidAction\",\"message\":\"not <here>\"}"#]],
            ),
            (
                Protocol::Json11,
                expect![[r#"
                application/x-amz-json-1.1
                x-amzn-errortype: InvalidAction
                {\"__type\":\"InvalidAction\",\"message\":\"not <here>\"}"#]],
            ),
            (
                Protocol::RestJson,
                expect![[r#"
                application/json
                x-amzn-errortype: InvalidAction
                {\"__type\":\"InvalidAction\",\"message\":\"not <here>\"}"#]],
            ),
            (
                Protocol::Cbor,
                expect![[r#"
                application/cbor
                smithy-protocol: rpc-v2-cbor
                \xa2f__typemInvalidActiongmessagejnot <here>"#]],
            ),
            (
                Protocol::Xml,
                expect![[r#"
                text/xml
                <ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>not &lt;here&gt;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"#]],
            ),
            (
                Protocol::S3,
                expect![[r#"
                application/xml
                <Error><Code>InvalidAction</Code><Message>not &lt;here&gt;</Message><RequestId>id-1</RequestId></Error>"#]],
            ),
            (
                Protocol::Ec2,
                expect![[r#"
                text/xml
                <Response><Errors><Error><Code>InvalidAction</Code><Message>not &lt;here&gt;</Message></Error></Errors><RequestID>id-1</RequestID></Response>"#]],
            ),
        ] {
            check(protocol, &expected);
        }
    }
}
