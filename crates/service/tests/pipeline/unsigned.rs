//! Calls without a signature reach only the operations whose proof is in the request.

use bailiwick_api::options::Authentication;
use bailiwick_api::{Operation, find_operation, op, sts};
use bailiwick_service::Route;
use bailiwick_testing::{Client, code};
use prost::Message as _;

use super::TestEnv;

fn with_saml() -> sts::AssumeRoleWithSamlRequest {
    sts::AssumeRoleWithSamlRequest {
        role_arn: Some("arn:aws:iam::111122223333:role/deploy".into()),
        principal_arn: Some("arn:aws:iam::111122223333:saml-provider/idp".into()),
        saml_assertion: Some("YXNzZXJ0aW9u".into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn every_operation_that_wants_a_signature_refuses_a_call_without_one() {
    let env = TestEnv::new().await;
    let mut unsigned = Vec::new();
    for route in Route::all() {
        let answer = env.send(route, &Client::Anonymous, Vec::new(), None).await;
        if find_operation(route.name).unwrap().authentication == Authentication::Caller {
            assert_eq!(code(&answer), "MissingAuthenticationToken", "{}", route.name);
        } else {
            assert_eq!(code(&answer), "ValidationError", "{}", route.name);
            unsigned.push(route.name);
        }
    }
    let signing_in = ["SignIn", "ChangeExpiredPassword", "SignInWithLink", "GetSigninToken", "SignInWithToken"];
    assert_eq!(unsigned, [&signing_in[..], &["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"]].concat());
}

#[tokio::test]
async fn a_proof_in_the_request_needs_no_signature() {
    let env = TestEnv::new().await;
    for client in [&Client::Anonymous, &env.root] {
        assert_eq!(code(&env.call::<op::AssumeRoleWithSAML>(client, with_saml()).await), "InvalidIdentityToken");
    }
    let route = Route::find(op::AssumeRoleWithSAML::PATH).unwrap();
    // An invalid proof of another kind is not verified.
    let forged = Client::Bearer("forged".into());
    assert_eq!(code(&env.send(route, &forged, with_saml().encode_to_vec(), None).await), "InvalidIdentityToken");
}

#[tokio::test]
async fn failures_to_authenticate_throttle_unsigned_calls_of_their_source() {
    let env = TestEnv::new().await;
    let forged = Client::Bearer("forged".into());
    for _ in 0..600 {
        assert!(env.call::<op::ListUsers>(&forged, Default::default()).await.is_err());
    }
    assert_eq!(code(&env.call::<op::AssumeRoleWithSAML>(&Client::Anonymous, with_saml()).await), "Throttling");
}
