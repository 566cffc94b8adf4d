use bailiwick_api::iam as pb;

use super::*;
use crate::commands::import::account::rewrite::Mode;

const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const DENY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#;

/// Checks the verdicts and steps of a file against an account with the objects of another file.
fn check(file: Details, account: &Details, expected: &[(&str, &str)]) {
    let place = |account: &str| Place { partition: "aws".into(), account: account.into() };
    let target = place("222222222222");
    let rewrite = Rewrite::new(Mode::All, place("111111111111"), target.clone());
    let mut state = State::default();
    state.add(&pb::GetAccountAuthorizationDetailsResponse {
        user_detail_list: account.users.clone(),
        role_detail_list: account.roles.clone(),
        ..Default::default()
    });
    let planner = Planner { file: &file, state: &state, rewrite: &rewrite, target: &target, keep_existing: false };
    let said: Vec<(String, String)> = planner
        .plan()
        .into_iter()
        .map(|object| {
            let steps: Vec<String> = object.steps.iter().chain(&object.last).map(|step| step.what.clone()).collect();
            let said = match object.verdict {
                Verdict::Blocked(why) => why.join("; "),
                Verdict::Equal => "equal".to_owned(),
                _ => steps.join("; "),
            };
            (object.name, said)
        })
        .collect();
    let said: Vec<(&str, &str)> = said.iter().map(|(name, said)| (name.as_str(), said.as_str())).collect();
    assert_eq!(said, expected);
}

fn user(name: &str, policies: &[(&str, &str)], boundary: Option<&str>) -> pb::UserDetail {
    let inline = |(name, document): &(&str, &str)| pb::PolicyDetail {
        policy_name: Some((*name).to_owned()),
        policy_document: Some((*document).to_owned()),
    };
    pb::UserDetail {
        user_name: Some(name.to_owned()),
        user_policy_list: policies.iter().map(inline).collect(),
        permissions_boundary: boundary.map(|name| pb::AttachedPermissionsBoundary {
            permissions_boundary_arn: Some(format!("arn:aws:iam::111111111111:policy/{name}")),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn role(name: &str, trusts: &str) -> pb::RoleDetail {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{trusts}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    pb::RoleDetail {
        role_name: Some(name.to_owned()),
        assume_role_policy_document: Some(document),
        ..Default::default()
    }
}

fn users(users: impl IntoIterator<Item = pb::UserDetail>) -> Details {
    Details { users: users.into_iter().collect(), ..Details::default() }
}

#[test]
fn what_narrows_comes_before_what_widens() {
    let old = users([user("u", &[("keep", ALLOW), ("gone", ALLOW), ("stop", DENY), ("turn", ALLOW)], None)]);
    let new = users([user("u", &[("keep", ALLOW), ("new", ALLOW), ("no", DENY), ("turn", DENY)], None)]);
    let steps = [
        "put inline policy no",
        "replace inline policy turn",
        "delete inline policy gone",
        "put inline policy new",
        "delete inline policy stop",
    ];
    check(new, &old, &[("user/u", &steps.join("; "))]);
}

#[test]
fn what_is_equal_or_double_or_needs_something_is_said() {
    let old = users([user("a", &[("x", ALLOW)], None), user("C", &[], None)]);
    let spaced = ALLOW.replace(':', " : ");
    let spaced = spaced.replace("s3 : *", "s3:*");
    check(
        users([
            user("a", &[("x", &spaced)], None),
            user("b", &[], None),
            user("B", &[], None),
            user("c", &[], None),
            user("d", &[], Some("Missing")),
        ]),
        &old,
        &[
            ("user/a", "equal"),
            ("user/b", "create it"),
            ("user/B", "the file has it twice"),
            ("user/c", "the account has it as `C`"),
            ("user/d", "it needs policy/Missing, which neither the file nor the account has"),
        ],
    );
}

#[test]
fn roles_that_trust_each_other_are_loaded_or_blocked_together() {
    let roles = |last: &str| Details {
        roles: vec![
            role("a", "222222222222:role/b"),
            role("b", "222222222222:role/c"),
            role("c", "222222222222:role/a"),
            role("d", last),
        ],
        ..Details::default()
    };
    let made = "create it; set the trust policy";
    let expected = [("role/a", made), ("role/b", made), ("role/c", made), ("role/d", made)];
    check(roles("333333333333:role/other"), &Details::default(), &expected);
    let mut broken = roles("222222222222:role/a");
    broken.roles[2].assume_role_policy_document = Some("{}".into());
    let refused = "trust policy: line 1, column 1: no statement, found no `Statement`, expected at least one statement";
    let said = [
        ("role/a", "it needs role/b, which cannot be loaded"),
        ("role/b", "it needs role/c, which cannot be loaded"),
        ("role/c", refused),
        ("role/d", "it needs role/a, which cannot be loaded"),
    ];
    check(broken, &Details::default(), &said);
}
