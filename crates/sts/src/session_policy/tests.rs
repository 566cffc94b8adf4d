use bailiwick_model::{IdKind, Path, Tags, UniqueId};

use super::*;
use crate::testing::{MAIN, account, now, world};

const ALLOW: &str =
    r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } }"#;

fn read(inline: Option<&str>, arns: &[&str]) -> Result<SessionPolicies> {
    let arns: Vec<_> = arns.iter().map(|arn| PolicyDescriptorType { arn: Some((*arn).to_owned()) }).collect();
    SessionPolicies::read(inline, &arns, Partition::Aws)
}

fn refused(inline: Option<&str>, arns: &[&str]) -> (&'static str, String) {
    crate::testing::refusal(read(inline, arns))
}

#[test]
fn session_policies_are_stored_without_white_space() {
    let read = read(Some(ALLOW), &[]).unwrap();
    let expected = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    assert_eq!(read.inline.as_deref(), Some(expected));
}

#[test]
fn malformed_session_policies_are_refused() {
    // AWS's messages, without our explanation, which is a detail of the error.
    let syntax = "Syntax errors in policy.";
    let json = "The policy is not in the valid JSON format.";
    for (bad, expected) in [
        ("", json),
        ("{}", syntax),
        ("not json", json),
        (&ALLOW.replace("Allow", "Perhaps"), syntax),
        (
            &ALLOW.replace("\"Resource\"", "\"Principal\":\"*\",\"Resource\""),
            "Policy document should not specify a principal.",
        ),
    ] {
        assert_eq!(refused(Some(bad), &[]), ("MalformedPolicyDocument", expected.into()), "{bad}");
        let Err(error) = read(Some(bad), &[]) else { panic!("{bad} was accepted") };
        let [(name, explanation)] = error.fields() else { panic!("{error:?}") };
        assert!(name == "Policy" && explanation != expected, "{explanation}");
    }
    assert_eq!(refused(None, &["policy"]), ("ValidationError", "policy is invalid".into()));
}

#[test]
fn limits_count_white_space_and_arns() {
    let padded = |n: usize| format!("{ALLOW}{}", " ".repeat(n - ALLOW.len()));
    assert!(read(Some(&padded(2048)), &[]).is_ok());
    let (code, message) = refused(Some(&padded(2049)), &[]);
    assert_eq!(code, "ValidationError");
    assert!(
        message
            .ends_with("at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048")
    );
    let arns = ["arn:aws:iam::aws:policy/X"; 11];
    assert!(read(None, &arns[..10]).is_ok());
    assert!(refused(None, &arns).1.contains("'policyArns'"));
}

#[tokio::test]
async fn managed_session_policies_belong_to_the_roles_account_or_the_deployment() {
    let world = world().await;
    let mut tx = world.begin().await;
    for (owner, path, name) in [(account(MAIN), "/team/", "Narrow"), (AccountId::NONE, "/", "ReadOnlyAccess")] {
        let policy = Policy {
            account: owner,
            id: UniqueId::new(IdKind::Policy, [name.len() as u8; 17]),
            name: PolicyName::parse(name).unwrap(),
            path: Path::parse(path).unwrap(),
            created: now(),
            updated: now(),
            description: None,
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        tx.create_policy(&policy, ALLOW.to_owned()).await.unwrap();
    }
    for (arn, found) in [
        ("arn:aws:iam::111122223333:policy/team/Narrow", Some("arn:aws:iam::111122223333:policy/team/Narrow")),
        ("arn:aws:iam::111122223333:policy/team/NARROW", Some("arn:aws:iam::111122223333:policy/team/Narrow")),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", Some("arn:aws:iam::aws:policy/ReadOnlyAccess")),
        ("arn:aws:iam::111122223333:policy/Narrow", None),
        ("arn:aws:iam::444455556666:policy/team/Narrow", None),
        ("arn:aws:iam::aws:policy/team/Narrow", None),
        ("arn:aws-cn:iam::aws:policy/ReadOnlyAccess", None),
        ("arn:aws:iam::111122223333:role/team/Narrow", None),
        ("arn:aws:s3:::bucket", None),
    ] {
        let read = read(None, &[arn]).unwrap();
        let stored = read.managed(&mut tx, account(MAIN), Partition::Aws).await;
        match found {
            Some(found) => {
                let stored = stored.unwrap().remove(0);
                let id = UniqueId::new(IdKind::Policy, [stored.arn.typed_resource().unwrap().2.len() as u8; 17]);
                assert_eq!((stored.arn.as_str(), stored.policy.id), (found, id));
            }
            None => {
                let (code, message) = crate::testing::refusal(stored);
                assert_eq!(code, "ValidationError");
                assert!(message.starts_with(&format!("Policy {arn} was not found.")), "{message}");
            }
        }
    }
}
