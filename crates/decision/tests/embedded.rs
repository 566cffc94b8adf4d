//! A program without a store builds a view from typed changes and decides on it.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::sync::Arc;

use bailiwick_decision::evaluator::{ContextValue, Decision, Outcome, decide};
use bailiwick_decision::{
    Account, Caller, Credential, DecisionInput, Principal, ResourcePolicy, Session, SessionKind, Subject, SubjectKind,
    Trust, View, ViewBuilder, change, compile_session_policy,
};
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, AccountState, GroupName, IdKind, Partition, Path, PolicyName, PolicyRef,
    RoleName, SessionName, Tags, UniqueId, UserName,
};
use jiff::Timestamp;

fn account() -> AccountId {
    AccountId::from_number(111_122_223_333).unwrap()
}

fn id(kind: IdKind, number: u8) -> UniqueId {
    UniqueId::new(kind, [number; 17])
}

fn ana() -> UniqueId {
    id(IdKind::User, 1)
}

fn ben() -> UniqueId {
    id(IdKind::User, 2)
}

fn staff() -> UniqueId {
    id(IdKind::Group, 1)
}

fn deployer() -> UniqueId {
    id(IdKind::Role, 1)
}

fn managed(number: u8) -> PolicyRef {
    PolicyRef { account: account(), id: id(IdKind::Policy, number) }
}

fn document(effect: &str, action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#)
}

fn policy(number: u8, name: &str) -> change::ManagedPolicy {
    change::ManagedPolicy {
        reference: managed(number),
        name: PolicyName::parse(name).unwrap(),
        path: Path::root(),
        tags: Tags::new(),
        default_version: 1,
    }
}

fn user(id: UniqueId, name: &str) -> change::User {
    change::User::new(account(), id, UserName::parse(name).unwrap())
}

fn group(id: UniqueId, name: &str) -> change::Group {
    change::Group { account: account(), id, name: GroupName::parse(name).unwrap(), path: Path::root() }
}

/// Ana may get objects by an inline policy and list them by a policy of a group, within a permissions boundary. Ben
/// may assume the role, which may do everything in S3.
fn builder() -> ViewBuilder {
    let mut builder = ViewBuilder::new(Partition::Aws);
    builder.set_account(Account {
        id: account(),
        state: AccountState::Active,
        management: true,
        sessions_valid_after: None,
    });
    for (number, name, effect, action) in
        [(1, "s3", "Allow", "s3:*"), (2, "reading", "Allow", "s3:List*"), (3, "bounds", "Allow", "s3:Get*")]
    {
        builder.set_managed_policy(policy(number, name));
        builder.set_policy_version(managed(number), 1, document(effect, action));
    }
    builder.set_user(change::User { boundary: Some(managed(3)), ..user(ana(), "Ana") });
    builder.set_user(user(ben(), "Ben"));
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"BEN"},
        "Action":"sts:AssumeRole"}}"#;
    let trust = change::Document {
        text: trust.replace("BEN", "arn:aws:iam::111122223333:user/Ben"),
        bound: trust.replace("BEN", ben().as_str()),
    };
    builder.set_role(change::Role::new(account(), deployer(), RoleName::parse("Deployer").unwrap(), trust));
    builder.set_group(group(staff(), "staff"));
    builder.add_member(&staff(), &ana());
    builder.add_member(&staff(), &ben());
    builder.attach(&staff(), managed(2));
    builder.attach(&deployer(), managed(1));
    let own = PolicyName::parse("own").unwrap();
    builder.set_inline_policy(&ana(), &own, &document("Allow", "s3:*"));
    builder
}

