//! The credential rules of an account hold at each decision, and their automatic changes are on record, once each.

use bailiwick_api::{account, iam, op, sts};
use bailiwick_testing::{Client, MAIN, code};

use super::TestEnv;

const DAY: i64 = 86_400;

impl TestEnv {
    async fn max_age(&self, days: i32, exempt_tag: Option<&str>) {
        let rules = account::CredentialRules {
            access_key_max_age_days: Some(days),
            warning_days: Some(1),
            exempt_tag: exempt_tag.map(str::to_owned),
            ..account::CredentialRules::default()
        };
        let request = account::PutCredentialRulesRequest { rules: Some(rules) };
        self.call::<op::PutCredentialRules>(&self.root, request).await.unwrap();
    }

    async fn outcome(&self, by: &Client) -> &'static str {
        code(&self.call::<op::GetCallerIdentity>(by, sts::GetCallerIdentityRequest {}).await)
    }
}

#[tokio::test]
async fn an_expired_key_is_refused_before_it_is_deactivated() {
    let env = TestEnv::new().await;
    let ann = env.user(&env.root, "ann").await;
    env.max_age(2, None).await;
    env.clock.advance(2 * DAY - 600);
    let session = Client::Key(env.session_token(&ann).await);
    let bearer = Client::Bearer(env.bearer(&ann).await);
    env.clock.advance(599);
    for client in [&ann, &session, &bearer] {
        assert_eq!(env.outcome(client).await, "OK");
    }
    env.clock.advance(1);
    // On the view of the calls before, by their cached proofs; then on another view.
    for other in ["bob", "cid"] {
        for client in [&ann, &session, &bearer] {
            assert_eq!(env.outcome(client).await, "InvalidClientTokenId");
        }
        assert_eq!(env.outcome(&env.root).await, "OK");
        env.user(&env.root, other).await;
    }
    // Other rules hold for a key that is cached.
    env.max_age(3, None).await;
    assert_eq!(env.outcome(&ann).await, "OK");
}

#[tokio::test]
async fn an_exempt_user_is_so_as_long_as_the_tag_is_there() {
    let env = TestEnv::new().await;
    let ann = env.user(&env.root, "ann").await;
    env.max_age(1, Some("robot")).await;
    let tags = vec![iam::Tag { key: Some("Robot".into()), value: Some("yes".into()) }];
    let request = iam::TagUserRequest { user_name: Some("ann".into()), tags };
    env.call::<op::TagUser>(&env.root, request).await.unwrap();
    env.clock.advance(10 * DAY);
    assert_eq!(env.outcome(&ann).await, "OK");
    let request = iam::UntagUserRequest { user_name: Some("ann".into()), tag_keys: vec!["robot".into()] };
    env.call::<op::UntagUser>(&env.root, request).await.unwrap();
    assert_eq!(env.outcome(&ann).await, "InvalidClientTokenId");
}

#[tokio::test]
async fn each_automatic_change_is_on_record_once() {
    let env = TestEnv::new().await;
    env.user(&env.root, "ann").await;
    env.max_age(2, None).await;
    env.clock.advance(DAY);
    for after in [DAY, 10 * DAY] {
        // Two servers at the same time, and once more.
        let (one, other) = tokio::join!(env.service.apply_credential_rules(), env.service.apply_credential_rules());
        one.and(other).unwrap();
        env.service.apply_credential_rules().await.unwrap();
        env.clock.advance(after);
    }
    let request = iam::ListAccessKeysRequest { user_name: Some("ann".into()), ..Default::default() };
    let keys = env.call::<op::ListAccessKeys>(&env.root, request).await.unwrap().access_key_metadata;
    assert_eq!(keys[0].status.as_deref(), Some("Inactive"));
    env.service.close().await;
    let segments = env.segments();
    for event in ["WarnOfCredentialEnd", "DisableCredential"] {
        let records = segments.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let records: Vec<_> = records.filter(|record| record["eventName"] == event).collect();
        assert_eq!(records.len(), 1, "{records:?}");
        let record = &records[0];
        assert_eq!(record["userIdentity"]["type"], "AWSService");
        assert_eq!(record["recipientAccountId"], MAIN);
        assert_eq!(record["requestParameters"]["userName"], "ann");
        assert_eq!(record["requestParameters"]["reason"], "MaximumAge");
        assert_eq!(record["resources"][0]["ARN"], format!("arn:aws:iam::{MAIN}:user/ann"));
    }
}

/// A key that has expired lets no administrator in, also before it is deactivated.
#[tokio::test]
async fn an_administrator_with_an_expired_key_is_none_that_is_left() {
    let env = TestEnv::new().await;
    env.user(&env.root, "ann").await;
    env.max_age(2, None).await;
    env.clock.advance(DAY);
    let bob = env.user(&env.root, "bob").await;
    let delete =
        |by: &Client| iam::DeleteAccessKeyRequest { user_name: None, access_key_id: Some(by.key().id.to_string()) };
    env.call::<op::DeleteAccessKey>(&env.root, delete(&env.root)).await.unwrap();
    env.clock.advance(DAY);
    assert_eq!(code(&env.call::<op::DeleteAccessKey>(&bob, delete(&bob)).await), "UnmodifiableEntity");
}
