//! The link that signs root in once, after the first start.

use bailiwick_api::signin::{PutRootPasswordRequest, SignInWithLinkRequest};
use bailiwick_api::{iam, op};
use bailiwick_model::{AccountId, ErrorCode};
use bailiwick_operation::Clock as _;
use bailiwick_signin::{LINK_LIFETIME, Link};
use bailiwick_testing::{Client, MAIN, code};

use super::super::TestEnv;
use super::{PASSWORD, bearer};

impl TestEnv {
    /// A link as the first start of the deployment would make it now.
    fn link(&self) -> String {
        let sealer = &self.service.parts().deployment.sealer;
        Link::issue(sealer, AccountId::parse(MAIN).unwrap(), &self.root.key().id, self.clock.now()).unwrap()
    }

    async fn redeem(&self, link: &str) -> Result<Client, ErrorCode> {
        let request = SignInWithLinkRequest { link: Some(link.to_owned()) };
        let answer = self.call::<op::SignInWithLink>(&Client::Anonymous, request).await;
        answer.map(|answer| bearer(&answer.session.unwrap())).map_err(|error| error.code())
    }
}

#[tokio::test]
async fn a_link_signs_root_in_once() {
    let env = TestEnv::new().await;
    let link = env.link();
    let root = env.redeem(&link).await.unwrap();
    let identity = env.call::<op::GetCallerIdentity>(&root, Default::default()).await.unwrap();
    assert_eq!(identity.arn.unwrap(), format!("arn:aws:iam::{MAIN}:root"));
    assert_eq!(env.redeem(&link).await.err(), Some(ErrorCode::AccessDenied), "used");
    env.call::<op::SignOut>(&root, Default::default()).await.unwrap();
    assert_eq!(env.redeem(&link).await.err(), Some(ErrorCode::AccessDenied), "used, and its session ended");
}

#[tokio::test]
async fn a_changed_or_expired_link_is_refused() {
    let env = TestEnv::new().await;
    let link = env.link();
    for place in [0, 20, link.len() - 1] {
        let mut other = link.clone().into_bytes();
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let refused = env.redeem(&String::from_utf8(other).unwrap()).await.err();
        assert_eq!(refused, Some(ErrorCode::AccessDenied), "{place}");
    }
    let elsewhere = TestEnv::new().await.link();
    assert_eq!(env.redeem(&elsewhere).await.err(), Some(ErrorCode::AccessDenied), "of another deployment");
    let Client::Bearer(token) = env.redeem(&env.link()).await.unwrap() else { panic!() };
    assert_eq!(env.redeem(&token[..200.min(token.len())]).await.err(), Some(ErrorCode::AccessDenied), "a bearer token");
    env.clock.advance(LINK_LIFETIME.as_secs());
    assert_eq!(env.redeem(&link).await.err(), Some(ErrorCode::AccessDenied), "expired");
}

#[tokio::test]
async fn a_link_dies_with_the_state_of_the_first_start() {
    let env = TestEnv::new().await;
    let link = env.link();
    let password = PutRootPasswordRequest { password: Some(PASSWORD.into()) };
    env.call::<op::PutRootPassword>(&env.root, password).await.unwrap();
    assert_eq!(env.redeem(&link).await.err(), Some(ErrorCode::AccessDenied), "root has a password");
    env.call::<op::DeleteRootPassword>(&env.root, Default::default()).await.unwrap();
    let key = env.call::<op::CreateAccessKey>(&env.root, iam::CreateAccessKeyRequest::default()).await.unwrap();
    let other = key.access_key.unwrap().access_key_id;
    let first = Some(env.root.key().id.to_string());
    let status = |status: &str| iam::UpdateAccessKeyRequest {
        access_key_id: first.clone(),
        status: Some(status.into()),
        ..Default::default()
    };
    let session = env.redeem(&env.link()).await.unwrap();
    env.call::<op::UpdateAccessKey>(&session, status("Inactive")).await.unwrap();
    assert_eq!(env.redeem(&link).await.err(), Some(ErrorCode::AccessDenied), "root's first key is not active");
    env.call::<op::UpdateAccessKey>(&session, status("Active")).await.unwrap();
    assert!(env.redeem(&link).await.is_ok(), "{other:?}");
    let empty = env.call::<op::SignInWithLink>(&Client::Anonymous, SignInWithLinkRequest::default()).await;
    assert_eq!(code(&empty), "ValidationError");
}
