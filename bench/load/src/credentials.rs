//! Issuing temporary credentials.

use crate::drive::in_turns;
use crate::grpc::Target;
use crate::measure::started;
use crate::process::ACCOUNT;
use crate::report::Row;
use crate::world;
use anyhow::Result;
use bailiwick_api::sts::{AssumeRoleRequest, AssumeRoleResponse};
use std::path::Path;
use std::sync::Arc;

const IN_FLIGHT: usize = 64;
const ASSUMING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","bailiwick:CreateToken"],"Resource":"*"}}"#;

/// AssumeRole against `Authorize`, both over gRPC with a bearer token.
pub async fn assume_role(server: &Path, folder: &Path, seconds: u32) -> Result<Row> {
    let process = started(server, &folder.join("assume-role")).await?;
    let world = world::make(&process).await?;
    let key = world::user(&process, "assuming", ASSUMING).await?;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/assuming"}},"Action":"sts:AssumeRole"}}}}"#
    );
    let role = [("RoleName", "measured"), ("AssumeRolePolicyDocument", trust.as_str())];
    world::iam(&process, "CreateRole", &role).await?;
    let bearer = world::token(&process, &key).await?;
    let request = AssumeRoleRequest {
        role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/measured")),
        role_session_name: Some("measured".into()),
        ..Default::default()
    };
    let target = Target::<AssumeRoleRequest, AssumeRoleResponse> {
        process: &process,
        method: "/bailiwick.sts.v1.AssumeRoleService/AssumeRole",
        bearer: Some(&bearer),
        next: Arc::new(move |_| request.clone()),
        fine: |answer| answer.credentials.is_some(),
    };
    let (issuing, deciding) =
        (target.workers(IN_FLIGHT, 0).await?, world.authorize(&process).workers(IN_FLIGHT, 0).await?);
    let (ours, theirs) = in_turns((&process, issuing), (&process, deciding), seconds).await?;
    let detail = format!("{:.0}/s, authorize {:.0}/s", ours.rate(), theirs.rate());
    let name = format!("assume role, {IN_FLIGHT} in flight: rate");
    Ok(Row::new(name, ours.rate() / theirs.rate(), "x", detail).at_least(0.5))
}
