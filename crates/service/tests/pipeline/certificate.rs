//! Callers that are proved by a client certificate.

use std::sync::Arc;

use bailiwick_api::{iam, op, signin, sts};
use bailiwick_model::UniqueId;
use bailiwick_operation::Clock as _;
use bailiwick_service::PeerCertificate;
use bailiwick_testing::{ALLOW_ALL, Client, MAIN, assume_role, code};
use jiff::SignedDuration;

use super::TestEnv;

impl TestEnv {
    pub(super) async fn id_of(&self, user: &str) -> UniqueId {
        let req = iam::GetUserRequest { user_name: Some(user.into()) };
        let found = self.call::<op::GetUser>(&self.root, req).await.unwrap().user.unwrap();
        UniqueId::parse(&found.user_id.unwrap()).unwrap()
    }

    /// A certificate that is mapped to these users, and valid for an hour.
    pub(super) async fn certificate_of(&self, users: &[&str]) -> Arc<PeerCertificate> {
        let mut mapped = Vec::new();
        for user in users {
            mapped.push((format!("spiffe://example.com/{user}"), self.id_of(user).await));
        }
        let now = self.clock.now();
        Arc::new(PeerCertificate {
            serial_number: "0a".into(),
            sha256: [7; 32],
            not_before: now - SignedDuration::from_hours(1),
            not_after: now + SignedDuration::from_hours(1),
            users: mapped,
        })
    }

    async fn who(&self, client: &Client) -> Result<String, String> {
        let answer = self.call::<op::GetCallerIdentity>(client, sts::GetCallerIdentityRequest::default()).await;
        answer.map(|identity| identity.arn.unwrap()).map_err(|error| error.code().wire().to_owned())
    }
}

#[tokio::test]
async fn a_certificate_proves_the_one_user_that_it_is_mapped_to() {
    let env = TestEnv::new().await;
    env.user(&env.root, "Heron").await;
    env.user(&env.root, "Egret").await;
    for (users, expected) in [
        (&["Heron"][..], Ok(format!("arn:aws:iam::{MAIN}:user/Heron"))),
        (&["Egret"][..], Ok(format!("arn:aws:iam::{MAIN}:user/Egret"))),
        (&[], Err("InvalidClientTokenId".to_owned())),
        (&["Heron", "Egret"], Err("InvalidClientTokenId".to_owned())),
        (&["Heron", "Heron"], Err("InvalidClientTokenId".to_owned())),
    ] {
        // Each has the same digest, so that a cached caller of another mapping would be seen.
        let client = Client::Certificate(env.certificate_of(users).await);
        assert_eq!(env.who(&client).await, expected, "{users:?}");
    }
}

#[tokio::test]
async fn a_mapping_follows_the_user_and_not_the_name() {
    let env = TestEnv::new().await;
    env.user(&env.root, "Heron").await;
    let client = Client::Certificate(env.certificate_of(&["Heron"]).await);
    let rename = iam::UpdateUserRequest {
        user_name: Some("Heron".into()),
        new_user_name: Some("Stork".into()),
        ..Default::default()
    };
    env.call::<op::UpdateUser>(&env.root, rename).await.unwrap();
    env.user(&env.root, "Heron").await;
    assert_eq!(env.who(&client).await.unwrap(), format!("arn:aws:iam::{MAIN}:user/Stork"));
}

#[tokio::test]
async fn a_certificate_does_not_replace_the_proof_in_a_request() {
    let env = TestEnv::new().await;
    let heron = env.user(&env.root, "Heron").await;
    env.user(&env.root, "Egret").await;
    let certificate = env.certificate_of(&["Egret"]).await;
    let token = env.call::<op::CreateToken>(&heron, signin::CreateTokenRequest::default()).await.unwrap().token;
    let both = Client::CertificateAndBearer(certificate.clone(), token);
    assert_eq!(env.who(&both).await.unwrap(), format!("arn:aws:iam::{MAIN}:user/Heron"));
    for invalid in ["", "nothing"] {
        let both = Client::CertificateAndBearer(certificate.clone(), invalid.into());
        assert_eq!(env.who(&both).await.unwrap_err(), "InvalidClientTokenId", "{invalid}");
    }
}

#[tokio::test]
async fn a_certificate_counts_as_long_term_credential_without_a_second_factor() {
    let env = TestEnv::new().await;
    for (name, key, operator, value, expected) in [
        ("type", "aws:PrincipalType", "StringEquals", "User", "OK"),
        ("tls", "aws:SecureTransport", "Bool", "true", "OK"),
        ("mfa", "aws:MultiFactorAuthPresent", "BoolIfExists", "false", "OK"),
        ("mfa-there", "aws:MultiFactorAuthPresent", "Null", "false", "AccessDenied"),
        ("token", "aws:TokenIssueTime", "Null", "false", "AccessDenied"),
    ] {
        env.user(&env.root, name).await;
        let document = ALLOW_ALL.replace(
            r#""Resource":"*""#,
            &format!(r#""Resource":"*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}"#),
        );
        let req = iam::PutUserPolicyRequest {
            user_name: Some(name.into()),
            policy_name: Some("all".into()),
            policy_document: Some(document),
        };
        env.call::<op::PutUserPolicy>(&env.root, req).await.unwrap();
        let client = Client::Certificate(env.certificate_of(&[name]).await);
        let answer = env.call::<op::ListUsers>(&client, Default::default()).await;
        assert_eq!(code(&answer), expected, "{name}");
    }
}

#[tokio::test]
async fn a_certificate_gets_no_credentials_that_a_key_would_end() {
    let env = TestEnv::new().await;
    let heron = env.user(&env.root, "Heron").await;
    env.role(&heron, "Diver").await;
    let client = Client::Certificate(env.certificate_of(&["Heron"]).await);
    let answer = env.call::<op::GetSessionToken>(&client, Default::default()).await;
    assert_eq!(code(&answer), "AccessDenied", "{answer:?}");
    let req = sts::GetFederationTokenRequest {
        name: Some("guest".into()),
        policy: Some(ALLOW_ALL.into()),
        ..Default::default()
    };
    assert_eq!(code(&env.call::<op::GetFederationToken>(&client, req).await), "AccessDenied");
    assert_eq!(code(&env.call::<op::CreateToken>(&client, Default::default()).await), "AccessDenied");
    let req = iam::AcceptDelegationRequestRequest { delegation_request_id: Some("dr-1234567890abcdef".into()) };
    assert_eq!(code(&env.call::<op::AcceptDelegationRequest>(&client, req).await), "AccessDenied");
    let req = sts::GetDelegatedAccessTokenRequest { trade_in_token: Some("token".repeat(8)) };
    assert_eq!(code(&env.call::<op::GetDelegatedAccessToken>(&client, req).await), "AccessDenied");
    let role = env.call::<op::AssumeRole>(&client, assume_role(&format!("arn:aws:iam::{MAIN}:role/Diver"))).await;
    assert_eq!(code(&role), "OK", "{role:?}");
}
