use std::collections::HashSet;

use bailiwick_api::op;
use bailiwick_policy_lang::{
    FindingType, PolicyKind, SaveRules, Validation, Version, non_whitespace_len, parse_strict, validate,
};
use serde_json::json;

use super::*;
use crate::testing::{ACCOUNT, World};

#[test]
fn every_built_in_document_passes_the_checks_for_callers() {
    let mut names = HashSet::new();
    for builtin in BUILTIN_POLICIES {
        for partition in ["aws", "aws-cn"] {
            let rules = SaveRules { partition: Some(partition), min_version: Version::V2012, ..SaveRules::default() };
            if let Err(error) = parse_strict(builtin.document, PolicyKind::Identity, &rules) {
                panic!("{}: {error}", builtin.name);
            }
        }
        assert!(non_whitespace_len(builtin.document) <= bailiwick_model::limits::MANAGED_POLICY_SIZE);
        assert!(Path::parse(builtin.path).is_ok() && PolicyName::parse(builtin.name).is_ok(), "{}", builtin.name);
        assert!(names.insert(builtin.name.to_lowercase()), "{} stands twice", builtin.name);
    }
    assert!(BUILTIN_POLICIES.is_sorted_by_key(|builtin| builtin.name.to_lowercase()));
    for path_and_name in [
        "/AdministratorAccess",
        "/PowerUserAccess",
        "/ReadOnlyAccess",
        "/SecurityAudit",
        "/IAMUserChangePassword",
        "/job-function/ViewOnlyAccess",
        "/job-function/Billing",
        "/AmazonS3FullAccess",
        "/AmazonSSMManagedInstanceCore",
        "/AmazonEKS_CNI_Policy",
        "/AmazonEC2ContainerRegistryReadOnly",
        "/CloudWatchAgentServerPolicy",
        "/service-role/AWSLambdaBasicExecutionRole",
        "/service-role/AWSLambdaVPCAccessExecutionRole",
        "/service-role/AmazonECSTaskExecutionRolePolicy",
        "/service-role/AWSBatchServiceRole",
    ] {
        let found = BUILTIN_POLICIES.iter().any(|builtin| [builtin.path, builtin.name].concat() == path_and_name);
        assert!(found, "{path_and_name}");
    }
}

#[test]
fn validation_has_no_findings_in_built_in_documents() {
    // A policy that allows every action on roles also allows passing and linking them.
    let passes = "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE";
    let links = "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE";
    let known: [(&str, &[&str]); 3] = [
        ("AdministratorAccess", &[links, passes]),
        ("IAMFullAccess", &[links, passes]),
        ("PowerUserAccess", &["CREATE_SLR_WITH_STAR_IN_RESOURCE"]),
    ];
    for builtin in BUILTIN_POLICIES {
        let expected = known.iter().find(|(name, _)| *name == builtin.name).map_or(&[][..], |(_, codes)| codes);
        for partition in ["aws", "aws-cn"] {
            let validation = Validation { partition: Some(partition), ..Validation::default() };
            let findings = validate(builtin.document, PolicyKind::Identity, &validation);
            let grave = findings.iter().filter(|finding| finding.code.finding_type != FindingType::Suggestion);
            let codes: Vec<_> = grave.map(|finding| finding.code.name).collect();
            assert_eq!(codes, expected, "{} in {partition}: {findings:?}", builtin.name);
        }
    }
}

