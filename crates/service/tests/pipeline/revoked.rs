//! A call that waits is decided on the state of its caller after the wait.

use bailiwick_api::{Operation, account, authz, iam, op, signin, sts};
use bailiwick_model::Result;
use bailiwick_testing::{Client, Key, MAIN, assume_role, code};

use super::TestEnv;

mod clocks;
mod questions;

use questions::question;

/// What happens to the caller while the call waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    Nothing,
    KeyDeactivated,
    KeyDeleted,
    UserDeleted,
    AccountSuspended,
    RoleDeleted,
    /// RevokeSessions, for the caller's role.
    SessionsRevoked,
    /// RevokeSessions, for the caller's user.
    UserSessionsRevoked,
    /// RevokeSessions, for the access key that asked for the caller's session.
    ParentRevoked,
    /// RevokeSessions, for the temporary access key of the caller.
    SessionRevoked,
    /// RevokeSessions, for another session.
    OtherSessionRevoked,
    /// RevokeSessions, for the delegation request that the caller's session comes from.
    DelegationRevoked,
    /// RevokeSessions, for the account.
    AllRevoked,
    /// So many seconds pass.
    Time(i64),
}

/// The caller.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    User,
    BearerOfUser,
    /// The user, by a client certificate that is valid for an hour.
    CertificateOfUser,
    Member,
    Session,
    BearerOfSession,
    PresignedByUser,
    SessionToken,
    BearerOfSessionToken,
    FederatedUser,
    /// A session of a role, which the user assumed.
    AssumedByUser,
    /// A session of GetDelegatedAccessToken, whose request the user accepted.
    Delegated,
}

/// A deployment with a caller in it.
pub(super) struct Case {
    pub(super) env: TestEnv,
    admin: Client,
    pub(super) caller: Client,
    member_account: String,
    /// The delegation request, if the caller's session comes from one.
    delegation: Option<String>,
}

impl Case {
    pub(super) async fn new(who: Who) -> Case {
        let env = TestEnv::new().await;
        let admin = env.user(&env.root, "admin").await;
        let user = env.user(&env.root, "Heron").await;
        let session = env.role(&admin, "Diver").await;
        let (member_account, member) = env.member(&admin).await;
        let mut delegation = None;
        let caller = match who {
            Who::User => user,
            Who::Member => member,
            Who::Session => session,
            Who::PresignedByUser => Client::Presigned(user.key().clone(), 60),
            Who::CertificateOfUser => Client::Certificate(env.certificate_of(&["Heron"]).await),
            Who::BearerOfUser => Client::Bearer(env.bearer(&user).await),
            Who::BearerOfSession => Client::Bearer(env.bearer(&session).await),
            Who::SessionToken => Client::Key(env.session_token(&user).await),
            Who::BearerOfSessionToken => Client::Bearer(env.bearer(&Client::Key(env.session_token(&user).await)).await),
            Who::FederatedUser => {
                let req = sts::GetFederationTokenRequest {
                    name: Some("guest".into()),
                    policy: Some(bailiwick_testing::ALLOW_ALL.into()),
                    ..Default::default()
                };
                let issued = env.call::<op::GetFederationToken>(&user, req).await.unwrap();
                Client::Key(key(issued.credentials))
            }
            Who::AssumedByUser => env.session(&user, &format!("arn:aws:iam::{MAIN}:role/Diver")).await,
            Who::Delegated => {
                let (id, key) = env.delegated_by(&user).await;
                delegation = Some(id);
                Client::Key(key)
            }
        };
        Case { env, admin, caller, member_account, delegation }
    }

