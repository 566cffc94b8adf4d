use crate::tests::*;
use crate::{DecidedBy, DocumentPlace};
use bailiwick_operation::{AuthorizationDetails, ContextText, DecisionRecord, LayerCheck};

use super::*;

impl TestEnv {
    /// Decides checks; returns what is on record of them, with the details if they are denied.
    async fn recorded(&self, who: &Authenticated, checks: &[Check]) -> (DecisionRecord, Option<ExplainedDenial>) {
        let (snapshot, cx) = (self.snapshots.current().unwrap(), self.cx(who));
        let mut decided = DecidedBy::new(false);
        let outcome = self.authz.decide_all(&snapshot, who, &cx, checks, &mut decided).await;
        let denied = decided.denied().map(|at| {
            assert_eq!(code(outcome), "AccessDenied");
            self.authz.explain_denial(&snapshot, who, &cx, &checks[..=at]).unwrap()
        });
        (decided.record().unwrap().clone(), denied)
    }
}

fn layers(details: &AuthorizationDetails) -> Vec<(&str, &str)> {
    let denied = details.evaluations.last().unwrap();
    denied.checks.iter().map(|check| (&*check.check_type, &*check.evaluated_effect)).collect()
}

fn statements(check: &LayerCheck) -> Vec<(&str, &str, u32)> {
    let mut all = Vec::new();
    for policy in &check.matched_policies {
        all.extend(policy.matched_statements.iter().map(|at| (&*policy.uri, &*at.sid, at.index)));
    }
    all
}

#[tokio::test]
async fn the_first_denied_check_is_on_record_otherwise_the_first_one() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", &allow("iam:Get*", "*")).await;
    env.group("staff", &allow("iam:List*", "*"), &[&alice]).await;
    let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
    let bob = arn("arn:aws:iam::111122223333:user/Bob");
    let get = || Check::new("iam:GetUser", &bob);
    let list = Check::without_resource("iam:ListUsers", account(MAIN));
    let (allowed, denied) = env.recorded(&who, &[get(), list]).await;
    let statement = allowed.statement.unwrap();
    assert_eq!((&*allowed.outcome, &*allowed.step, &*allowed.action), ("ALLOW", "IDENTITY_POLICY", "iam:GetUser"));
    assert_eq!((&*allowed.resource, &*statement.attached_to), ("", "arn:aws:iam::111122223333:user/Alice"));
    assert!(denied.is_none() && statement.version.is_empty());
    let (denied, explained) = env.recorded(&who, &[get(), Check::new("iam:DeleteUser", &bob), get()]).await;
    assert_eq!(
        (&*denied.outcome, &*denied.step, &*denied.action),
        ("IMPLICIT_DENY", "IDENTITY_POLICY", "iam:DeleteUser")
    );
    assert_eq!((&*denied.resource, denied.statement), ("arn:aws:iam::111122223333:user/Bob", None));
    assert_eq!(denied.policy_type, "IDENTITY_BASED_POLICY");
    let explained = explained.unwrap();
    assert_eq!(explained.details.evaluations.len(), 2, "what came after the denial was not decided");
    assert_eq!(layers(&explained.details), [("PRINCIPAL", "IMPLICIT_DENY")]);
    let first = &explained.details.evaluations[0];
    assert_eq!((&*first.action, &*first.evaluated_effect), ("iam:GetUser", "ALLOW"));
    // Both policies took part, and their documents can be found.
    assert_eq!(explained.details.policies.len(), 2);
    assert!(explained.documents.iter().all(|place| matches!(place, DocumentPlace::Inline { .. })));
    let holders: Vec<_> = explained.details.policies.iter().flat_map(|policy| &policy.attached_to).collect();
    assert_eq!(holders, ["arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::111122223333:group/staff"]);
    assert_eq!(explained.details.request_context["aws:username"], ContextText::One("Alice".into()));
    // Nothing is built for an allowed call that gets no record.
    let (snapshot, cx) = (env.snapshots.current().unwrap(), env.cx(&who));
    let mut decided = DecidedBy::new(true);
    env.authz.decide_all(&snapshot, &who, &cx, &[get()], &mut decided).await.unwrap();
    assert_eq!(decided.record(), None);
}

#[tokio::test]
async fn an_explicit_deny_names_its_statement() {
    let env = TestEnv::new().await;
    let document = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
        {"Sid": "NoUsers", "Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]}"#;
    let alice = env.user(MAIN, "Alice", document).await;
    let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
    let create = Check::new("iam:CreateUser", &arn("arn:aws:iam::111122223333:user/Bob"));
    let (denied, explained) = env.recorded(&who, &[create]).await;
    let statement = denied.statement.unwrap();
    assert_eq!((&*denied.outcome, &*denied.step), ("EXPLICIT_DENY", "EXPLICIT_DENY"));
    assert_eq!((&*statement.sid, statement.index), ("NoUsers", 1));
    let details = explained.unwrap().details;
    assert_eq!(layers(&details), [("PRINCIPAL", "EXPLICIT_DENY")]);
    let uri = format!("inline:arn:aws:iam::111122223333:user/Alice:policy/{}", statement.policy);
    assert!(statements(&details.evaluations[0].checks[0]).contains(&(&*uri, "NoUsers", 1)));
    assert!(details.text.unwrap().contains("NoUsers"));
}

/// A trust policy belongs to the account of the role.
#[tokio::test]
async fn nothing_of_another_accounts_trust_policy_is_on_record() {
    let env = TestEnv::new().await;
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Hush", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]}"#;
    let role = env.role(MAIN, "Diver", trust, &allow("s3:*", "*")).await;
    let assume = || {
        Check::new("sts:AssumeRole", &arn("arn:aws:iam::111122223333:role/Diver"))
            .key("aws:ResourceTag/hush", "hush")
            .trust(Some(role.id))
    };
    for (of, name) in [(MAIN, "Alice"), (OTHER, "Eve")] {
        let user = env.user(of, name, &allow("sts:AssumeRole", "*")).await;
        let who = env.prove(&env.key(of, Some(&user)).await).await.unwrap();
        let (denied, explained) = env.recorded(&who, &[assume()]).await;
        let explained = explained.unwrap();
        let all = format!("{denied:?} {explained:?}");
        let effects = layers(&explained.details);
        if of == MAIN {
            assert_eq!((&*denied.outcome, &*denied.statement.unwrap().sid), ("EXPLICIT_DENY", "Hush"));
            assert_eq!(effects, [("RESOURCE", "EXPLICIT_DENY"), ("PRINCIPAL", "ALLOW")]);
            assert!(all.contains("trust-policy") && all.contains("aws:ResourceTag/hush"));
        } else {
            assert_eq!((&*denied.outcome, &*denied.step, denied.statement), ("IMPLICIT_DENY", "WITHHELD", None));
            assert_eq!(effects, [("RESOURCE", "IMPLICIT_DENY"), ("PRINCIPAL", "ALLOW")]);
            assert_eq!(explained.details.text, None);
            assert!(!all.contains("Hush") && !all.contains("hush") && !all.contains("trust-policy"), "{all}");
        }
    }
}