#[tokio::test]
async fn an_older_store_gets_missing_policies_and_keeps_its_own() {
    let w = World::new().await;
    let mut tx = w.begin().await;
    assert_eq!(put_builtin_policies(&mut tx, w.cx().date(), &*w.deployment.random).await.unwrap(), 0);
    assert!(tx.is_read_only());

    // Two that the store lacks; the name of a third was imported before this version brought it.
    let imported = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:Y","Resource":"*"}]}"#;
    for name in ["AWSBatchServiceRole", "AmazonEKSClusterPolicy", "AWSXRayDaemonWriteAccess"] {
        let name = PolicyName::parse(name).unwrap();
        let policy = tx.find::<Policy>(AccountId::NONE, &name).await.unwrap().unwrap();
        tx.delete_policy(&policy).await.unwrap();
        if name.as_str() == "AWSXRayDaemonWriteAccess" {
            tx.create_policy(&Policy { id: new_id(&*w.deployment.random), ..policy }, imported.into()).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let mut tx = w.begin().await;
    assert_eq!(put_builtin_policies(&mut tx, w.cx().date(), &*w.deployment.random).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let document = async |arn: &str| {
        let version = w.ok::<op::GetPolicyVersion>(json!({"PolicyArn": arn, "VersionId": "v1"})).await;
        version["PolicyVersion"]["Document"].as_str().unwrap().to_owned()
    };
    assert_eq!(document("arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess").await, imported);
    let added = document("arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole").await;
    assert!(added.contains("ec2:RunInstances"), "{added}");
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
    let answer = |count: &str, outcome: &str| {
        let outcome = format!("MANAGED_POLICY_OUTCOME_{outcome}");
        json!({count: 1, "policies": [{"policyArn": arn, "outcome": outcome}]})
    };
    assert_eq!(first, answer("created", "CREATED"));
    let shown = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await["Policy"].clone();
    assert_eq!((&shown["PolicyId"], &shown["DefaultVersionId"]), (&json!("ANPAIWMBCKSKIEE64ZLYK"), &json!("v3")));
    assert_eq!(shown["CreateDate"], "2015-02-06T18:40:58Z");
    let again = w.ok::<op::ImportManagedPolicies>(batch(json!([policy(3, document)]))).await;
    assert_eq!(again, answer("unchanged", "UNCHANGED"));
    for (given, expected) in [(7, "v7"), (7, "v8"), (2, "v9"), (20, "v20"), (21, "v21"), (22, "v22")] {
        let changed = document.replace("x:Y", &format!("x:{expected}"));
        let updated = w.ok::<op::ImportManagedPolicies>(batch(json!([policy(given, &changed)]))).await;
        assert_eq!(updated, answer("updated", "UPDATED"));
        let shown = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await;
        assert_eq!(shown["Policy"]["DefaultVersionId"], expected);
        let version = w.ok::<op::GetPolicyVersion>(json!({"PolicyArn": arn, "VersionId": expected})).await;
        assert_eq!(version["PolicyVersion"]["Document"], changed);
    }
    let versions = w.ok::<op::ListPolicyVersions>(json!({"PolicyArn": arn})).await;
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 5);
    let twice = batch(json!([policy(1, document), policy(1, document)]));
    w.fails::<op::ImportManagedPolicies>(twice, "InvalidInput: the policy `Imported` is listed twice").await;
    let broken = w.call::<op::ImportManagedPolicies>(batch(json!([policy(1, "{}")]))).await.unwrap_err();
    assert_eq!(broken.code().wire(), "MalformedPolicyDocument");
    w.as_root("444455556666")
        .needs::<op::ImportManagedPolicies>(
            batch(json!([policy(1, document)])),
            &[&format!("bailiwick:ImportManagedPolicies * of {ACCOUNT}")],
        )
        .await;
}

#[tokio::test]
async fn policies_that_come_with_bailiwick_are_replaced_only_by_name() {
    let w = World::new().await;
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:Y","Resource":"*"}]}"#;
    let shown = async |name: &str| {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        let version = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await["Policy"]["DefaultVersionId"].clone();
        let version = w.ok::<op::GetPolicyVersion>(json!({"PolicyArn": arn, "VersionId": version})).await;
        version["PolicyVersion"]["Document"].as_str().unwrap().to_owned()
    };
    let built_in = shown("AdministratorAccess").await;
    // The case of a name and the path do not avoid it.
    for (name, path) in [("AdministratorAccess", "/"), ("administratorACCESS", "/"), ("AdministratorAccess", "/x/")] {
        let given = json!({"policyName": name, "path": path, "version": 7, "policyDocument": document});
        let answer = w.ok::<op::ImportManagedPolicies>(json!({"policies": [given]})).await;
        assert_eq!(answer["keptBuiltIn"], 1, "{name} {path}: {answer}");
        assert_eq!(answer["policies"][0]["outcome"], "MANAGED_POLICY_OUTCOME_KEPT_BUILT_IN");
        assert_eq!(shown("AdministratorAccess").await, built_in);
    }
    let same = json!({"policyName": "AdministratorAccess", "version": 1, "policyDocument": built_in});
    let answer = w.ok::<op::ImportManagedPolicies>(json!({"policies": [same]})).await;
    assert_eq!(answer["unchanged"], 1, "{answer}");
    let given = json!({"policyName": "AdministratorAccess", "version": 7, "policyDocument": document});
    let answer = w.ok::<op::ImportManagedPolicies>(json!({"policies": [given], "replaceBuiltIn": true})).await;
    assert_eq!(answer["updated"], 1, "{answer}");
    assert_eq!(shown("AdministratorAccess").await, document);
    // A later start adds what is new and leaves what was imported.
    let mut tx = w.begin().await;
    put_builtin_policies(&mut tx, w.cx().date(), &*w.deployment.random).await.unwrap();
    assert!(tx.is_read_only());
}

#[tokio::test]
async fn a_start_adds_missing_policies_and_leaves_imported_ones() {
    let w = World::new().await;
    let mut tx = w.begin().await;
    // As a store that an older version made, in which one of today's names was imported.
    let missing = tx.find::<Policy>(AccountId::NONE, &PolicyName::parse("ReadOnlyAccess").unwrap()).await.unwrap();
    tx.delete_policy(&missing.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:Y","Resource":"*"}]}"#;
    let imported = json!({"policyName": "SecurityAudit", "version": 40, "policyDocument": document});
    w.ok::<op::ImportManagedPolicies>(json!({"policies": [imported], "replaceBuiltIn": true})).await;
    let mut tx = w.begin().await;
    assert_eq!(put_builtin_policies(&mut tx, w.cx().date(), &*w.deployment.random).await.unwrap(), 1);
    tx.commit().await.unwrap();
    w.ok::<op::GetPolicy>(json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})).await;
    let kept = json!({"PolicyArn": "arn:aws:iam::aws:policy/SecurityAudit", "VersionId": "v40"});
    assert_eq!(w.ok::<op::GetPolicyVersion>(kept).await["PolicyVersion"]["Document"], document);
}
