//! Who is shown the details of a denial by `iam-toolbox`.

use bailiwick_api::iamtoolbox::{GetRequestAuthorizationDetailsRequest, GetRequestAuthorizationDetailsResponse};
use bailiwick_api::{iam, op};
use bailiwick_model::{ErrorCode, Result};
use bailiwick_testing::Client;

use super::TestEnv;

const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
const NO_DETAILS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:GetRequest*","Resource":"*"}}"#;
const DETAILS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetRequest*","Resource":"*"}}"#;

impl TestEnv {
    async fn grant(&self, user: &str, document: &str) {
        let req = iam::PutUserPolicyRequest {
            user_name: Some(user.into()),
            policy_name: Some("all".into()),
            policy_document: Some(document.into()),
        };
        self.call::<op::PutUserPolicy>(&self.root, req).await.unwrap();
    }

    async fn details(&self, by: &Client, id: &str) -> Result<GetRequestAuthorizationDetailsResponse> {
        let req = GetRequestAuthorizationDetailsRequest { authorization_id: Some(id.to_owned()), next_token: None };
        self.call::<op::GetRequestAuthorizationDetails>(by, req).await
    }

    async fn denied(&self, by: &Client) -> String {
        let req = iam::CreateUserRequest { user_name: Some("x".into()), ..Default::default() };
        let error = self.call::<op::CreateUser>(by, req).await.unwrap_err();
        error.authorization_id().unwrap().to_owned()
    }
}

#[tokio::test]
async fn callers_without_the_permission_see_their_own_denials_unless_a_statement_denies_it() {
    let w = TestEnv::new().await;
    let heron = w.user(&w.root, "Heron").await;
    let diver = w.user(&w.root, "Diver").await;
    for name in ["Heron", "Diver"] {
        w.grant(name, NOTHING).await;
    }
    let id = w.denied(&heron).await;
    let own = w.details(&heron, &id).await.unwrap();
    assert_eq!(own.evaluations[0].action.as_deref(), Some("iam:CreateUser"));
    assert!(own.evaluations[0].context.is_empty());
    // Of others, and under an unknown id, they see the same.
    let (other, unknown) = (w.details(&diver, &id).await.unwrap_err(), w.details(&diver, &"0".repeat(32)).await);
    let plain = |text: &str| text.split(". For").next().unwrap().to_owned();
    assert_eq!(other.code(), ErrorCode::AccessDenied);
    assert_eq!(plain(other.message()), plain(unknown.unwrap_err().message()));
    // A statement that denies the action holds for their own denials as well.
    w.grant("Heron", NO_DETAILS).await;
    let refused = w.details(&heron, &id).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
    assert!(refused.message().contains("explicit deny"), "{}", refused.message());
    // With the permission they see all.
    w.grant("Diver", DETAILS).await;
    assert!(!w.details(&diver, &id).await.unwrap().evaluations[0].context.is_empty());
    assert_eq!(w.details(&diver, &"0".repeat(32)).await.unwrap_err().code(), ErrorCode::ResourceNotFound);
    // The administrator of another account sees nothing.
    let grebe = w.user(&w.root, "Grebe").await;
    let (_, otter) = w.member(&grebe).await;
    let unknown = w.details(&otter, &"0".repeat(32)).await.unwrap_err();
    let foreign = w.details(&otter, &id).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (unknown.code(), unknown.message()));
    assert_eq!(foreign.code(), ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn sessions_of_one_name_do_not_see_the_denials_of_each_other() {
    let w = TestEnv::new().await;
    let [heron, diver] = [w.user(&w.root, "Heron").await, w.user(&w.root, "Diver").await];
    w.role(&heron, "Reader").await;
    let document = iam::PutRolePolicyRequest {
        role_name: Some("Reader".into()),
        policy_name: Some("all".into()),
        policy_document: Some(NOTHING.into()),
    };
    w.call::<op::PutRolePolicy>(&w.root, document).await.unwrap();
    let role = format!("arn:aws:iam::{}:role/Reader", bailiwick_testing::MAIN);
    // Both have the same name.
    let [of_heron, of_diver] = [w.session(&heron, &role).await, w.session(&diver, &role).await];
    let id = w.denied(&of_heron).await;
    assert_eq!(w.details(&of_heron, &id).await.unwrap().evaluations.len(), 1);
    assert_eq!(w.details(&of_diver, &id).await.unwrap_err().code(), ErrorCode::AccessDenied);
    let other = w.denied(&of_diver).await;
    assert!(w.details(&of_diver, &other).await.is_ok());
}
