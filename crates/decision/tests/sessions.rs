//! What each kind of session is allowed, and the context keys that it has.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::sync::Arc;

use bailiwick_decision::evaluator::{Policy, PolicyKind, decide};
use bailiwick_decision::{
    Account, Caller, Credential, DecisionInput, FederationIssuer, Principal, ResourcePolicy, Session, SessionKind,
    Subject, View, ViewBuilder, change, compile_session_policy,
};
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, AccountState, IdKind, Partition, Path, PolicyName, RoleName, SessionName,
    UniqueId, UserName,
};
use bailiwick_policy_lang::parse;
use jiff::Timestamp;

const OTHER: u64 = 444_455_556_666;

fn account() -> AccountId {
    AccountId::from_number(111_122_223_333).unwrap()
}

fn ana() -> UniqueId {
    UniqueId::new(IdKind::User, [1; 17])
}

fn deployer() -> UniqueId {
    UniqueId::new(IdKind::Role, [2; 17])
}

fn allow(actions: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#)
}

/// Ana may read and write S3, and read tables; a boundary would be another policy of hers.
fn view() -> View {
    let mut builder = ViewBuilder::new(Partition::Aws);
    let active = |id, management| Account { id, state: AccountState::Active, management, sessions_valid_after: None };
    builder.set_account(active(account(), true));
    builder.set_account(active(AccountId::from_number(OTHER).unwrap(), false));
    builder.set_user(change::User::new(account(), ana(), UserName::parse("Ana").unwrap()));
    let own = PolicyName::parse("own").unwrap();
    builder.set_inline_policy(&ana(), &own, &allow(r#""s3:*", "dynamodb:Get*""#));
    let trust = r#"{"Statement":[]}"#.to_owned();
    let trust = change::Document { text: trust.clone(), bound: trust };
    builder.set_role(change::Role::new(account(), deployer(), RoleName::parse("Deployer").unwrap(), trust));
    builder.set_inline_policy(&deployer(), &own, &allow(r#""s3:*""#));
    builder.publish(1)
}

fn federated(issuer: bool) -> Principal {
    let user = || FederationIssuer { id: ana(), name: UserName::parse("Ana").unwrap(), path: Path::root() };
    let name = SessionName::parse("guest").unwrap();
    Principal::FederatedUser { account: account(), issuer: issuer.then(user), name }
}

fn role() -> Principal {
    let (name, session_name) = (RoleName::parse("Deployer").unwrap(), SessionName::parse("ci").unwrap());
    Principal::RoleSession { account: account(), id: deployer(), name, path: Path::root(), session_name }
}

fn root() -> Principal {
    Principal::Root { account: account() }
}

fn subject(view: &View, kind: SessionKind, principal: Principal, policies: &[&str]) -> Subject {
    let key = AccessKeyId::new(AccessKeyKind::Temporary, account(), [1; 6]);
    let provider = matches!(kind, SessionKind::Saml).then(|| "arn:aws:iam::111122223333:saml-provider/Pond".to_owned());
    let is_web = kind == SessionKind::WebIdentity;
    let session = Session {
        policies: policies.iter().map(|text| (*text).to_owned()).collect(),
        provider,
        provider_keys: if is_web {
            vec![
                ("git.example.com:sub".to_owned(), vec!["repo:pond".to_owned()]),
                ("git.example.com:groups".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
                ("git.example.com:none".to_owned(), vec![]),
                ("git.example.com/x:last".to_owned(), vec!["c".to_owned(), "d".to_owned()]),
            ]
        } else {
            Vec::new()
        },
        ..Session::new(kind, key.clone(), Timestamp::UNIX_EPOCH, Timestamp::MAX)
    };
    let credential = Credential::AccessKey(key);
    let caller = Caller { principal, credential, session: Some(Arc::new(session)), mfa: None };
    Subject::of_caller(&caller, view, compile_session_policy)
}

/// `ResourcePolicy` with one statement, or none for an empty principal.
fn resource_policy(principal: &str) -> Option<Policy> {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}}}"#
    );
    (!principal.is_empty()).then(|| Policy::compile(&parse(&text, PolicyKind::Resource).unwrap(), PolicyKind::Resource))
}

/// Kind, principal, session policies, action, the resource's account and policy, whether it is allowed.
type Row<'a> = (SessionKind, Principal, &'a [&'a str], &'a str, AccountId, &'a str, bool);

#[test]
fn sessions_are_allowed_what_all_their_policies_allow() {
    let (get, all) = (allow(r#""s3:Get*""#), allow(r#""*""#));
    let (get, all) = (get.as_str(), all.as_str());
    let named = r#"{"AWS":"arn:aws:sts::111122223333:federated-user/guest"}"#;
    let another = r#"{"AWS":"arn:aws:sts::111122223333:federated-user/other"}"#;
    let its_user = r#"{"AWS":"arn:aws:iam::111122223333:user/Ana"}"#;
    let its_account = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    let (own, other) = (account(), AccountId::from_number(OTHER).unwrap());
    use SessionKind::{AssumeRoot, FederationToken, SessionToken};
    let view = view();
    let rows: &[Row<'_>] = &[
        // A federated user has what both its issuer and the session policies allow.
        (FederationToken, federated(true), &[get], "s3:GetObject", own, "", true),
        (FederationToken, federated(true), &[get], "s3:PutObject", own, "", false),
        (FederationToken, federated(true), &[all], "sqs:SendMessage", own, "", false),
        (FederationToken, federated(true), &[all], "s3:PutObject", own, "", true),
        // Without session policies: nothing, but for resource policies that name it.
        (FederationToken, federated(true), &[], "s3:GetObject", own, "", false),
        (FederationToken, federated(true), &[], "sqs:SendMessage", own, named, true),
        (FederationToken, federated(true), &[], "sqs:SendMessage", own, another, false),
        (FederationToken, federated(true), &[], "s3:GetObject", own, its_account, false),
        (FederationToken, federated(true), &[], "s3:GetObject", own, its_user, false),
        (FederationToken, federated(true), &[get], "sqs:SendMessage", own, named, true),
        // Across accounts both sides must allow.
        (FederationToken, federated(true), &[get], "s3:GetObject", other, "", false),
        (FederationToken, federated(true), &[get], "s3:GetObject", other, named, true),
        (FederationToken, federated(true), &[get], "s3:PutObject", other, named, false),
        (FederationToken, federated(true), &[], "s3:GetObject", other, named, false),
        // Root as the issuer allows everything.
        (FederationToken, federated(false), &[get], "s3:GetObject", own, "", true),
        (FederationToken, federated(false), &[get], "s3:PutObject", own, "", false),
        (FederationToken, federated(false), &[], "s3:GetObject", own, "", false),
        (FederationToken, federated(false), &[], "s3:GetObject", own, its_account, false),
        (FederationToken, federated(false), &[], "sqs:SendMessage", own, named, true),
        (FederationToken, federated(false), &[], "sqs:SendMessage", own, another, false),
        // A policy that does not compile denies.
        (FederationToken, federated(false), &[get, "{"], "s3:GetObject", own, "", false),
        // GetSessionToken changes nothing.
        (SessionToken, root(), &[], "s3:GetObject", own, "", true),
        // Root of AssumeRoot may do its task only, and nothing without one.
        (AssumeRoot, root(), &[get], "s3:GetObject", own, "", true),
        (AssumeRoot, root(), &[get], "s3:PutObject", own, "", false),
        (AssumeRoot, root(), &[get], "s3:PutObject", own, its_account, false),
        (AssumeRoot, root(), &[], "s3:GetObject", own, "", false),
        (AssumeRoot, root(), &["{"], "s3:GetObject", own, "", false),
    ];
    for (kind, principal, policies, action, owner, resource, allowed) in rows {
        let subject = subject(&view, *kind, principal.clone(), policies);
        let resolved = subject.resolve(&view).unwrap();
        let policy = resource_policy(resource);
        let input = DecisionInput {
            resource_account: Some(*owner),
            resource_policy: ResourcePolicy::from(policy.as_ref()),
            ..DecisionInput::new(&resolved, action, "arn:aws:s3:::pond/x")
        };
        let decision = input.with(decide);
        assert_eq!(decision.is_allowed(), *allowed, "{kind:?} {principal:?} {policies:?} {action} {owner} {resource}");
    }
}

#[test]
fn sessions_have_the_keys_of_their_kind() {
    use SessionKind::{AssumeRole, AssumeRoot, FederationToken, Saml, SessionToken, WebIdentity};
    let view = view();
    // Kind, principal, condition, whether it is met.
    let rows: &[(SessionKind, Principal, &str, bool)] = &[
        (FederationToken, federated(true), r#""StringEquals":{"aws:userid":"111122223333:guest"}"#, true),
        (
            FederationToken,
            federated(true),
            r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:sts::111122223333:federated-user/guest"}"#,
            true,
        ),
        (FederationToken, federated(true), r#""StringEquals":{"aws:PrincipalType":"FederatedUser"}"#, true),
        (FederationToken, federated(true), r#""Null":{"aws:username":"true"}"#, true),
        (FederationToken, federated(true), r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#, false),
        (AssumeRoot, root(), r#""Bool":{"aws:AssumedRoot":"true"}"#, true),
        (SessionToken, root(), r#""Null":{"aws:AssumedRoot":"true"}"#, true),
        (
            Saml,
            role(),
            r#""StringEquals":{"aws:FederatedProvider":"arn:aws:iam::111122223333:saml-provider/Pond"}"#,
            true,
        ),
        (AssumeRole, role(), r#""Null":{"aws:FederatedProvider":"true"}"#, true),
        (WebIdentity, role(), r#""StringEquals":{"git.example.com:sub":"repo:pond"}"#, true),
        (WebIdentity, role(), r#""StringEquals":{"GIT.example.com:SUB":"repo:pond"}"#, true),
        (WebIdentity, role(), r#""StringEquals":{"git.example.com:sub":"repo:lake"}"#, false),
        (WebIdentity, role(), r#""ForAllValues:StringEquals":{"git.example.com:groups":["a","b"]}"#, true),
        (WebIdentity, role(), r#""ForAllValues:StringEquals":{"git.example.com:groups":["a"]}"#, false),
        (WebIdentity, role(), r#""ForAnyValue:StringEquals":{"git.example.com/x:last":"d"}"#, true),
        (WebIdentity, role(), r#""ForAnyValue:StringEquals":{"git.example.com/x:last":"b"}"#, false),
        (WebIdentity, role(), r#""ForAnyValue:StringLike":{"git.example.com:none":"*"}"#, false),
        (AssumeRole, role(), r#""StringLike":{"git.example.com:sub":"*"}"#, false),
    ];
    for (kind, principal, condition, met) in rows {
        let policy = allow(r#""s3:*""#).replace("\"Resource\"", &format!(r#""Condition":{{{condition}}},"Resource""#));
        let subject = subject(&view, *kind, principal.clone(), &[&policy]);
        let resolved = subject.resolve(&view).unwrap();
        let input = DecisionInput {
            resource_account: Some(account()),
            now: Some(Timestamp::UNIX_EPOCH),
            ..DecisionInput::new(&resolved, "s3:GetObject", "arn:aws:s3:::pond/x")
        };
        assert_eq!(input.with(decide).is_allowed(), *met, "{kind:?} {condition}");
    }
}
