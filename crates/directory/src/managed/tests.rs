use std::collections::HashSet;

use bailiwick_api::op;
use bailiwick_policy_lang::{PolicyKind, SaveRules, Version, non_whitespace_len, parse_for_save};
use serde_json::json;

use super::*;
use crate::testing::{ACCOUNT, World};

#[test]
fn every_document_would_be_taken_from_a_caller() {
    let mut names = HashSet::new();
    for builtin in BUILTIN_POLICIES {
        for partition in ["aws", "aws-cn"] {
            let rules = SaveRules { partition, min_version: Version::V2012, ..SaveRules::default() };
            if let Err(error) = parse_for_save(builtin.document, PolicyKind::Identity, &rules) {
                panic!("{}: {error}", builtin.name);
            }
        }
        assert!(non_whitespace_len(builtin.document) <= bailiwick_model::limits::MANAGED_POLICY_SIZE);
        assert!(Path::parse(builtin.path).is_ok() && PolicyName::parse(builtin.name).is_ok(), "{}", builtin.name);
        assert!(names.insert(builtin.name.to_lowercase()), "{} stands twice", builtin.name);
    }
    for name in [
        "AdministratorAccess",
        "PowerUserAccess",
        "ReadOnlyAccess",
        "SecurityAudit",
        "IAMFullAccess",
        "IAMReadOnlyAccess",
        "IAMUserChangePassword",
        "ViewOnlyAccess",
        "Billing",
        "SystemAdministrator",
        "NetworkAdministrator",
        "DatabaseAdministrator",
        "DataScientist",
        "SupportUser",
        "IAMUserSSHKeys",
        "IAMSelfManageServiceSpecificCredentials",
        "IAMAccessAdvisorReadOnly",
        "AmazonS3FullAccess",
        "AmazonS3ReadOnlyAccess",
    ] {
        assert!(names.contains(&name.to_lowercase()), "{name}");
    }
}

#[tokio::test]
async fn what_is_there_stays_as_it_is() {
    let w = World::new().await;
    let mut tx = w.begin().await;
    assert_eq!(put_builtin_policies(&mut tx, w.cx().date(), &*w.deployment.random).await.unwrap(), 0);
    assert!(tx.is_read_only());
}

#[tokio::test]
async fn a_batch_is_imported_by_the_management_account() {
    let w = World::new().await;
    let arn = "arn:aws:iam::aws:policy/service-role/Imported";
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:Y","Resource":"*"}]}"#;
    let policy = |version: i32, document: &str| {
        json!({"policyName": "Imported", "path": "/service-role/", "policyId": "ANPAIWMBCKSKIEE64ZLYK",
            "version": version, "policyDocument": document, "createDate": "2015-02-06T18:40:58Z"})
    };
    let batch = |policies: serde_json::Value| json!({"policies": policies});
    let first = w.ok::<op::ImportManagedPolicies>(batch(json!([policy(3, document)]))).await;
    assert_eq!(first, json!({"created": 1}));
    let shown = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await["Policy"].clone();
    assert_eq!((&shown["PolicyId"], &shown["DefaultVersionId"]), (&json!("ANPAIWMBCKSKIEE64ZLYK"), &json!("v3")));
    assert_eq!(shown["CreateDate"], "2015-02-06T18:40:58Z");
    let again = w.ok::<op::ImportManagedPolicies>(batch(json!([policy(3, document)]))).await;
    assert_eq!(again, json!({"unchanged": 1}));
    for (given, expected) in [(7, "v7"), (7, "v8"), (2, "v9"), (20, "v20"), (21, "v21"), (22, "v22")] {
        let changed = document.replace("x:Y", &format!("x:{expected}"));
        let answer = w.ok::<op::ImportManagedPolicies>(batch(json!([policy(given, &changed)]))).await;
        assert_eq!(answer, json!({"updated": 1}));
        let shown = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await;
        assert_eq!(shown["Policy"]["DefaultVersionId"], expected);
        let version = w.ok::<op::GetPolicyVersion>(json!({"PolicyArn": arn, "VersionId": expected})).await;
        assert_eq!(version["PolicyVersion"]["Document"], changed);
    }
    let versions = w.ok::<op::ListPolicyVersions>(json!({"PolicyArn": arn})).await;
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 5);
    let twice = batch(json!([policy(1, document), policy(1, document)]));
    w.fails::<op::ImportManagedPolicies>(twice, "InvalidInput: the policy `Imported` stands twice").await;
    let broken = w.call::<op::ImportManagedPolicies>(batch(json!([policy(1, "{}")]))).await.unwrap_err();
    assert_eq!(broken.code().wire(), "MalformedPolicyDocument");
    w.as_root("444455556666")
        .needs::<op::ImportManagedPolicies>(
            batch(json!([policy(1, document)])),
            &[&format!("bailiwick:ImportManagedPolicies * of {ACCOUNT}")],
        )
        .await;
}
