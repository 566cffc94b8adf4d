//! The test fixtures: an environment, identities with keys, signed requests, and calls of the handlers. The tests are
//! beside their subjects.

pub(crate) use std::sync::Arc;
pub(crate) use std::time::Duration;

pub(crate) use bailiwick_api::authz;
pub(crate) use bailiwick_model::{
    AccessKeyId, AccountId, Arn, IdKind, Partition, Path, PolicyName, Region, Result, Tags, UserName,
};
pub(crate) use bailiwick_operation::{Check, Credential, Handle, Principal};
pub(crate) use bailiwick_sigv4 as sigv4;
pub(crate) use bailiwick_storage::{Account, AccountState, KeyOwner, Policy, Role, Tx, User};
pub(crate) use bailiwick_sts::Tokens;
pub(crate) use jiff::Timestamp;

pub(crate) use crate::{Authenticated, Proof};

mod calls;
mod env;
mod identities;
mod questions;
mod sent;

pub(crate) use env::TestEnv;
pub(crate) use identities::Key;
pub(crate) use questions::{entry, question};
pub(crate) use sent::TestRequest;

pub(crate) const MAIN: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const THIRD: &str = "777788889999";

pub(crate) fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}

pub(crate) fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn allow(action: &str, resource: &str) -> String {
    statement("Allow", action, resource, "{}")
}

pub(crate) fn statement(effect: &str, action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"S1","Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{condition}}}]}}"#
    )
}

pub(crate) fn by(who: authz::caller::Who) -> Option<authz::Caller> {
    Some(authz::Caller { who: Some(who) })
}

pub(crate) fn arn(text: &str) -> Arn {
    Arn::parse(text).unwrap()
}

/// Code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => error.code().wire(),
    }
}
