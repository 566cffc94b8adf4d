use std::sync::Arc;

use bailiwick_api::{OPERATIONS, OperationInfo};
use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, IdKind, Path, RoleName, SessionName, UniqueId, UserName};
use bailiwick_operation::{FederationIssuer, Session};
use jiff::Timestamp;

use super::*;

fn account() -> AccountId {
    AccountId::from_number(111_122_223_333).unwrap()
}

fn root() -> Principal {
    Principal::Root { account: account() }
}

fn user() -> Principal {
    let (id, name) = (UniqueId::new(IdKind::User, [1; 17]), UserName::parse("Ana").unwrap());
    Principal::User { account: account(), id, name, path: Path::root() }
}

fn role() -> Principal {
    let (id, name) = (UniqueId::new(IdKind::Role, [1; 17]), RoleName::parse("Role").unwrap());
    let session_name = SessionName::parse("session").unwrap();
    Principal::RoleSession { account: account(), id, name, path: Path::root(), session_name }
}

fn federated() -> Principal {
    let (id, name) = (UniqueId::new(IdKind::User, [1; 17]), UserName::parse("Ana").unwrap());
    let issuer = Some(FederationIssuer { id, name, path: Path::root() });
    Principal::FederatedUser { account: account(), issuer, name: SessionName::parse("guest").unwrap() }
}

fn caller(principal: Principal, kind: Option<SessionKind>, mfa: bool, bearer: bool) -> Caller {
    let key = AccessKeyId::new(AccessKeyKind::Temporary, account(), [1; 6]);
    let now = Timestamp::UNIX_EPOCH;
    Caller {
        principal,
        session: kind.map(|kind| Arc::new(Session::new(kind, key.clone(), now, now))),
        mfa: mfa.then_some(now),
        credential: if bearer { Credential::Bearer(key) } else { Credential::AccessKey(key) },
    }
}

/// The same in the console.
fn in_console(principal: Principal, kind: SessionKind) -> Caller {
    let caller = caller(principal, Some(kind), false, false);
    let key = caller.access_key_id().unwrap().clone();
    Caller { credential: Credential::Console(key), ..caller }
}

/// The operations of STS that need credentials, in the order of the columns below.
const STS: [&str; 10] = [
    "AssumeRole",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetScopedCredentials",
    "GetSessionToken",
    "GetWebIdentityToken",
];

#[test]
fn each_kind_of_session_calls_what_aws_documents() {
    use SessionKind::*;

    // Whether IAM may be called, then each operation of STS.
    let rows: &[(&str, Caller, bool, &str)] = &[
        ("a user's key", caller(user(), None, false, false), true, "++++++++++"),
        ("root's key", caller(root(), None, false, false), true, "++++++++++"),
        ("a user's bearer token", caller(user(), None, false, true), true, "++++++-+-+"),
        ("AssumeRole", caller(role(), Some(AssumeRole), false, false), true, "++++++-+-+"),
        ("AssumeRoleWithSAML", caller(role(), Some(Saml), false, false), true, "++++++-+-+"),
        ("AssumeRoleWithWebIdentity", caller(role(), Some(WebIdentity), false, false), true, "++++++-+-+"),
        ("GetSessionToken", caller(user(), Some(SessionToken), false, false), false, "+---+--+--"),
        ("GetSessionToken with MFA", caller(user(), Some(SessionToken), true, false), true, "+---+--+--"),
        ("its bearer token", caller(user(), Some(SessionToken), false, true), false, "+---+--+--"),
        ("GetSessionToken of root", caller(root(), Some(SessionToken), false, false), false, "+---+--+--"),
        ("GetFederationToken", caller(federated(), Some(FederationToken), false, false), false, "----+-----"),
        ("its bearer token", caller(federated(), Some(FederationToken), false, true), false, "----+-----"),
        ("its session in the console", in_console(federated(), FederationToken), true, "----+-----"),
        ("a role in the console", in_console(role(), AssumeRole), true, "++++++-+-+"),
        ("AssumeRoot", caller(root(), Some(AssumeRoot), false, false), true, "----+-----"),
        ("delegated access of a user", caller(user(), Some(Delegated), false, false), true, "----+--+--"),
        ("delegated access of a role", caller(role(), Some(Delegated), false, false), true, "----+--+--"),
        ("delegated access of root", caller(root(), Some(Delegated), false, true), true, "----+--+--"),
        ("a signed-in user", caller(user(), Some(SignIn), false, true), true, "++++++-+-+"),
        ("a signed-in federated user", caller(federated(), Some(SignIn), false, true), false, "----+-----"),
    ];
    let all: Vec<&OperationInfo> = OPERATIONS.iter().collect();
    let find = |service: &str, name: &str| {
        let found = all.iter().find(|operation| operation.service == service && operation.name == name);
        *found.unwrap_or_else(|| panic!("no operation {name}"))
    };
    for (name, caller, iam, sts) in rows {
        let iam_like = AS_IAM.map(|name| find("bailiwick", name));
        for operation in all.iter().copied().filter(|operation| operation.service == "iam").chain(iam_like) {
            let code = check(caller, operation).err().map(|error| error.code());
            let expected = (!iam).then_some(ErrorCode::InvalidClientTokenId);
            assert_eq!(code, expected, "{name} {}", operation.name);
        }
        for (operation, allowed) in STS.iter().zip(sts.bytes()) {
            let refused = check(caller, find("sts", operation)).err().map(|error| error.to_string());
            let words = format!("AccessDenied: Cannot call {operation} with session credentials");
            assert_eq!(refused, (allowed == b'-').then_some(words), "{name} {operation}");
        }
        // Other services decide by policies alone.
        assert!(check(caller, find("bailiwick", "Authorize")).is_ok(), "{name}");
    }
}
