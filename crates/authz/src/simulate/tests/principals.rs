//! Simulations of what an identity holds, and the context keys that policies ask for.

use bailiwick_api::iam::{
    GetContextKeysForCustomPolicyRequest, GetContextKeysForPrincipalPolicyRequest, SimulateCustomPolicyRequest,
    SimulatePrincipalPolicyRequest,
};

use super::*;

#[tokio::test]
async fn a_principal_is_simulated_with_all_policies() {
    let theatre = SimulationEnv::new().await;
    let env = &theatre.env;
    let alice = env.user(MAIN, "Alice", &allow("s3:GetObject", "*")).await;
    env.group("staff", &allow("s3:PutObject", "*"), &[&alice]).await;
    let managed = env.managed("queues", &allow("sqs:*", "*")).await;
    let mut tx = env.tx().await;
    let snapshot = env.snapshots.current().unwrap();
    let policy = snapshot.managed_policy(&managed).unwrap().reference();
    let policy = tx.find_policy(policy).await.unwrap().unwrap();
    tx.attach_policy(&(&alice).into(), &policy).await.unwrap();
    env.commit(tx).await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
    env.role(
        MAIN,
        "Heron",
        trust,
        &statement("Allow", "s3:*", "*", r#"{"StringEquals":{"aws:PrincipalTag/Team":"roles"}}"#),
    )
    .await;
    let check = async |source: &str, action: &str, expected: &str, by: &[&str]| {
        let results = theatre.principal(of(source, &[action], &[])).await.unwrap();
        assert_eq!(
            (decision(&results[0]), &matched(&results[0])[..]),
            (expected, &strings(by)[..]),
            "{source} {action}"
        );
    };
    check(ALICE, "s3:GetObject", "allowed", &["user_Alice_own (IAM Policy)"]).await;
    check(ALICE, "s3:PutObject", "allowed", &["group_staff_own (IAM Policy)"]).await;
    check(ALICE, "sqs:SendMessage", "allowed", &["queues (IAM Policy)"]).await;
    check(ALICE, "s3:DeleteObject", "implicitDeny", &[]).await;
    let staff = "arn:aws:iam::111122223333:group/staff";
    check(staff, "s3:PutObject", "allowed", &["group_staff_own (IAM Policy)"]).await;
    check(staff, "s3:GetObject", "implicitDeny", &[]).await;
    let heron = "arn:aws:iam::111122223333:role/ponds/Heron";
    check(heron, "s3:GetObject", "allowed", &["role_Heron_own (IAM Policy)"]).await;
    // Whether one may assume a role is, without its trust policy, for the caller's own policies to say.
    check(ALICE, "sts:AssumeRole", "implicitDeny", &[]).await;
    let input = allow("sts:AssumeRole", heron);
    let request = of(ALICE, &["sts:AssumeRole"], &[heron, "arn:aws:iam::444455556666:role/Ibis"]);
    let request = SimulatePrincipalPolicyRequest { policy_input_list: vec![input], ..request };
    let result = theatre.principal(request).await.unwrap().remove(0);
    let decisions = result.resource_specific_results.iter().map(|one| one.eval_resource_decision.as_deref().unwrap());
    assert_eq!(decisions.collect::<Vec<_>>(), ["allowed", "implicitDeny"]);
    assert_eq!(answered(&result.resource_specific_results[0].matched_statements), ["PolicyInputList.1 (IAM Policy)"]);
    for (source, code) in [
        ("arn:aws:iam::111122223333:user/Nobody", "NoSuchEntity"),
        ("arn:aws:iam::111122223333:user/path/Alice", "NoSuchEntity"),
        ("arn:aws:iam::111122223333:group/nobody", "NoSuchEntity"),
        ("arn:aws:iam::111122223333:role/Heron", "NoSuchEntity"),
        ("arn:aws:iam::111122223333:root", "InvalidInput"),
        ("arn:aws:iam::111122223333:policy/queues", "InvalidInput"),
        ("arn:aws:sts::111122223333:assumed-role/Heron/x", "InvalidInput"),
        ("Alice at the pond by the mill", "InvalidInput"),
        // Another account's are its own to simulate.
        ("arn:aws:iam::444455556666:user/Alice", "AccessDenied"),
    ] {
        let error = theatre.principal(of(source, &["s3:GetObject"], &[])).await.unwrap_err();
        assert_eq!(error.code().wire(), code, "{source}");
    }
}

#[tokio::test]
async fn a_boundary_limits_and_is_shown() {
    let theatre = SimulationEnv::new().await;
    theatre.env.user(MAIN, "Alice", &allow("s3:*", "*")).await;
    let check = async |boundary: &str, expected: &str, within: bool, by: &[&str]| {
        let request = SimulatePrincipalPolicyRequest {
            permissions_boundary_policy_input_list: strings(&[boundary]),
            ..of(ALICE, &["s3:GetObject"], &["arn:aws:s3:::bank/a"])
        };
        let result = theatre.principal(request).await.unwrap().remove(0);
        assert_eq!((decision(&result), &matched(&result)[..]), (expected, &strings(by)[..]));
        let specific = result.resource_specific_results[0].permissions_boundary_decision_detail;
        for detail in [result.permissions_boundary_decision_detail, specific] {
            assert_eq!(detail.unwrap().allowed_by_permissions_boundary, Some(within));
        }
    };
    let own = "user_Alice_own (IAM Policy)";
    check(&allow("s3:Get*", "*"), "allowed", true, &[own]).await;
    check(&allow("sqs:*", "*"), "implicitDeny", false, &[]).await;
    let deny = statement("Deny", "s3:*", "*", "{}");
    check(&deny, "explicitDeny", false, &["PermissionsBoundaryPolicyInputList.1 (Permissions Boundary Policy)"]).await;
    let results = theatre.principal(of(ALICE, &["s3:GetObject"], &[])).await.unwrap();
    assert_eq!(results[0].permissions_boundary_decision_detail, None);
    let two = SimulatePrincipalPolicyRequest {
        permissions_boundary_policy_input_list: strings(&[&deny, &deny]),
        ..of(ALICE, &["s3:GetObject"], &[])
    };
    assert_eq!(theatre.principal(two).await.unwrap_err().code().wire(), "InvalidInput");
}

#[tokio::test]
async fn the_simulated_caller_has_only_keys_that_the_simulating_caller_may_know() {
    let theatre = SimulationEnv::new().await;
    let condition = r#"{"StringEquals":{"aws:PrincipalTag/Team":"reeds"}}"#;
    theatre.env.user(MAIN, "Alice", &statement("Allow", "s3:*", "*", condition)).await;
    theatre.env.user(MAIN, "Bob", "").await;
    let results = theatre.principal(of(ALICE, &["s3:GetObject"], &[])).await.unwrap();
    assert_eq!(decision(&results[0]), "allowed");
    // As Bob, with Alice's policies: permission for hers does not include Bob's tags.
    let bob = "arn:aws:iam::111122223333:user/Bob";
    let request = SimulatePrincipalPolicyRequest { caller_arn: Some(bob.into()), ..of(ALICE, &["s3:GetObject"], &[]) };
    let results = theatre.principal(request).await.unwrap();
    assert_eq!(
        (decision(&results[0]), &results[0].missing_context_values[..]),
        ("implicitDeny", &strings(&["aws:PrincipalTag/Team"])[..])
    );
    let identity = statement("Allow", "s3:*", "*", r#"{"StringEquals":{"aws:username":"Bob"}}"#);
    let request =
        SimulateCustomPolicyRequest { caller_arn: Some(bob.into()), ..custom(&[&identity], &["s3:GetObject"], &[]) };
    assert_eq!(decision(&theatre.one(request).await), "allowed");
    // A given key goes before.
    let request = SimulatePrincipalPolicyRequest {
        context_entries: vec![entry("aws:PrincipalTag/team", Some("string"), &["frogs"])],
        ..of(ALICE, &["s3:GetObject"], &[])
    };
    assert_eq!(decision(&theatre.principal(request).await.unwrap()[0]), "implicitDeny");
}

#[tokio::test]
async fn each_context_key_is_listed_once() {
    let theatre = SimulationEnv::new().await;
    let condition = r#"{"StringEquals":{"aws:PrincipalTag/Team":"${aws:username}","S3:Prefix":"a"}}"#;
    let first = statement("Allow", "s3:*", "*", condition);
    let second =
        statement("Allow", "s3:*", "arn:aws:s3:::${aws:UserName}", r#"{"Bool":{"aws:SecureTransport":"true"}}"#);
    let bucket = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}}"#;
    let ask = async |policies: &[&str]| {
        let request = GetContextKeysForCustomPolicyRequest { policy_input_list: strings(policies) };
        theatre.env.call::<op::GetContextKeysForCustomPolicy>(&theatre.director, request).await
    };
    let keys = ask(&[&first, &second, bucket]).await.unwrap().context_key_names;
    let expected = ["aws:PrincipalTag/Team", "aws:username", "S3:Prefix", "aws:SecureTransport", "aws:SourceVpc"];
    assert_eq!(keys, expected);
    let error = ask(&[&first, "[]"]).await.unwrap_err();
    assert_eq!(error.code().wire(), "InvalidInput");
    assert!(error.message().starts_with("PolicyInputList.2: "), "{error}");

    let alice = theatre.env.user(MAIN, "Alice", &first).await;
    theatre.env.group("staff", &second, &[&alice]).await;
    let check = async |source: &str, expected: &[&str]| {
        let request = GetContextKeysForPrincipalPolicyRequest {
            policy_source_arn: Some(source.into()),
            policy_input_list: vec![statement("Allow", "s3:*", "*", r#"{"Null":{"s3:Other":"true"}}"#)],
        };
        let answer = theatre.env.call::<op::GetContextKeysForPrincipalPolicy>(&theatre.director, request).await;
        assert_eq!(answer.unwrap().context_key_names, expected, "{source}");
    };
    let everything = ["aws:PrincipalTag/Team", "aws:username", "S3:Prefix", "aws:SecureTransport", "s3:Other"];
    check(ALICE, &everything).await;
    check("arn:aws:iam::111122223333:group/staff", &["aws:UserName", "aws:SecureTransport", "s3:Other"]).await;
}

#[tokio::test]
async fn simulating_needs_a_permission_for_the_identity() {
    let theatre = SimulationEnv::new().await;
    theatre.env.user(MAIN, "Alice", "").await;
    theatre.env.group("staff", "", &[]).await;
    let policy = statement(
        "Allow",
        "iam:SimulatePrincipalPolicy",
        ALICE,
        r#"{"StringEquals":{"iam:ResourceTag/Team":"reeds"}}"#,
    );
    let clerk = theatre.env.user(MAIN, "clerk", &policy).await;
    let clerk = theatre.env.prove(&theatre.env.key(MAIN, Some(&clerk)).await).await.unwrap();
    for (source, expected) in [(ALICE, None), ("arn:aws:iam::111122223333:group/staff", Some("AccessDenied"))] {
        let answer = theatre.env.call::<op::SimulatePrincipalPolicy>(&clerk, of(source, &["s3:GetObject"], &[])).await;
        assert_eq!(answer.err().map(|error| error.code().wire()), expected, "{source}");
    }
    let answer = theatre.env.call::<op::SimulateCustomPolicy>(&clerk, custom(&[], &["s3:GetObject"], &[])).await;
    assert_eq!(answer.unwrap_err().code().wire(), "AccessDenied");
}
