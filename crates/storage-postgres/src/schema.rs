//! The tables, and who may create them.
//!
//! `bailiwick_head` has one row: the layout of the tables, the epoch, the newest revision and the sealed state of the store
//! at it. Each transaction that writes locks this row first, so revisions are in the order of commits and have no gaps.
//! `bailiwick_rows` has every row as it is stored, and `bailiwick_log` the change sets.

use tokio_postgres::Client;

use crate::OpenError;

/// The layout of the tables that this version reads and writes.
pub(crate) const LAYOUT: i32 = 1;

/// The number of the advisory lock that a first start holds, and the creation of the tables.
const LOCK: i64 = 0x6261_696C_6977_636B;

const TABLES: &str = "
    CREATE TABLE bailiwick_head (
        one boolean PRIMARY KEY CHECK (one),
        layout integer NOT NULL,
        epoch bigint NOT NULL,
        revision bigint NOT NULL,
        state bytea NOT NULL
    );
    CREATE TABLE bailiwick_rows (key bytea PRIMARY KEY, stored bytea NOT NULL);
    CREATE TABLE bailiwick_log (revision bigint PRIMARY KEY, entry bytea NOT NULL);
    CREATE TABLE bailiwick_servers (server bytea PRIMARY KEY, confirmed timestamptz NOT NULL);
    INSERT INTO bailiwick_head (one, layout, epoch, revision, state) VALUES (true, 1, 1, 0, '');
";

/// Waits until no other server starts the store for the first time, and keeps others waiting until [`unlock`] or the end of
/// the connection.
pub(crate) async fn lock(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.execute_typed("SELECT pg_advisory_lock($1)", &[(&LOCK, tokio_postgres::types::Type::INT8)]).await?;
    Ok(())
}

/// Lets other servers start.
pub(crate) async fn unlock(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.execute_typed("SELECT pg_advisory_unlock($1)", &[(&LOCK, tokio_postgres::types::Type::INT8)]).await?;
    Ok(())
}

/// Creates the tables if they are not there. The caller holds the lock.
///
/// # Errors
/// [`OpenError::Newer`] if a newer version wrote them.
pub(crate) async fn prepare(client: &Client) -> Result<(), OpenError> {
    if !exists(client).await? {
        client.batch_execute(&format!("BEGIN; {TABLES} COMMIT")).await?;
    }
    Ok(())
}

/// Returns whether the tables are there.
///
/// # Errors
/// [`OpenError::Newer`] if a newer version wrote them.
pub(crate) async fn exists(client: &Client) -> Result<bool, OpenError> {
    let there = client.query_one("SELECT to_regclass('bailiwick_head') IS NOT NULL", &[]).await?;
    if !there.get::<_, bool>(0) {
        return Ok(false);
    }
    let layout = client.query_opt("SELECT layout FROM bailiwick_head", &[]).await?;
    match layout.map(|row| row.get::<_, i32>(0)) {
        Some(LAYOUT) => Ok(true),
        Some(found) if found > LAYOUT => {
            Err(OpenError::Newer { found: found.unsigned_abs(), known: LAYOUT.unsigned_abs() })
        }
        Some(found) => Err(OpenError::Corrupt(format!("layout {found} was never written"))),
        None => Err(OpenError::Corrupt("the table bailiwick_head has no row".into())),
    }
}
