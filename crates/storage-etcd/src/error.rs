//! Errors of etcd, as those of a store.

use bailiwick_storage::{OutageReason, StoreError};
use tonic::{Code, Status};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be used.
    #[error("the address of the store cannot be used: {0}")]
    Address(String),
    /// The cluster cannot be reached, or refuses a request.
    #[error("the etcd cluster cannot be used: {0}")]
    Database(String),
    /// Another process has the id of this server.
    #[error(
        "another server with the same id uses the database: its data folder and the one of this server are copies; give one of them a new data folder"
    )]
    SameServer,
    /// A newer version wrote the store.
    #[error("the store was written by a newer version of Bailiwick (layout {found}, this version supports {known})")]
    Newer {
        /// The layout found.
        found: u32,
        /// The newest supported layout.
        known: u32,
    },
    /// The keys do not contain a store.
    #[error("the store is damaged: {0}; restore a backup")]
    Corrupt(String),
    /// Another error of the store.
    #[error("{0}")]
    Store(#[source] StoreError),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        OpenError::Database(fault.to_string())
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(why) => OpenError::Corrupt(why),
            StoreError::Unreachable(outage) => OpenError::Database(outage.to_string()),
            error => OpenError::Store(error),
        }
    }
}

/// Why a request has no answer. Messages of etcd name limits and settings, never values.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The revision that was asked for is no longer kept.
    #[error("old versions of keys have been removed")]
    Compacted,
    /// The member that was asked does not have the revision yet.
    #[error("the member has not reached the revision")]
    Future,
    /// The token is missing, or no longer valid.
    #[error("{0}")]
    Token(String),
    /// Nothing was done: the user is unknown, the password is wrong, or rights are missing.
    #[error("{0}")]
    Denied(String),
    /// Nothing was done: the quota is exceeded.
    #[error("{0}: etcd accepts changes again when its alarm is disarmed")]
    Full(String),
    /// Nothing was done.
    #[error("{0}")]
    Refused(String),
    /// What was asked for may have been done, or may be done later.
    #[error("{0}")]
    Unreachable(String),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        let message = status.message();
        match status.code() {
            Code::OutOfRange if message.contains("compacted") => Fault::Compacted,
            Code::OutOfRange if message.contains("future revision") => Fault::Future,
            Code::Unauthenticated => Fault::Token(message.to_owned()),
            // Without a token, and with one from before a change of users or roles.
            Code::InvalidArgument
                if message.contains("user name is empty") || message.contains("revision of auth store is old") =>
            {
                Fault::Token(message.to_owned())
            }
            Code::InvalidArgument if message.contains("authentication failed") => Fault::Denied(message.to_owned()),
            Code::PermissionDenied => Fault::Denied(message.to_owned()),
            Code::InvalidArgument | Code::Unimplemented => Fault::Refused(message.to_owned()),
            Code::ResourceExhausted if message.contains("database space exceeded") => Fault::Full(message.to_owned()),
            _ => Fault::Unreachable(describe(&status)),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let reason = match fault {
            Fault::Compacted => return StoreError::StaleView,
            Fault::Token(_) | Fault::Denied(_) => OutageReason::Credentials,
            Fault::Full(_) => OutageReason::DatabaseFull,
            Fault::Refused(_) => OutageReason::Refused,
            Fault::Future | Fault::Unreachable(_) => OutageReason::Unreachable,
        };
        StoreError::unreachable(reason, fault.to_string())
    }
}

/// Describes a status with its causes.
fn describe(status: &Status) -> String {
    let mut message = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    message
}
