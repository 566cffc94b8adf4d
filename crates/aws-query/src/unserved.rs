//! Requests for AWS services that Bailiwick does not serve.
//!
//! With `AWS_ENDPOINT_URL` set, requests for every service arrive here, such as those of `aws s3 ls`. The answer is one
//! sentence in the protocol of the client.

use bailiwick_model::{ErrorCode, IamError};
use http::request::Parts;
use http::{HeaderMap, header};

use crate::codec::Protocol;
use crate::form;

/// Services in the scope of valid signatures: those of AWS that are served in Query, and gRPC's.
const SERVED: [&str; 3] = ["iam", "sts", "bailiwick"];
/// The service of AWS that is served in AWS JSON 1.1 alone, by another front end.
const SERVED_IN_JSON: &str = "cloudtrail";
/// Services whose errors have S3's format.
const S3: [&str; 4] = ["s3", "s3-object-lambda", "s3-outposts", "s3express"];
/// Other services with REST-XML; all others with paths use REST-JSON.
const REST_XML: [&str; 2] = ["cloudfront", "route53"];
/// The maximum length of a service name in a message.
const MAX_NAME: usize = 32;

/// A request for another service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unserved {
    /// The service in its signature's scope; none without a signature.
    service: Option<String>,
    pub(crate) protocol: Protocol,
}

impl Unserved {
    /// Recognizes a request for an AWS service that is not served, by its signature's scope or, if unsigned, by the
    /// headers of other protocols.
    pub(crate) fn find(head: &Parts) -> Option<Self> {
        let service = signed_for(head);
        let by_header = by_header(&head.headers);
        match &service {
            Some(service) if SERVED.contains(&service.as_str()) => None,
            Some(name) => {
                let protocol = by_header.unwrap_or_else(|| by_service(name, head));
                Some(Unserved { service, protocol })
            }
            None => by_header.map(|protocol| Unserved { service: None, protocol }),
        }
    }

    /// Returns the error for such a request.
    pub(crate) fn error(&self) -> IamError {
        let service = self.service.as_ref().map_or("another service".to_owned(), |name| format!("`{name}`"));
        let message = match self.service.as_deref() {
            Some(SERVED_IN_JSON) => "Bailiwick serves `cloudtrail` in AWS JSON 1.1 alone: send the operation in \
                                     `X-Amz-Target`, in the form CloudTrail_20131101.LookupEvents"
                .to_owned(),
            _ => format!(
                "Bailiwick serves IAM, STS and a part of CloudTrail, and this request is for {service}: set \
                 AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_CLOUDTRAIL instead of \
                 AWS_ENDPOINT_URL, which sends the requests of every service here"
            ),
        };
        IamError::new(ErrorCode::InvalidAction, message)
    }
}

/// Returns the service in the scope of a signature, without verifying it.
fn signed_for(head: &Parts) -> Option<String> {
    let line = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_header = line.and_then(|line| line.split([' ', ',']).find_map(|part| part.strip_prefix("Credential=")));
    if let Some(credential) = in_header {
        return service_of(credential);
    }
    let pairs = form::parse(head.uri.query()?.as_bytes()).ok()?;
    pairs.iter().find(|(name, _)| name == "X-Amz-Credential").and_then(|(_, value)| service_of(value))
}

/// Returns the service of `keyid/date/region/service/aws4_request`, if it looks like a service name: a client may have
/// put a secret there.
fn service_of(credential: &str) -> Option<String> {
    let mut parts = credential.rsplit('/');
    let (terminator, service) = (parts.next()?, parts.next()?);
    let is_name = |text: &str| {
        (1..=MAX_NAME).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_dated = parts.take(2).any(|part| part.len() == 8 && part.bytes().all(|b| b.is_ascii_digit()));
    (terminator == "aws4_request" && is_name(service) && is_dated).then(|| service.to_owned())
}

/// Returns the protocol that a header implies.
fn by_header(headers: &HeaderMap) -> Option<Protocol> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = text("content-type").split(';').next().unwrap_or_default().trim();
    match media {
        _ if text("smithy-protocol") == "rpc-v2-cbor" => Some(Protocol::Cbor),
        "application/x-amz-json-1.0" => Some(Protocol::Json10),
        "application/x-amz-json-1.1" => Some(Protocol::Json11),
        _ if headers.contains_key("x-amz-target") => Some(Protocol::Json11),
        _ => None,
    }
}

