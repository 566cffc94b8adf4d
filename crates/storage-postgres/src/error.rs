//! Errors of the database, as those of a store.

use bailiwick_storage::{OutageReason, StoreError};
use tokio_postgres::error::{DbError, SqlState};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be used.
    #[error("the address of the store cannot be used: {0}")]
    Address(String),
    /// The database cannot be reached, or refuses the connection or a statement.
    #[error("the database cannot be used: {0}")]
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
    /// The tables do not contain a store.
    #[error("the store is damaged: {0}; restore a backup")]
    Corrupt(String),
    /// Another error of the store.
    #[error("{0}")]
    Store(#[source] StoreError),
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        OpenError::Database(describe(&error))
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(why) => OpenError::Corrupt(why),
            // Its message does not have the cause.
            StoreError::Backend(cause) => OpenError::Database(cause.to_string()),
            StoreError::Unreachable(outage) => OpenError::Database(outage.to_string()),
            error => OpenError::Store(error),
        }
    }
}

/// Describes an error with its causes. Messages of the database name tables and settings, never values.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !message.contains(&cause_text) {
            message = format!("{message}: {cause_text}");
        }
        source = cause.source();
    }
    message
}

/// The error of a read, or of a transaction that was not committed.
pub(crate) fn failed(error: &tokio_postgres::Error) -> StoreError {
    let Some(refused) = error.as_db_error() else {
        return StoreError::unreachable(OutageReason::Unreachable, describe(error));
    };
    match outage_of(refused) {
        Some(reason) => StoreError::unreachable(reason, describe(error)),
        None => StoreError::Backend(describe(error).into()),
    }
}

/// Why the database refused something, if the same may succeed later, or on another server: a lack of resources, an end or a
/// start of the database, a standby, a lock that was not free in time, rights that an administrator has to give back.
fn outage_of(error: &DbError) -> Option<OutageReason> {
    let code = error.code();
    Some(match code.code().get(..2).unwrap_or_default() {
        "28" => OutageReason::Credentials,
        "53" if *code == SqlState::DISK_FULL => OutageReason::DatabaseFull,
        "53" => OutageReason::Busy,
        "08" | "57" | "58" => OutageReason::Unreachable,
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => OutageReason::Credentials,
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => OutageReason::ReadOnly,
        _ if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_SERIALIZATION_FAILURE].contains(code) => {
            OutageReason::Contended
        }
        _ => return None,
    })
}
