use http::Request;

use super::*;

const CLOUDTRAIL: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

/// The protocol, and the operation or the start of the error's message.
fn find(method: Method, uri: &str, headers: &[(&str, &str)]) -> (Option<Protocol>, String) {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let protocol = Protocol::of(&head.uri, &head.headers);
    let found = protocol.map(|protocol| match protocol.target(&head) {
        Ok(target) => target.operation.name.to_owned(),
        Err(error) => error.message().to_owned(),
    });
    (protocol, found.unwrap_or_default())
}

#[test]
fn operations_are_found_by_target() {
    let post = |target: &str| find(Method::POST, "/", &[JSON, ("x-amz-target", target)]);
    let json = |found: &str| (Some(Protocol::Json11), found.to_owned());
    assert_eq!(post(&format!("{CLOUDTRAIL}.LookupEvents")), json("LookupEvents"));
    // The short form of SDKs that are generated from Smithy's models.
    assert_eq!(post("CloudTrail_20131101.GetTrail"), json("GetTrail"));
    let unknown = "the operation `StopLogging` is not served; those of this service are DescribeTrails, \
                   GetEventSelectors, GetTrail, GetTrailStatus, ListTrails, LookupEvents";
    assert_eq!(post("CloudTrail_20131101.StopLogging"), json(unknown));
    assert!(post("CloudTrail_20131101.<b>").1.starts_with("the operation is not served"));
    for other in ["DynamoDB_20120810.ListTables", "LookupEvents", "com.CloudTrail_20131101.GetTrail", ""] {
        assert_eq!(post(other), (None, String::new()), "{other}");
    }
}

#[test]
fn operations_are_found_by_method_and_path() {
    let rest = |found: &str| (Some(Protocol::RestJson), found.to_owned());
    let at = "/authorization-details/0a";
    assert_eq!(find(Method::GET, at, &[]), rest("GetRequestAuthorizationDetails"));
    assert_eq!(find(Method::GET, &format!("{at}/policy?policyUri=x"), &[]), rest("GetRequestAuthorizationPolicy"));
    // A target does not make it another request.
    let target = ("x-amz-target", "CloudTrail_20131101.GetTrail");
    assert_eq!(find(Method::GET, at, &[JSON, target]), rest("GetRequestAuthorizationDetails"));
    let served = "there is no such operation; those with paths are GET /authorization-details/{authorizationId}, \
                  GET /authorization-details/{authorizationId}/policy";
    for (method, path) in [
        (Method::POST, at),
        (Method::HEAD, at),
        (Method::GET, "/authorization-details/0a/Policy"),
        (Method::GET, "/authorization-details/"),
    ] {
        assert_eq!(find(method, path, &[]), rest(served), "{path}");
    }
    assert_eq!(find(Method::GET, "/Authorization-Details/0a", &[]).0, None);
}

#[test]
fn what_is_not_a_request_of_the_protocol_is_refused() {
    let target = ("x-amz-target", "CloudTrail_20131101.GetTrail");
    let check = |method: Method, uri: &str, headers: &[(&str, &str)], expected: &str| {
        let (protocol, found) = find(method, uri, headers);
        assert_eq!(protocol, Some(Protocol::Json11));
        assert!(found.starts_with(expected), "{headers:?}: {found}");
    };
    check(Method::GET, "/", &[JSON, target], "an operation of AWS JSON 1.1 is a POST");
    check(Method::POST, "/x", &[JSON, target], "an operation of AWS JSON 1.1 is a POST");
    let content = "the header `Content-Type` must be application/x-amz-json-1.1";
    check(Method::POST, "/", &[target], content);
    check(Method::POST, "/", &[("content-type", "application/x-amz-json-1.0"), target], content);
    check(Method::POST, "/", &[("content-type", "application/x-amz-json-1.1; charset=latin1"), target], content);
    check(Method::POST, "/", &[JSON, JSON, target], content);
    check(Method::POST, "/", &[("content-type", "Application/X-Amz-JSON-1.1; charset=UTF-8"), target], "GetTrail");
    check(Method::POST, "/", &[JSON, target, ("content-encoding", "gzip")], "the body must not be compressed");
    check(Method::POST, "/", &[JSON, target, target], "the header `X-Amz-Target` must occur once");
    let other = ("x-amz-target", "DynamoDB_20120810.ListTables");
    check(Method::POST, "/", &[JSON, other, target], "the header `X-Amz-Target` must occur once");
}

#[test]
fn percent_signs_are_decoded_strictly() {
    for (text, expected) in
        [("a%20b%2F%C3%A9+", Some("a b/é+")), ("%", None), ("%2", None), ("%zz", None), ("%ff", None), ("a%C3", None)]
    {
        assert_eq!(decode(text).ok().as_deref(), expected, "{text}");
    }
}
