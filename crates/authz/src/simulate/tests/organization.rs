//! Simulations with the service control policies of an organization, and without some stored policies.

use bailiwick_api::iam::{InlinePolicyIdentifierType, OrderedOrganizationPolicyType, PolicyIdentifier};

use super::*;

fn levels(levels: &[&[&str]]) -> Vec<OrderedOrganizationPolicyType> {
    let level = |texts: &&[&str]| OrderedOrganizationPolicyType { service_control_policy_input_list: strings(texts) };
    levels.iter().map(level).collect()
}

#[tokio::test]
async fn each_level_of_an_organization_must_allow() {
    let theatre = SimulationEnv::new().await;
    let (all, queues) = (&*allow("*", "*"), &*allow("sqs:*", "*"));
    let objects = &*allow("s3:*", "*");
    let no_get = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}}"#;
    for (organization, expected) in [
        (levels(&[]), ("allowed", None)),
        (levels(&[&[all]]), ("allowed", Some(true))),
        (levels(&[&[all], &[objects]]), ("allowed", Some(true))),
        (levels(&[&[queues, objects], &[all]]), ("allowed", Some(true))),
        (levels(&[&[all], &[queues]]), ("implicitDeny", Some(false))),
        (levels(&[&[queues], &[all]]), ("implicitDeny", Some(false))),
        (levels(&[&[all], &[all, no_get]]), ("explicitDeny", Some(false))),
    ] {
        let request = custom(&[&allow("s3:GetObject", "*")], &["s3:GetObject"], &[]);
        let request =
            SimulateCustomPolicyRequest { ordered_organization_policy_input_list: organization.clone(), ..request };
        let result = theatre.one(request).await;
        let detail = result.organizations_decision_detail.as_ref();
        let allowed = detail.and_then(|detail| detail.allowed_by_organizations);
        assert_eq!((decision(&result), allowed), expected, "{organization:?}");
    }
    // Service control policies grant nothing.
    let request = custom(&[queues], &["s3:GetObject"], &[]);
    let granting = levels(&[&[all]]);
    let request = SimulateCustomPolicyRequest { ordered_organization_policy_input_list: granting, ..request };
    assert_eq!(decision(&theatre.one(request).await), "implicitDeny");
    for bad in [levels(&[&[all], &[]]), levels(&[&["{}"]]), levels(&[&["no JSON"]])] {
        let request = custom(&[objects], &["s3:GetObject"], &[]);
        let request = SimulateCustomPolicyRequest { ordered_organization_policy_input_list: bad, ..request };
        let error = theatre.custom(request).await.unwrap_err();
        assert_eq!(error.code().wire(), "InvalidInput", "{error}");
    }
}

fn kind(kind: &str) -> PolicyIdentifier {
    PolicyIdentifier { policy_type: Some(kind.into()), ..PolicyIdentifier::default() }
}

fn arn(arn: &str) -> PolicyIdentifier {
    PolicyIdentifier { policy_arn: Some(arn.into()), ..PolicyIdentifier::default() }
}

fn inline(name: &str, kind: &str, holder: &str) -> PolicyIdentifier {
    let inline = InlinePolicyIdentifierType {
        policy_name: Some(name.into()),
        attachment_type: Some(kind.into()),
        attachment_name: Some(holder.into()),
    };
    PolicyIdentifier { inline_policy_identifier: Some(inline), ..PolicyIdentifier::default() }
}

#[tokio::test]
async fn excluded_policies_take_no_part() {
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
    let staff = "arn:aws:iam::111122223333:group/staff";
    let every = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"];
    for (source, exclusions, expected) in [
        (ALICE, vec![], "s3:GetObject s3:PutObject sqs:SendMessage"),
        (ALICE, vec![kind("inline")], "sqs:SendMessage"),
        (ALICE, vec![kind("user-managed")], "s3:GetObject s3:PutObject"),
        (ALICE, vec![kind("aws-managed"), kind("scp"), kind("rcp")], "s3:GetObject s3:PutObject sqs:SendMessage"),
        (ALICE, vec![kind("inline"), kind("user-managed")], ""),
        (ALICE, vec![arn(managed.as_str())], "s3:GetObject s3:PutObject"),
        (ALICE, vec![arn("arn:aws:iam::111122223333:policy/q*")], "s3:GetObject s3:PutObject"),
        (ALICE, vec![arn("arn:aws:iam::444455556666:policy/*")], "s3:GetObject s3:PutObject sqs:SendMessage"),
        (ALICE, vec![inline("own", "user", "Alice")], "s3:PutObject sqs:SendMessage"),
        (ALICE, vec![inline("own", "group", "staff")], "s3:GetObject sqs:SendMessage"),
        (ALICE, vec![inline("own", "role", "Alice")], "s3:GetObject s3:PutObject sqs:SendMessage"),
        (staff, vec![inline("own", "group", "staff")], ""),
        (staff, vec![inline("own", "user", "Alice")], "s3:PutObject"),
    ] {
        let request =
            SimulatePrincipalPolicyRequest { policy_exclusion_list: exclusions.clone(), ..of(source, &every, &[]) };
        let results = theatre.principal(request).await.unwrap();
        let allowed = results.iter().filter(|result| decision(result) == "allowed");
        let allowed: Vec<_> = allowed.map(|result| result.eval_action_name.clone().unwrap()).collect();
        assert_eq!(allowed.join(" "), expected, "{source} {exclusions:?}");
    }
    let both = PolicyIdentifier { policy_arn: Some(managed.to_string()), ..kind("inline") };
    for bad in [PolicyIdentifier::default(), both, arn("arn:aws:iam::aws:role/admin"), arn("arn:aws:iam::*:policy/x")] {
        let request = SimulatePrincipalPolicyRequest { policy_exclusion_list: vec![bad], ..of(ALICE, &every, &[]) };
        assert_eq!(theatre.principal(request).await.unwrap_err().code().wire(), "InvalidInput");
    }
}