    pub(super) async fn happen(&self, event: Event) {
        let (env, root) = (&self.env, &self.env.root);
        let user_name = Some("Heron".to_owned());
        match event {
            Event::Nothing => drop(env.user(&self.admin, "passer-by").await),
            Event::KeyDeactivated => {
                let (access_key_id, status) = (Some(env.key_of("Heron").await), Some("Inactive".into()));
                let req = iam::UpdateAccessKeyRequest { user_name, access_key_id, status };
                env.call::<op::UpdateAccessKey>(root, req).await.unwrap();
            }
            Event::KeyDeleted => {
                let req = iam::DeleteAccessKeyRequest { access_key_id: Some(env.key_of("Heron").await), user_name };
                env.call::<op::DeleteAccessKey>(root, req).await.unwrap();
            }
            Event::UserDeleted => {
                Box::pin(self.happen(Event::KeyDeleted)).await;
                let policy_name = Some("all".into());
                let req = iam::DeleteUserPolicyRequest { user_name: user_name.clone(), policy_name };
                env.call::<op::DeleteUserPolicy>(root, req).await.unwrap();
                env.call::<op::DeleteUser>(root, iam::DeleteUserRequest { user_name }).await.unwrap();
            }
            Event::AccountSuspended => {
                let req = account::SuspendAccountRequest { account_id: Some(self.member_account.clone()) };
                env.call::<op::SuspendAccount>(&self.admin, req).await.unwrap();
            }
            Event::RoleDeleted => {
                let (role_name, policy_name) = (Some("Diver".to_owned()), Some("all".into()));
                let req = iam::DeleteRolePolicyRequest { role_name: role_name.clone(), policy_name };
                env.call::<op::DeleteRolePolicy>(root, req).await.unwrap();
                env.call::<op::DeleteRole>(root, iam::DeleteRoleRequest { role_name }).await.unwrap();
            }
            Event::SessionsRevoked => env.revoke(|req| req.role_name = Some("Diver".into())).await,
            Event::UserSessionsRevoked => env.revoke(|req| req.user_name = user_name).await,
            Event::ParentRevoked => {
                let key = env.key_of("Heron").await;
                env.revoke(|req| req.access_key_id = Some(key)).await;
            }
            Event::SessionRevoked => {
                let key = self.caller.key().id.to_string();
                env.revoke(|req| req.access_key_id = Some(key)).await;
            }
            Event::OtherSessionRevoked => {
                let key = env.session_token(root).await.id.to_string();
                env.revoke(|req| req.access_key_id = Some(key)).await;
            }
            Event::DelegationRevoked => {
                let id = self.delegation.clone();
                env.revoke(|req| req.delegation_request_id = id).await;
            }
            Event::AllRevoked => env.revoke(|req| req.all_of_account = Some(true)).await,
            Event::Time(seconds) => {
                env.clock.advance(seconds);
                // This commit creates the revision that the call waits for.
                env.user(root, "passer-by").await;
            }
        }
    }
}

impl TestEnv {
    pub(super) async fn bearer(&self, who: &Client) -> String {
        self.call::<op::CreateToken>(who, signin::CreateTokenRequest::default()).await.unwrap().token
    }

    pub(super) async fn session_token(&self, who: &Client) -> Key {
        let issued = self.call::<op::GetSessionToken>(who, sts::GetSessionTokenRequest::default()).await.unwrap();
        key(issued.credentials)
    }

    /// The session of a delegation request of root that a user accepted, and the id of the request.
    async fn delegated_by(&self, approver: &Client) -> (String, Key) {
        let req = iam::CreateDelegationRequestRequest {
            owner_account_id: Some(MAIN.into()),
            description: Some("Reads".into()),
            permissions: Some(iam::DelegationPermission {
                policy_template_arn: Some("arn:aws:iam:::delegation-template/IdentityReview".into()),
                ..Default::default()
            }),
            requestor_workflow_id: Some("workflow".into()),
            notification_channel: Some(format!("arn:aws:sns:eu-central-1:{MAIN}:delegations")),
            session_duration: Some(3_600),
            ..Default::default()
        };
        let created = self.call::<op::CreateDelegationRequest>(&self.root, req).await.unwrap();
        let delegation_request_id = created.delegation_request_id;
        let req = iam::AssociateDelegationRequestRequest { delegation_request_id: delegation_request_id.clone() };
        self.call::<op::AssociateDelegationRequest>(approver, req).await.unwrap();
        let req = iam::AcceptDelegationRequestRequest { delegation_request_id: delegation_request_id.clone() };
        self.call::<op::AcceptDelegationRequest>(approver, req).await.unwrap();
        let req = iam::SendDelegationTokenRequest { delegation_request_id: delegation_request_id.clone() };
        self.call::<op::SendDelegationToken>(approver, req).await.unwrap();
        let req = signin::GetDelegationTokenRequest { delegation_request_id: delegation_request_id.clone() };
        let sent = self.call::<op::GetDelegationToken>(&self.root, req).await.unwrap();
        let req = sts::GetDelegatedAccessTokenRequest { trade_in_token: Some(sent.trade_in_token) };
        let issued = self.call::<op::GetDelegatedAccessToken>(&self.root, req).await.unwrap();
        (delegation_request_id.unwrap(), key(issued.credentials))
    }

