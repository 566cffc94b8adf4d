//! Principals with many policies are decided by an index, which changes no decision and follows every change.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use bailiwick_decision::{Account, View, ViewBuilder, change};
use bailiwick_evaluator::{Context, Decision, Entity, Principal, Request, decide};
use bailiwick_model::{
    AccountId, AccountState, GroupName, IdKind, Partition, Path, PolicyName, PolicyRef, Tags, UniqueId, UserName,
};

const USERS: usize = 4;
const GROUPS: usize = 3;
const POLICIES: usize = 8;
const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "ec2:RunInstances"];

fn account() -> AccountId {
    AccountId::from_number(111_122_223_333).unwrap()
}

fn id(kind: IdKind, number: usize) -> UniqueId {
    UniqueId::new(kind, [number as u8; 17])
}

fn managed(number: usize) -> PolicyRef {
    PolicyRef { account: account(), id: id(IdKind::Policy, number) }
}

fn name(number: usize) -> PolicyName {
    PolicyName::parse(&format!("policy-{number}")).unwrap()
}

/// A document about two actions, one of which it denies now and then, and eight more: with few statements there is no
/// index.
fn document(seed: usize) -> String {
    let effect = if seed.is_multiple_of(5) { "Deny" } else { "Allow" };
    let (one, two) = (ACTIONS[seed % 4], ACTIONS[seed / 4 % 4]);
    let others: String = (0..8)
        .map(|number| format!(r#"{{"Effect":"Allow","Action":"logs:Action{number}","Resource":"*"}},"#))
        .collect();
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{others}{{"Effect":"Allow","Action":"{one}","Resource":"*"}},
        {{"Effect":"{effect}","Action":"{two}","Resource":"arn:aws:s3:::pond/*"}}]}}"#
    )
}

/// A change of the view, by number.
#[derive(Clone, Copy, Debug)]
struct Change {
    kind: usize,
    one: usize,
    two: usize,
    seed: usize,
}

fn apply(builder: &mut ViewBuilder, change: Change) {
    let Change { kind, one, two, seed } = change;
    let (user, group, policy) =
        (id(IdKind::User, one % USERS), id(IdKind::Group, two % GROUPS), managed(two % POLICIES));
    let holder = if seed.is_multiple_of(2) { user } else { group };
    match kind {
        0 | 1 | 12 | 13 => builder.attach(&holder, policy),
        2 => builder.detach(&holder, policy),
        3 => builder.add_member(&group, &user),
        4 => builder.remove_member(&group, &user),
        5 => builder.set_policy_version(policy, 1, document(seed)),
        6 => builder.set_inline_policy(&holder, &name(two % 3), &document(seed)),
        7 => builder.remove_inline_policy(&holder, name(two % 3).as_str()),
        8 => builder.remove_group(&group),
        9 => builder.set_group(change::Group {
            account: account(),
            id: group,
            name: GroupName::parse(&format!("group-{}", two % GROUPS)).unwrap(),
            path: Path::root(),
        }),
        10 if seed.is_multiple_of(7) => builder.remove_managed_policy(policy),
        _ => builder.set_managed_policy(change::ManagedPolicy {
            reference: policy,
            name: name(two % POLICIES),
            path: Path::root(),
            tags: Tags::new(),
            default_version: 1,
        }),
    }
}

fn builder() -> ViewBuilder {
    let mut builder = ViewBuilder::new(Partition::Aws);
    builder.set_account(Account {
        id: account(),
        state: AccountState::Active,
        management: true,
        sessions_valid_after: None,
    });
    for number in 0..USERS {
        let name = UserName::parse(&format!("user-{number}")).unwrap();
        builder.set_user(change::User::new(account(), id(IdKind::User, number), name));
    }
    builder
}

/// What is decided on each action of each user.
fn decisions(view: &View) -> Vec<Decision> {
    let mut all = Vec::new();
    for number in 0..USERS {
        let user = view.entity(&id(IdKind::User, number)).unwrap();
        let arn = user.arn(view.partition());
        let principal = Principal::User {
            account: account().into(),
            user: Entity { arn: arn.as_str(), unique_id: Some(user.id.as_str()) },
        };
        for action in ACTIONS {
            let request = Request {
                principal,
                action,
                resource: "arn:aws:s3:::pond/reed",
                resource_account: account().into(),
                context: Context::default(),
            };
            all.push(decide(&request, &view.effective_policies(&user.id).unwrap().policies()));
        }
    }
    all
}

#[test]
fn indexes_follow_every_change() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % bound
    };
    let (mut indexed, mut outcomes) = (0, std::collections::HashSet::new());
    for _ in 0..20 {
        let (mut live, mut changes) = (builder(), Vec::new());
        for version in 1..60 {
            for _ in 0..1 + next(2) {
                let change = Change { kind: next(14), one: next(64), two: next(64), seed: next(1000) };
                apply(&mut live, change);
                changes.push(change);
            }
            let mut fresh = builder();
            changes.iter().for_each(|change| apply(&mut fresh, *change));
            // No index is built at the first use.
            let expected = decisions(&fresh.publish(1));
            let view = live.publish(version);
            for _ in 0..3 {
                assert_eq!(decisions(&view), expected, "{changes:?}");
            }
            let users = (0..USERS).map(|number| view.effective_policies(&id(IdKind::User, number)).unwrap());
            indexed += users.filter(|policies| policies.policies().indexed.is_some()).count();
            outcomes.extend(expected.iter().map(|decision| decision.outcome));
        }
    }
    assert!(indexed > 400 && outcomes.len() == 3, "{indexed} {outcomes:?}");
}