/// Returns the protocol of a service, if the request does not determine it.
fn by_service(service: &str, head: &Parts) -> Protocol {
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = media.starts_with("application/x-www-form-urlencoded");
    match service {
        "ec2" => Protocol::Ec2,
        _ if S3.contains(&service) => Protocol::S3,
        _ if is_form || REST_XML.contains(&service) => Protocol::Xml,
        _ if head.uri.query().is_some_and(|query| query.starts_with("Action=")) => Protocol::Xml,
        _ => Protocol::RestJson,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(target: &str, headers: &[(&str, &str)], expected: Option<(Option<&str>, Protocol)>) {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let found = Unserved::find(&head);
        let expected = expected.map(|(service, protocol)| Unserved { service: service.map(str::to_owned), protocol });
        assert_eq!(found, expected, "{target} {headers:?}");
    }

    #[test]
    fn services_are_found_by_scope_and_headers() {
        let for_service = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
            )
        };
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let signed = |service: &str| ("authorization", for_service(service));
        for (service, target, more, protocol) in [
            ("s3", "/", ("accept", "*/*"), Protocol::S3),
            ("s3express", "/bucket/key?x=1", ("accept", "*/*"), Protocol::S3),
            ("ec2", "/", form, Protocol::Ec2),
            ("sns", "/", form, Protocol::Xml),
            ("sns", "/?Action=ListTopics&Version=2010-03-31", ("accept", "*/*"), Protocol::Xml),
            ("route53", "/2013-04-01/hostedzone", ("accept", "*/*"), Protocol::Xml),
            ("lambda", "/2015-03-31/functions/", ("accept", "*/*"), Protocol::RestJson),
            ("dynamodb", "/", ("content-type", "application/x-amz-json-1.0"), Protocol::Json10),
            ("kms", "/", ("content-type", "application/x-amz-json-1.1"), Protocol::Json11),
            ("monitoring", "/service/X/operation/ListMetrics", ("smithy-protocol", "rpc-v2-cbor"), Protocol::Cbor),
        ] {
            let (name, value) = signed(service);
            check(target, &[(name, &value), more], Some((Some(service), protocol)));
        }
        let presigned = "/bucket?X-Amz-Credential=AKID%2F20260301%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0";
        check(presigned, &[], Some((Some("s3"), Protocol::S3)));
        let asymmetric =
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260301/s3/aws4_request,SignedHeaders=host,Signature=0";
        check("/", &[("authorization", asymmetric)], Some((Some("s3"), Protocol::S3)));
        let unsigned = ("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth");
        check("/", &[unsigned], Some((None, Protocol::Json11)));
        for service in SERVED {
            let (name, value) = signed(service);
            check("/", &[(name, &value), unsigned], None);
        }
        check("/", &[form], None);
    }

    /// A secret in the place of the key id can have slashes; its parts are not taken as a service.
    #[test]
    fn only_service_names_are_taken_as_a_service() {
        for credential in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AKID/20260301/eu-west-1/K7MDENG/aws4_request",
            "AKID/eu-west-1/eu/s3/aws4_request",
            "AKID/20260301/eu-west-1/s3/aws4",
            "AKID/20260301/eu-west-1/abcdefghijklmnopqrstuvwxyz0123456789/aws4_request",
            "",
        ] {
            let line = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
            check("/", &[("authorization", &line)], None);
        }
    }
}