    /// Calls RevokeSessions as root.
    async fn revoke(&self, change: impl FnOnce(&mut signin::RevokeSessionsRequest)) {
        let mut req = signin::RevokeSessionsRequest::default();
        change(&mut req);
        self.call::<op::RevokeSessions>(&self.root, req).await.unwrap();
    }

    async fn key_of(&self, user: &str) -> String {
        let req = iam::ListAccessKeysRequest { user_name: Some(user.into()), ..Default::default() };
        let keys = self.call::<op::ListAccessKeys>(&self.root, req).await.unwrap().access_key_metadata;
        keys[0].access_key_id.clone().unwrap()
    }

    pub(super) async fn users(&self) -> Vec<String> {
        let users = self.call::<op::ListUsers>(&self.root, Default::default()).await.unwrap().users;
        users.into_iter().filter_map(|user| user.user_name).collect()
    }

    /// Does `event` while a call of `O` waits for a revision.
    async fn waiting<O: Operation>(&self, case: &Case, event: Event, req: O::Request) -> Result<O::Response> {
        let next = self.next_revision().await;
        self.meanwhile(self.call_at::<O>(&case.caller, req, Some(&next)), case.happen(event)).await
    }
}

fn key(credentials: Option<sts::Credentials>) -> Key {
    let credentials = credentials.unwrap();
    let (id, secret) = (credentials.access_key_id.unwrap(), credentials.secret_access_key.unwrap());
    Key::new(&id, secret, credentials.session_token)
}

/// What becomes of every kind of operation when `event` happens while it waits.
async fn check(who: Who, event: Event, expected: &str) {
    let question = question(authz::caller::Who::Anonymous(authz::Anonymous {}));
    let item = authz::AuthorizeItem {
        caller: question.caller.clone(),
        action: question.action.clone(),
        resource: question.resource.clone(),
        ..Default::default()
    };
    let role = format!("arn:aws:iam::{MAIN}:role/Diver");
    macro_rules! waits {
        ($operation:ident, $request:expr) => {{
            let case = Case::new(who).await;
            let answer = case.env.waiting::<op::$operation>(&case, event, $request).await;
            let what = format!("{} by {who:?}, {event:?} meanwhile", stringify!($operation));
            assert_eq!(code(&answer), expected, "{what}: {answer:?}");
            let users = case.env.users().await;
            assert_eq!(users.contains(&"Egret".to_owned()), expected == "OK" && what.contains("CreateUser"), "{what}");
        }};
    }
    let without_iam = matches!(who, Who::SessionToken | Who::BearerOfSessionToken | Who::FederatedUser);
    if without_iam {
        waits!(Authorize, question.clone());
    }
    // The policy of the request allows reading alone.
    let is_delegated = matches!(who, Who::Delegated);
    if is_delegated {
        waits!(GetUser, iam::GetUserRequest { user_name: Some("admin".into()) });
    }
    if !matches!(who, Who::PresignedByUser) && !without_iam && !is_delegated {
        waits!(CreateUser, iam::CreateUserRequest { user_name: Some("Egret".into()), ..Default::default() });
        let name = if matches!(who, Who::Member) { "Otter" } else { "admin" };
        waits!(GetUser, iam::GetUserRequest { user_name: Some(name.into()) });
        waits!(Authorize, question);
        waits!(BatchAuthorize, authz::BatchAuthorizeRequest { items: vec![item], ..Default::default() });
    }
    if matches!(who, Who::User | Who::Session) {
        waits!(CreateAccessKey, iam::CreateAccessKeyRequest { user_name: Some("admin".into()) });
        waits!(AssumeRole, assume_role(&role));
        waits!(CreateToken, signin::CreateTokenRequest::default());
    }
    waits!(GetCallerIdentity, sts::GetCallerIdentityRequest::default());
}

