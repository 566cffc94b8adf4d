//! Callers, and the context of their requests.

use std::sync::Arc;

use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, IdKind, Path, RoleName, SessionName, Tags, UniqueId, UserName,
};
use bailiwick_operation::{Caller, Credential, Principal, RequestInfo, Session, SessionKind, SessionPolicyRef};
use bailiwick_storage::PolicyRef;

use crate::{MAIN, account, arn, time};

/// Root of the management account.
pub fn root() -> Caller {
    caller(Principal::Root { account: account(MAIN) }, AccessKeyKind::LongTerm)
}

/// The user `Heron` with the path `/birds/`, which no store has.
pub fn user() -> Caller {
    let principal = Principal::User {
        account: account(MAIN),
        id: UniqueId::new(IdKind::User, [7; 17]),
        name: UserName::parse("Heron").unwrap(),
        path: Path::parse("/birds/").unwrap(),
    };
    caller(principal, AccessKeyKind::LongTerm)
}

/// The session `swim` of the role `Otter`, with session policies, MFA, these tags, of which those with the given keys are
/// transitive, and this source identity. It began at 11:30:00.5 and ends at 12:30.
pub fn session(tags: &[(&str, &str)], transitive: &[&str], source_identity: Option<&str>) -> Caller {
    let principal = Principal::RoleSession {
        account: account(MAIN),
        id: UniqueId::new(IdKind::Role, [9; 17]),
        name: RoleName::parse("Otter").unwrap(),
        path: Path::root(),
        session_name: SessionName::parse("swim").unwrap(),
    };
    let caller = caller(principal, AccessKeyKind::Temporary);
    let session = Session {
        policies: vec![r#"{"Statement":[]}"#.into()],
        managed_policies: vec![SessionPolicyRef {
            arn: arn("arn:aws:iam::aws:policy/ReadOnlyAccess"),
            policy: PolicyRef { account: AccountId::NONE, id: UniqueId::new(IdKind::Policy, [5; 17]) },
        }],
        tags: Tags::parse(tags.iter().copied()).unwrap(),
        transitive_tag_keys: transitive.iter().map(|key| (*key).to_owned()).collect(),
        source_identity: source_identity.map(str::to_owned),
        ..Session::new(
            SessionKind::AssumeRole,
            caller.access_key_id().unwrap().clone(),
            time("11:30:00.5"),
            time("12:30:00"),
        )
    };
    Caller { session: Some(Arc::new(session)), mfa: Some(time("11:00:00")), ..caller }
}

/// A caller with an access key, without a session.
pub fn caller(principal: Principal, kind: AccessKeyKind) -> Caller {
    let key = AccessKeyId::new(kind, principal.account(), [3; 6]);
    Caller { principal, credential: Credential::AccessKey(key), session: None, mfa: None }
}

/// A request without an address.
pub fn request_info() -> RequestInfo {
    RequestInfo {
        id: "00000000-0000-4000-8000-000000000000".into(),
        source_ip: None,
        secure_transport: true,
        user_agent: None,
        region: None,
    }
}
