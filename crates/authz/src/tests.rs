//! The test fixtures: an environment, identities with keys, signed requests, and calls of the handlers. The tests are
//! beside their subjects.

pub(crate) use std::sync::Arc;
pub(crate) use std::time::Duration;

pub(crate) use bailiwick_api::authz;
pub(crate) use bailiwick_model::{AccessKeyId, IdKind, Partition, Path, PolicyName, Region, Result, Tags, UserName};
pub(crate) use bailiwick_operation::{Check, Credential, Handle, Principal};
pub(crate) use bailiwick_sigv4 as sigv4;
pub(crate) use bailiwick_storage::{Account, AccountState, KeyOwner, Policy, Role, Tx, User};
pub(crate) use bailiwick_sts::Tokens;
pub(crate) use bailiwick_testing::{Key, MAIN, OTHER, THIRD, TestRequest, account, arn, noon, put_inline};

pub(crate) use crate::{Authenticated, Proof};

mod calls;
mod env;
mod identities;
mod questions;

pub(crate) use env::TestEnv;
pub(crate) use questions::{entry, question};

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

/// Code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => error.code().wire(),
    }
}