#[tokio::test]
async fn a_revocation_during_a_wait_applies_to_the_call() {
    for (who, event, expected) in [
        (Who::User, Event::Nothing, "OK"),
        (Who::User, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::User, Event::KeyDeleted, "InvalidClientTokenId"),
        (Who::User, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::User, Event::Time(300), "OK"),
        (Who::User, Event::Time(301), "SignatureDoesNotMatch"),
        (Who::CertificateOfUser, Event::Nothing, "OK"),
        (Who::CertificateOfUser, Event::KeyDeleted, "OK"),
        (Who::CertificateOfUser, Event::UserSessionsRevoked, "OK"),
        (Who::CertificateOfUser, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::CertificateOfUser, Event::Time(3_599), "OK"),
        (Who::CertificateOfUser, Event::Time(3_600), "ExpiredToken"),
        (Who::BearerOfUser, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::BearerOfUser, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::BearerOfUser, Event::UserSessionsRevoked, "ExpiredToken"),
        (Who::BearerOfUser, Event::ParentRevoked, "ExpiredToken"),
        (Who::BearerOfUser, Event::OtherSessionRevoked, "OK"),
        (Who::BearerOfUser, Event::AllRevoked, "ExpiredToken"),
        (Who::User, Event::ParentRevoked, "OK"),
        (Who::BearerOfUser, Event::Time(3_599), "OK"),
        (Who::BearerOfUser, Event::Time(3_600), "ExpiredToken"),
        (Who::PresignedByUser, Event::Time(15 * 60), "OK"),
        (Who::PresignedByUser, Event::Time(15 * 60 + 1), "SignatureDoesNotMatch"),
        (Who::Session, Event::Nothing, "OK"),
        (Who::Session, Event::RoleDeleted, "InvalidClientTokenId"),
        (Who::Session, Event::SessionsRevoked, "ExpiredToken"),
        (Who::SessionToken, Event::Nothing, "OK"),
        (Who::SessionToken, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::SessionToken, Event::KeyDeleted, "InvalidClientTokenId"),
        (Who::SessionToken, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::SessionToken, Event::UserSessionsRevoked, "ExpiredToken"),
        (Who::SessionToken, Event::ParentRevoked, "ExpiredToken"),
        (Who::SessionToken, Event::SessionRevoked, "ExpiredToken"),
        (Who::SessionToken, Event::OtherSessionRevoked, "OK"),
        (Who::SessionToken, Event::AllRevoked, "ExpiredToken"),
        (Who::BearerOfSessionToken, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::BearerOfSessionToken, Event::ParentRevoked, "ExpiredToken"),
        (Who::FederatedUser, Event::Nothing, "OK"),
        (Who::FederatedUser, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::FederatedUser, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::FederatedUser, Event::UserSessionsRevoked, "ExpiredToken"),
        (Who::FederatedUser, Event::ParentRevoked, "ExpiredToken"),
        (Who::FederatedUser, Event::SessionRevoked, "ExpiredToken"),
        (Who::FederatedUser, Event::AllRevoked, "ExpiredToken"),
        (Who::AssumedByUser, Event::KeyDeactivated, "OK"),
        (Who::AssumedByUser, Event::UserDeleted, "OK"),
        (Who::AssumedByUser, Event::UserSessionsRevoked, "OK"),
        (Who::AssumedByUser, Event::ParentRevoked, "ExpiredToken"),
        (Who::AssumedByUser, Event::SessionRevoked, "ExpiredToken"),
        (Who::AssumedByUser, Event::AllRevoked, "ExpiredToken"),
        (Who::Delegated, Event::Nothing, "OK"),
        (Who::Delegated, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::Delegated, Event::KeyDeleted, "InvalidClientTokenId"),
        (Who::Delegated, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::Delegated, Event::UserSessionsRevoked, "ExpiredToken"),
        (Who::Delegated, Event::ParentRevoked, "ExpiredToken"),
        (Who::Delegated, Event::SessionRevoked, "ExpiredToken"),
        (Who::Delegated, Event::DelegationRevoked, "ExpiredToken"),
        (Who::Delegated, Event::OtherSessionRevoked, "OK"),
        (Who::Delegated, Event::AllRevoked, "ExpiredToken"),
        (Who::BearerOfSession, Event::RoleDeleted, "InvalidClientTokenId"),
        (Who::BearerOfSession, Event::SessionsRevoked, "ExpiredToken"),
        (Who::BearerOfSession, Event::Time(3_600), "ExpiredToken"),
    ] {
        Box::pin(check(who, event, expected)).await;
    }
}

