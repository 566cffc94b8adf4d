//! Reviews, through the handlers of WhoCan and WhatCan: what the tests share.

use bailiwick_api::authz::{
    Grant, PartialGrant, PutResourcePolicyRequest, StatementRef, WhatCanRequest, WhatCanResponse, WhoCanRequest,
    WhoCanResponse,
};
use bailiwick_api::op;

use crate::tests::*;

mod what_can;
mod who_can;

const ALBUM: &str = "arn:aws:photos:eu-central-1:111122223333:album/1";
const REGION: &str = r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#;
const MFA: &str = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;

fn who(action: &str, resource: &str) -> WhoCanRequest {
    WhoCanRequest { action: action.into(), resource: resource.into(), ..WhoCanRequest::default() }
}

fn what(principal: &str) -> WhatCanRequest {
    WhatCanRequest { principal_arn: format!("arn:aws:iam::{MAIN}:{principal}"), ..WhatCanRequest::default() }
}

/// The policy and statement of a reference, after the type and holder.
fn by_statement(statement: Option<&StatementRef>) -> String {
    let Some(at) = statement else { return "-".to_owned() };
    let kind = at.policy_type().as_str_name().trim_start_matches("POLICY_TYPE_").to_lowercase();
    format!("{kind} {} of {} {}", at.policy, name(&at.attached_to), at.sid.as_deref().unwrap_or("-"))
}

fn granted(grant: Option<&Grant>) -> String {
    let grant = grant.unwrap();
    assert_eq!(grant.conditional, !grant.context_keys.is_empty());
    let keys = grant.context_keys.iter().map(|key| format!(" if {key}"));
    by_statement(grant.statement.as_ref()) + &keys.collect::<String>()
}

fn partly(grant: Option<&PartialGrant>) -> String {
    let grant = grant.unwrap();
    let not = if grant.not_resource { "not " } else { "" };
    let resources = grant.resources.iter().map(|pattern| format!(" on {not}{pattern}"));
    let keys = grant.context_keys.iter().map(|key| format!(" if {key}"));
    by_statement(grant.statement.as_ref()) + &resources.chain(keys).collect::<String>()
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap()
}

/// The lines of an answer: `+` allowed, `~` partly allowed, `?` undecided.
fn lines(answer: &WhoCanResponse) -> Vec<String> {
    let allowed = answer.allowed.iter();
    let allowed = allowed.map(|one| format!("+{}: {}", name(&one.principal_arn), granted(one.grant.as_ref())));
    let near = answer.partly_allowed.iter();
    let near = near.map(|one| format!("~{}: {}", name(&one.principal_arn), partly(one.grant.as_ref())));
    allowed.chain(near).chain(answer.undecided.iter().map(|arn| format!("?{}", name(arn)))).collect()
}

fn actions(answer: &WhatCanResponse) -> Vec<String> {
    let of_service = |service: &authz::ServiceAccess| {
        let allowed = service.allowed.iter().map(|one| format!("+{}: {}", one.action, granted(one.grant.as_ref())));
        let near = service.partly_allowed.iter().map(|one| format!("~{}: {}", one.action, partly(one.grant.as_ref())));
        allowed.chain(near).chain(service.undecided.iter().map(|one| format!("?{one}"))).collect::<Vec<_>>()
    };
    answer.services.iter().flat_map(of_service).collect()
}

impl TestEnv {
    async fn who_can(&self, by: &Authenticated, req: WhoCanRequest) -> Result<WhoCanResponse> {
        self.call::<op::WhoCan>(by, req).await
    }

    async fn what_can(&self, by: &Authenticated, req: WhatCanRequest) -> Result<WhatCanResponse> {
        self.call::<op::WhatCan>(by, req).await
    }

    async fn root(&self, of: &str) -> Authenticated {
        self.prove(&self.key(of, None).await).await.unwrap()
    }

    /// Users and roles whose access to albums differs, and the policy of one album.
    async fn photographers(&self) -> Authenticated {
        let root = self.root(MAIN).await;
        self.user(MAIN, "ann", &allow("photos:*", "*")).await;
        let ben = self.user(MAIN, "Ben", "").await;
        self.group("readers", &allow("photos:Get*", ALBUM), &[&ben]).await;
        self.user(MAIN, "cat", &statement("Allow", "photos:GetAlbum", "*", REGION)).await;
        self.user(
            MAIN,
            "dan",
            &statement("Allow", "photos:GetAlbum", "*", r#"{"StringEquals":{"aws:username":"dan"}}"#),
        )
        .await;
        let eve = self.user(MAIN, "eve", &allow("*", "*")).await;
        self.group("denied", &statement("Deny", "photos:*", "*", "{}"), &[&eve]).await;
        let fay = self.user(MAIN, "fay", &allow("photos:*", "*")).await;
        self.group("guarded", &statement("Deny", "photos:*", "*", MFA), &[&fay]).await;
        self.user(MAIN, "gus", "").await;
        self.user(MAIN, "hal", &allow("photos:GetAlbum", "arn:aws:photos:*:*:album/2")).await;
        self.user(MAIN, "ivy", "").await;
        self.user(
            MAIN,
            "joe",
            &statement("Allow", "photos:*", "*", r#"{"StringEquals":{"aws:PrincipalTag/pond":"x"}}"#),
        )
        .await;
        let trust =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        self.role(MAIN, "Diver", trust, &allow("photos:*", "*")).await;
        let tagged = r#"{"StringEquals":{"aws:PrincipalTag/pond":"x"}}"#;
        self.role(MAIN, "heron", trust, &statement("Allow", "photos:*", "*", tagged)).await;
        self.role(MAIN, "idle", trust, "").await;
        let policy = r#"{"Version":"2012-10-17","Statement":{"Sid":"Shared","Effect":"Allow",
            "Principal":{"AWS":"arn:aws:iam::111122223333:user/ivy"},"Action":"photos:GetAlbum","Resource":"*"}}"#;
        let policy = PutResourcePolicyRequest { resource_arn: Some(ALBUM.into()), policy: Some(policy.into()) };
        self.change::<op::PutResourcePolicy>(&root, policy).await.unwrap();
        root
    }
}
