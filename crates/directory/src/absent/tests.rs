use std::collections::BTreeSet;

use bailiwick_api::op;
use serde_json::json;

use super::absent_operations;
use crate::testing::World;

const ROLE: &str = "arn:aws:iam::111122223333:role/Runner";

/// Asserts that a call has one check, and its response or error.
macro_rules! check {
    ($world:ident, $seen:ident, $op:ident, $request:tt, $on:expr, Ok $answer:tt) => {
        let needed = format!(concat!("iam:", stringify!($op), " {}"), $on);
        $world.needs::<op::$op>(json!($request), &[&needed]).await;
        assert_eq!($world.ok::<op::$op>(json!($request)).await, json!($answer), stringify!($op));
        $seen.insert(stringify!($op));
    };
    ($world:ident, $seen:ident, $op:ident, $request:tt, $on:expr, $error:expr) => {
        let needed = format!(concat!("iam:", stringify!($op), " {}"), $on);
        $world.needs::<op::$op>(json!($request), &[&needed]).await;
        $world.fails::<op::$op>(json!($request), &$error).await;
        $seen.insert(stringify!($op));
    };
}

async fn world() -> World {
    let w = World::new().await;
    w.role("Runner").await;
    w
}

#[tokio::test]
async fn every_absent_operation_checks_its_permission_and_finds_nothing() {
    let w = world().await;
    let mut seen = BTreeSet::new();
    let no = |text: &str| format!("NoSuchEntity: {text}");
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let tagged = |arn: &str| format!("{arn} aws:RequestTag/a=b aws:TagKeys=[a]");
    let untagged = |arn: &str| format!("{arn} aws:TagKeys=[a]");

    let (arn, server) = (
        "arn:aws:iam::111122223333:server-certificate/Tls",
        no("The Server Certificate with name Tls cannot be found."),
    );
    check!(w, seen, ListServerCertificates, {}, "*", Ok {"IsTruncated": false});
    check!(w, seen, GetServerCertificate, {"ServerCertificateName": "Tls"}, arn, server);
    check!(w, seen, UpdateServerCertificate, {"ServerCertificateName": "Tls", "NewPath": "/a/"}, arn, server);
    check!(w, seen, DeleteServerCertificate, {"ServerCertificateName": "Tls"}, arn, server);
    check!(w, seen, ListServerCertificateTags, {"ServerCertificateName": "Tls"}, arn, server);
    check!(w, seen, TagServerCertificate, {"ServerCertificateName": "Tls", "Tags": tags}, tagged(arn), server);
    check!(w, seen, UntagServerCertificate, {"ServerCertificateName": "Tls", "TagKeys": ["a"]}, untagged(arn), server);

    assert_eq!(seen, absent_operations().collect(), "every operation is checked here");
}

#[tokio::test]
async fn malformed_names_and_arns_are_refused() {
    let w = world().await;
    w.fails::<op::ListInstanceProfiles>(json!({"Marker": "x"}), "ValidationError: Invalid Marker.").await;
    for (arn, expected) in [
        ("not-an-arn-but-long-enough", "ValidationError: Invalid ARN:  Could not be parsed!".to_owned()),
        (ROLE, format!("InvalidInput: ARN {ROLE} is not valid.")),
        (
            "arn:aws:iam::111122223333:saml-provider/",
            "InvalidInput: ARN arn:aws:iam::111122223333:saml-provider/ is not valid.".into(),
        ),
        (
            "arn:aws-cn:iam::111122223333:saml-provider/A",
            "InvalidInput: ARN arn:aws-cn:iam::111122223333:saml-provider/A is not valid.".into(),
        ),
    ] {
        w.fails::<op::GetSAMLProvider>(json!({"SAMLProviderArn": arn}), &expected).await;
    }
    // Another account's is decided as another account's.
    let theirs = "arn:aws:iam::444455556666:saml-provider/Okta";
    let needed = format!("iam:GetSAMLProvider {theirs} of 444455556666");
    w.needs::<op::GetSAMLProvider>(json!({"SAMLProviderArn": theirs}), &[&needed]).await;
}