/// A user with long-term credentials, or a session of a role.
fn subject(view: &View, id: &UniqueId, session_policies: &[&str]) -> Subject {
    let entity = view.entity(id).unwrap();
    let (account, path) = (entity.account, entity.path().clone());
    let key = AccessKeyId::new(AccessKeyKind::LongTerm, account, [1; 6]);
    let session = |key: &AccessKeyId| Session {
        policies: session_policies.iter().map(|text| (*text).to_owned()).collect(),
        ..Session::new(SessionKind::AssumeRole, key.clone(), Timestamp::UNIX_EPOCH, Timestamp::MAX)
    };
    let principal = if entity.is_role() {
        let (name, session_name) = (RoleName::parse(&entity.name).unwrap(), SessionName::parse("build").unwrap());
        Principal::RoleSession { account, id: *id, name, path, session_name }
    } else {
        Principal::User { account, id: *id, name: UserName::parse(&entity.name).unwrap(), path }
    };
    let session = entity.is_role().then(|| Arc::new(session(&key)));
    let caller = Caller { principal, credential: Credential::AccessKey(key), session, mfa: None };
    Subject::of_caller(&caller, view, compile_session_policy)
}

/// Decides a request of a user, or of a session of a role, to S3.
fn decision(view: &View, id: &UniqueId, action: &str) -> Decision {
    let subject = subject(view, id, &[]);
    let subject = subject.resolve(view).unwrap();
    DecisionInput { resource_account: Some(account()), ..DecisionInput::new(&subject, action, "*") }.with(decide)
}

fn check(view: &View, id: &UniqueId, action: &str, expected: Outcome) {
    assert_eq!(decision(view, id, action).outcome, expected, "{action}");
}

#[test]
fn a_view_is_built_without_a_store() {
    let view = builder().publish(1);
    assert_eq!((view.version(), view.entity_count(), view.management_account()), (1, 3, account()));
    check(&view, &ana(), "s3:GetObject", Outcome::Allowed);
    check(&view, &ana(), "s3:ListBucket", Outcome::ImplicitDeny);
    check(&view, &ben(), "s3:ListBucket", Outcome::Allowed);
    check(&view, &ben(), "s3:GetObject", Outcome::ImplicitDeny);
    check(&view, &deployer(), "s3:PutObject", Outcome::Allowed);
    check(&view, &deployer(), "sqs:SendMessage", Outcome::ImplicitDeny);
}

#[test]
fn the_trust_policy_is_bound_to_unique_ids() {
    let mut builder = builder();
    let assume_role = |view: &View, id: &UniqueId, role: &str| {
        let subject = subject(view, id, &[]);
        let subject = subject.resolve(view).unwrap();
        let role = format!("arn:aws:iam::{}:role/{role}", account());
        let input = DecisionInput {
            resource_account: Some(account()),
            trust: Trust::for_action(view, "sts:AssumeRole", &role),
            ..DecisionInput::new(&subject, "sts:AssumeRole", &role)
        };
        input.with(decide).outcome
    };
    let assume = |view: &View, id: &UniqueId| assume_role(view, id, "Deployer");
    let view = builder.publish(1);
    assert_eq!(assume(&view, &ben()), Outcome::Allowed);
    assert_eq!(assume(&view, &ana()), Outcome::ImplicitDeny);
    assert_eq!(assume_role(&view, &ben(), "Absent"), Outcome::ImplicitDeny);
    // Another user with Ben's name and ARN is not Ben.
    builder.remove_entity(&ben());
    builder.set_user(user(id(IdKind::User, 3), "Ben"));
    assert_eq!(assume(&builder.publish(2), &id(IdKind::User, 3)), Outcome::ImplicitDeny);
}

#[test]
fn session_policies_limit_a_session() {
    let view = builder().publish(1);
    let check = |policies: &[&str], action: &str, expected: Outcome| {
        let subject = subject(&view, &deployer(), policies);
        let subject = subject.resolve(&view).unwrap();
        let input = DecisionInput { resource_account: Some(account()), ..DecisionInput::new(&subject, action, "*") };
        assert_eq!(input.with(decide).outcome, expected, "{policies:?} {action}");
    };
    let get = document("Allow", "s3:Get*");
    check(&[&get], "s3:GetObject", Outcome::Allowed);
    check(&[&get], "s3:PutObject", Outcome::ImplicitDeny);
    // A policy that does not compile denies everything.
    check(&[&get, "{"], "s3:GetObject", Outcome::ExplicitDeny);
}