#[tokio::test]
async fn a_suspended_account_ends_the_calls_of_its_users() {
    // In an account of its own there is nothing to see for the others.
    let case = Case::new(Who::Member).await;
    let req = iam::CreateUserRequest { user_name: Some("Egret".into()), ..Default::default() };
    for event in [Event::Nothing, Event::AccountSuspended] {
        let answer = case.env.waiting::<op::CreateUser>(&case, event, req.clone()).await;
        let expected = if event == Event::Nothing { "OK" } else { "InvalidClientTokenId" };
        assert_eq!(code(&answer), expected);
    }
}

#[tokio::test]
async fn a_session_that_expires_during_a_wait_is_refused() {
    let case = Case::new(Who::Session).await;
    case.env.clock.advance(3_500);
    let next = case.env.next_revision().await;
    let call = case.env.call_at::<op::GetCallerIdentity>(&case.caller, Default::default(), Some(&next));
    let later = async {
        case.env.clock.advance(100);
        case.env.user(&case.env.root, "passer-by").await;
    };
    assert_eq!(code(&case.env.meanwhile(call, later).await), "ExpiredToken");
}

#[tokio::test]
async fn a_renamed_caller_is_decided_and_answered_by_the_new_name() {
    let case = Case::new(Who::User).await;
    let req = iam::PutUserPolicyRequest {
        user_name: Some("Heron".into()),
        policy_name: Some("all".into()),
        policy_document: Some(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:user/birds/Stork"}}"#.into(),
        ),
    };
    case.env.call::<op::PutUserPolicy>(&case.env.root, req).await.unwrap();
    let rename = async |from: &str, to: &str, path: &str| {
        let (user_name, new_user_name) = (Some(from.into()), Some(to.into()));
        let req = iam::UpdateUserRequest { user_name, new_user_name, new_path: Some(path.into()) };
        case.env.call::<op::UpdateUser>(&case.env.root, req).await.unwrap();
    };
    let next = case.env.next_revision().await;
    let myself = case.env.call_at::<op::GetUser>(&case.caller, Default::default(), Some(&next));
    let answer = case.env.meanwhile(myself, rename("Heron", "Stork", "/birds/")).await.unwrap();
    assert_eq!(answer.user.unwrap().arn.as_deref(), Some("arn:aws:iam::111122223333:user/birds/Stork"));
    let next = case.env.next_revision().await;
    let myself = case.env.call_at::<op::GetCallerIdentity>(&case.caller, Default::default(), Some(&next));
    let answer = case.env.meanwhile(myself, rename("Stork", "Crane", "/")).await.unwrap();
    assert_eq!(answer.arn.as_deref(), Some("arn:aws:iam::111122223333:user/Crane"));
}

#[tokio::test]
async fn the_record_of_a_call_revoked_during_a_wait_names_its_caller() {
    let case = Case::new(Who::User).await;
    let req = iam::CreateUserRequest { user_name: Some("Egret".into()), ..Default::default() };
    let answer = case.env.waiting::<op::CreateUser>(&case, Event::KeyDeactivated, req).await;
    assert_eq!(code(&answer), "InvalidClientTokenId");
    let records = case.env.segments();
    let last = records.lines().rev().find(|line| line.contains("InvalidClientTokenId")).expect("a record");
    assert!(last.contains("CreateUser") && last.contains("Heron"), "{last}");
}
