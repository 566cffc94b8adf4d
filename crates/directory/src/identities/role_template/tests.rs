use bailiwick_api::op;
use serde_json::{Value, json};

use super::facts::TEMPLATES;
use crate::testing::{ACCOUNT, World};

const AUDITOR: &str = "arn:aws:iam::aws:role-template/IdentityAuditor";
const DECISIONS: &str = "arn:aws:iam::aws:role-template/DecisionService";

fn trusted(arn: &str) -> Value {
    json!({"Values": [arn]})
}

#[tokio::test]
async fn a_role_is_what_its_template_says() {
    let w = World::new().await;
    let bob = w.user("Bob").await["Arn"].as_str().unwrap().to_owned();
    let request = json!({"TemplateArn": AUDITOR, "ReplacementValues": {"TrustedArns": trusted(&bob)}});
    let role = w.ok::<op::AcquireRole>(request.clone()).await["Role"].clone();
    assert_eq!(role["Arn"], format!("arn:aws:iam::{ACCOUNT}:role/audit/IdentityAuditor"));
    let boundary = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    assert_eq!(role["PermissionsBoundary"]["PermissionsBoundaryArn"], boundary);
    let trust: Value = serde_json::from_str(role["AssumeRolePolicyDocument"].as_str().unwrap()).unwrap();
    assert_eq!(trust["Statement"]["Principal"]["AWS"], json!([bob]));
    let attached = w.ok::<op::ListAttachedRolePolicies>(json!({"RoleName": "IdentityAuditor"})).await;
    assert_eq!(attached["AttachedPolicies"][0]["PolicyArn"], boundary);
    let taken = "NameConflict: The role name IdentityAuditor conflicts with an existing role in the account.";
    w.fails::<op::AcquireRole>(request, taken).await;
}

/// A template gives nothing that the caller could not make by hand.
#[tokio::test]
async fn every_part_of_the_role_needs_its_permission() {
    let w = World::new().await;
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let auditor = format!("arn:aws:iam::{ACCOUNT}:role/audit/IdentityAuditor");
    let boundary = "iam:PermissionsBoundary=arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    w.needs::<op::AcquireRole>(
        json!({"TemplateArn": AUDITOR, "ReplacementValues": {"TrustedArns": trusted(&root)}}),
        &[
            &format!("iam:AcquireRole {auditor}"),
            &format!("iam:CreateRole {auditor} {boundary}"),
            &format!(
                "iam:AttachRolePolicy {auditor} iam:PolicyARN=arn:aws:iam::aws:policy/IAMReadOnlyAccess {boundary}"
            ),
        ],
    )
    .await;
    let values =
        json!({"RoleName": trusted("photos"), "TrustedArns": trusted(&root), "ServicePrefix": trusted("photos")});
    let role = format!("arn:aws:iam::{ACCOUNT}:role/decisions/photos");
    let tags = "aws:RequestTag/service=photos aws:TagKeys=[service]";
    w.needs::<op::AcquireRole>(
        json!({"TemplateArn": DECISIONS, "ReplacementValues": values}),
        &[
            &format!("iam:AcquireRole {role}"),
            &format!("iam:CreateRole {role} {tags}"),
            &format!("iam:TagRole {role} {tags}"),
            &format!("iam:PutRolePolicy {role}"),
        ],
    )
    .await;
    w.needs::<op::GetRoleTemplateVersion>(json!({"TemplateArn": AUDITOR}), &["iam:GetRoleTemplateVersion *"]).await;
}

#[tokio::test]
async fn templates_and_parameters_are_checked() {
    let w = World::new().await;
    let missing = "arn:aws:iam::aws:role-template/Nothing";
    let unknown = format!("NoSuchEntity: The role template {missing} cannot be found.");
    w.fails::<op::AcquireRole>(json!({"TemplateArn": missing}), &unknown).await;
    w.fails::<op::GetRoleTemplateVersion>(json!({"TemplateArn": missing}), &unknown).await;
    let version = format!("NoSuchEntity: The role template {AUDITOR} has no minor version 7.");
    w.fails::<op::GetRoleTemplateVersion>(json!({"TemplateArn": AUDITOR, "MinorVersion": 7}), &version).await;
    let any = format!("iam:AcquireRole arn:aws:iam::{ACCOUNT}:role/*");
    w.needs::<op::AcquireRole>(json!({"TemplateArn": missing}), &[&any]).await;
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    for (values, expected) in [
        (json!({}), "InvalidInput: The parameter TrustedArns is required."),
        (
            json!({"TrustedArns": trusted("*")}),
            "InvalidInput: A value of the parameter TrustedArns is not valid: each must be a PrincipalArn.",
        ),
        (
            json!({"TrustedArns": trusted(&root), "Path": trusted("/")}),
            "InvalidInput: The role template IdentityAuditor has no parameter Path.",
        ),
        (
            json!({"TrustedArns": trusted(&root), "RoleName": {"Values": ["a", "b"]}}),
            "InvalidInput: The parameter RoleName takes one value.",
        ),
        (
            json!({"TrustedArns": trusted(&root), "RoleName": trusted("a\",\"b")}),
            "InvalidInput: A value of the parameter RoleName is not valid: each must be a RoleName.",
        ),
    ] {
        w.fails::<op::AcquireRole>(json!({"TemplateArn": AUDITOR, "ReplacementValues": values}), expected).await;
    }
}

/// Every template of the table can be acquired, and is shown with its placeholders.
#[tokio::test]
async fn every_template_makes_a_role() {
    let w = World::new().await;
    for template in TEMPLATES {
        let arn = format!("arn:aws:iam::aws:role-template/{}", template.name);
        let shown =
            w.ok::<op::GetRoleTemplateVersion>(json!({"TemplateArn": arn})).await["RoleTemplateVersion"].clone();
        assert_eq!(shown["TemplateArn"], arn);
        assert_eq!(shown["RoleNamePattern"], "@{RoleName}");
        let mut values = serde_json::Map::new();
        for parameter in shown["ParametersDefinition"].as_array().unwrap() {
            let value = match parameter["SubType"].as_str().unwrap() {
                "PrincipalArn" => format!("arn:aws:iam::{ACCOUNT}:root"),
                "RoleName" => template.name.to_owned(),
                _ => "photos".to_owned(),
            };
            values.insert(parameter["Name"].as_str().unwrap().to_owned(), trusted(&value));
        }
        let role =
            w.ok::<op::AcquireRole>(json!({"TemplateArn": arn, "ReplacementValues": values})).await["Role"].clone();
        assert!(!role.to_string().contains("@{"), "{role}");
        assert_eq!(role["MaxSessionDuration"], shown["MaxSessionDuration"]);
    }
}
