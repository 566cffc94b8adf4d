//! Questions of `authz.v1`, and their answers.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthorizeRequest, AuthorizeResponse, ContextEntry, ContextType, Decision};
use bailiwick_api::op;
use bailiwick_model::Result;

use super::env::TestEnv;
use super::{MAIN, by};
use crate::Authenticated;

pub(crate) fn entry(key: &str, kind: ContextType, values: &[&str]) -> ContextEntry {
    ContextEntry {
        key: key.into(),
        r#type: kind.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

pub(crate) fn question(who: Who, action: &str, resource: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        caller: by(who),
        action: action.into(),
        resource: resource.into(),
        resource_account: resource.starts_with("arn:aws:s3:::").then(|| MAIN.to_owned()),
        ..Default::default()
    }
}

impl TestEnv {
    pub(crate) async fn ask(&self, service: &Authenticated, req: AuthorizeRequest) -> Result<AuthorizeResponse> {
        self.call::<op::Authorize>(service, req).await
    }

    pub(crate) async fn decided(&self, service: &Authenticated, req: AuthorizeRequest) -> Decision {
        let response = self.ask(service, req).await.unwrap();
        let decision = response.decision();
        assert_ne!(decision, Decision::Unspecified);
        assert_eq!(response.message.is_none(), decision == Decision::Allow);
        decision
    }
}