#[test]
fn keys_of_the_request_do_not_override_those_of_the_principal() {
    let mut builder = builder();
    let own = PolicyName::parse("own").unwrap();
    let only = |key: &str, value: &str| {
        let document = document("Allow", "s3:*")
            .replace("\"Resource\"", &format!(r#""Condition":{{"StringEquals":{{"{key}":"{value}"}}}},"Resource""#));
        assert!(document.contains(key));
        document
    };
    let check = |builder: &mut ViewBuilder, version: u64, key: &str, value: &str, expected: Outcome| {
        builder.set_inline_policy(&ben(), &own, &only(key, value));
        let view = builder.publish(version);
        let subject = subject(&view, &ben(), &[]);
        assert_eq!((subject.kind(), subject.account()), (SubjectKind::User, Some(account())));
        let subject = subject.resolve(&view).unwrap();
        let given = [
            ("aws:username", ContextValue::One("Ana")),
            ("aws:PrincipalArn", ContextValue::One("arn:aws:iam::111122223333:user/Ana")),
            ("aws:ResourceAccount", ContextValue::One("444455556666")),
            ("aws:RequestedRegion", ContextValue::One("eu-west-1")),
        ];
        let input = DecisionInput {
            resource_account: Some(account()),
            keys: &[&given],
            ..DecisionInput::new(&subject, "s3:GetObject", "arn:aws:s3:::pictures/pond.png")
        };
        assert_eq!(input.with(decide).outcome, expected, "{key} {value}");
    };
    for (version, (key, value, expected)) in (1..).zip([
        ("aws:username", "Ben", Outcome::Allowed),
        ("aws:username", "Ana", Outcome::ImplicitDeny),
        ("aws:PrincipalArn", "arn:aws:iam::111122223333:user/Ana", Outcome::ImplicitDeny),
        ("aws:ResourceAccount", "444455556666", Outcome::ImplicitDeny),
        ("aws:ResourceAccount", "111122223333", Outcome::Allowed),
        ("aws:RequestedRegion", "eu-west-1", Outcome::Allowed),
    ]) {
        check(&mut builder, version, key, value, expected);
    }
}

#[test]
fn the_policy_of_a_kms_key_must_allow() {
    let mut builder = builder();
    builder.set_inline_policy(&ben(), &PolicyName::parse("own").unwrap(), &document("Allow", "*"));
    let view = builder.publish(1);
    let subject = subject(&view, &ben(), &[]);
    let subject = subject.resolve(&view).unwrap();
    let check = |action: &str, resource_policy: ResourcePolicy<'_>, expected: Outcome| {
        let input = DecisionInput {
            resource_account: Some(account()),
            resource_policy,
            ..DecisionInput::new(&subject, action, "arn:aws:kms:eu-west-1:111122223333:key/1")
        };
        assert_eq!(input.with(decide).outcome, expected, "{action}");
    };
    check("kms:Decrypt", ResourcePolicy::None, Outcome::ImplicitDeny);
    check("KMS:Decrypt", ResourcePolicy::None, Outcome::ImplicitDeny);
    check("kms:Decrypt", ResourcePolicy::Unknown, Outcome::Allowed);
    check("sqs:SendMessage", ResourcePolicy::None, Outcome::Allowed);
}

#[test]
fn changes_make_a_new_view_and_leave_earlier_ones() {
    let mut builder = builder();
    let first = builder.publish(1);
    builder.remove_member(&staff(), &ben());
    builder.remove_inline_policy(&ana(), "OWN");
    builder.set_policy_version(managed(1), 2, document("Deny", "s3:Put*"));
    builder.set_managed_policy(change::ManagedPolicy { default_version: 2, ..policy(1, "s3") });
    let second = builder.publish(2);
    let expected = [
        (ben(), "s3:ListBucket", Outcome::ImplicitDeny),
        (ana(), "s3:GetObject", Outcome::ImplicitDeny),
        (deployer(), "s3:PutObject", Outcome::ExplicitDeny),
        (deployer(), "s3:GetObject", Outcome::ImplicitDeny),
    ];
    for (id, action, outcome) in expected {
        check(&second, &id, action, outcome);
        check(&first, &id, action, Outcome::Allowed);
    }
    builder.remove_entity(&ana());
    let third = builder.publish(3);
    assert!(third.entity(&ana()).is_none() && third.user(account(), "ana").is_none());
    assert!(second.user(account(), "ana").is_some());
}

/// Each of these denies everything to the principal, and some of them only until the object is set.
#[test]
fn what_is_missing_or_unreadable_denies() {
    type Step = fn(&mut ViewBuilder);
    let own = || PolicyName::parse("own").unwrap();
    let cases: &[(&str, UniqueId, &str, Step, Option<Step>)] = &[
        ("unknown membership", ben(), "s3:ListBucket", |b| b.deny_holder(&ben()), None),
        ("group", ben(), "s3:ListBucket", |b| b.deny_group(&staff()), Some(|b| b.set_group(group(staff(), "staff")))),
        ("removed group", ben(), "s3:ListBucket", |b| b.remove_group(&staff()), None),
        (
            "inline policy",
            ana(),
            "s3:GetObject",
            |b| b.deny_inline_policy(&ana(), "own"),
            Some(|b| b.set_inline_policy(&ana(), &PolicyName::parse("own").unwrap(), &document("Allow", "*"))),
        ),
        (
            "inline policy that does not compile",
            ana(),
            "s3:GetObject",
            |b| b.set_inline_policy(&ana(), &PolicyName::parse("other").unwrap(), "{"),
            Some(|b| b.remove_inline_policy(&ana(), "other")),
        ),
        (
            "managed policy",
            deployer(),
            "s3:GetObject",
            |b| b.deny_managed_policy(managed(1)),
            Some(|b| b.set_managed_policy(policy(1, "s3"))),
        ),
        ("boundary", ana(), "s3:GetObject", |b| b.deny_managed_policy(managed(3)), None),
        (
            "default version",
            deployer(),
            "s3:GetObject",
            |b| b.remove_policy_version(managed(1), 1),
            Some(|b| b.set_policy_version(managed(1), 1, document("Allow", "s3:*"))),
        ),
        (
            "policy that was never set",
            deployer(),
            "s3:GetObject",
            |b| b.attach(&deployer(), managed(9)),
            Some(|b| b.detach(&deployer(), managed(9))),
        ),
        ("removed policy", deployer(), "s3:GetObject", |b| b.remove_managed_policy(managed(1)), None),
    ];
    for (name, id, action, deny, lift) in cases {
        let mut builder = builder();
        // A policy that names itself like the one that denies does not replace it.
        for imitation in ["unreadable", "unreadable-row", "missing-group"] {
            let imitation = PolicyName::parse(imitation).unwrap();
            builder.set_inline_policy(id, &imitation, &document("Allow", "s3:*"));
        }
        assert_eq!(decision(&builder.publish(1), id, action).outcome, Outcome::Allowed, "{name}");
        deny(&mut builder);
        let denied = decision(&builder.publish(2), id, action).outcome;
        assert_eq!(denied, Outcome::ExplicitDeny, "{name}");
        builder.set_inline_policy(&ben(), &own(), &document("Allow", "*"));
        assert_eq!(decision(&builder.publish(3), id, action).outcome, denied, "{name}");
        if let Some(lift) = lift {
            lift(&mut builder);
            assert_eq!(decision(&builder.publish(4), id, action).outcome, Outcome::Allowed, "{name}");
        }
    }
}
