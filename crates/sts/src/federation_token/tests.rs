use bailiwick_operation::Caller;
use bailiwick_testing::HandlerTest;
use serde_json::json;

use super::*;
use crate::session_token::tests::opened;
use crate::testing::{root, session, time, user, world};

fn ask() -> serde_json::Value {
    json!({
        "Name": "guest",
        "Policy": r#"{ "Statement": [{ "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" }] }"#,
        "Tags": [{"Key": "team", "Value": "reeds"}],
        "DurationSeconds": 3600,
    })
}

#[tokio::test]
async fn a_federated_user_has_its_issuer_policies_and_tags() {
    let test = HandlerTest::new(world().await, Sts, user());
    let Principal::User { id, name, path, .. } = user().principal else { panic!("a user") };
    for (caller, issuer) in [(user(), Some(FederationIssuer { id, name, path })), (root(), None)] {
        let answer = test.as_caller(caller.clone()).ok::<op::GetFederationToken>(ask()).await;
        assert_eq!(
            answer["FederatedUser"],
            json!({
                "FederatedUserId": "111122223333:guest",
                "Arn": "arn:aws:sts::111122223333:federated-user/guest",
            })
        );
        assert_eq!(answer["PackedPolicySize"], json!(3));
        let Caller { principal, session, mfa, .. } = opened(&test, &answer);
        let session = session.unwrap();
        let Principal::FederatedUser { issuer: found, .. } = principal else { panic!("{principal:?}") };
        assert_eq!((found, mfa), (issuer, None));
        assert_eq!((session.kind, session.expires), (SessionKind::FederationToken, time("13:00:00")));
        assert_eq!(session.policies, [r#"{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#]);
        assert_eq!(session.tags.get("team"), Some("reeds"));
        assert_eq!(session.parent_key.as_ref(), Some(caller.access_key_id().unwrap()));
    }
    // Root's sessions last an hour at most.
    let long = json!({"Name": "guest", "DurationSeconds": 129_600});
    let answer = test.as_caller(root()).ok::<op::GetFederationToken>(long).await;
    assert_eq!(answer["PackedPolicySize"], json!(0), "a session without policies and tags");
    assert_eq!(opened(&test, &answer).session.unwrap().expires, time("13:00:00"));
}

#[tokio::test]
async fn checks_name_the_federated_user() {
    let test = HandlerTest::new(world().await, Sts, user());
    let arn = "arn:aws:sts::111122223333:federated-user/guest";
    let tags = "aws:RequestTag/team=reeds aws:TagKeys=[team]";
    test.needs::<op::GetFederationToken>(
        ask(),
        &[&format!("sts:GetFederationToken {arn} {tags}"), &format!("sts:TagSession {arn} {tags}")],
    )
    .await;
    let plain = [format!("sts:GetFederationToken {arn}")];
    test.needs::<op::GetFederationToken>(json!({"Name": "guest"}), &[&plain[0]]).await;
}

#[tokio::test]
async fn requests_are_refused() {
    let test = HandlerTest::new(world().await, Sts, user());
    for (change, code) in [
        (json!({"Name": "g"}), "ValidationError"),
        (json!({"Name": "a".repeat(33)}), "ValidationError"),
        (json!({"Name": "a/b"}), "ValidationError"),
        (json!({"DurationSeconds": 899}), "ValidationError"),
        (json!({"DurationSeconds": 129_601}), "ValidationError"),
        (json!({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Missing"}]}), "ValidationError"),
        (json!({"PolicyArns": [{"arn": "arn:aws:iam::444455556666:policy/Foreign"}]}), "ValidationError"),
        (
            json!({"Tags": [{"Key": "k", "Value": "v".repeat(256)}, {"Key": "l", "Value": "v".repeat(256)}]}),
            "PackedPolicyTooLarge",
        ),
    ] {
        let mut request = ask();
        change.as_object().unwrap().iter().for_each(|(key, value)| request[key] = value.clone());
        let error = test.call::<op::GetFederationToken>(request).await.unwrap_err();
        assert_eq!(error.code().wire(), code, "{change}");
    }
    let words = "AccessDenied: Cannot call GetFederationToken with session credentials";
    test.as_caller(session(&[], &[], None)).fails::<op::GetFederationToken>(json!({"Name": "guest"}), words).await;
}
