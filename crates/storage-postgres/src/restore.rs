//! Fills a database with the rows of a copy.

use bailiwick_storage::{Authenticator, ChangeSet, StoreError, StoreState, StoredRow, encode_log_entry, keys};
use tokio_postgres::Client;

use crate::{OpenError, head::number};

/// About how many bytes of rows are sent at once.
const CHUNK: usize = 1 << 20;

pub(crate) async fn fill(
    client: &Client,
    authenticator: &Authenticator,
    expected: &StoreState,
    epoch: i64,
    rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
) -> Result<(), OpenError> {
    client.batch_execute("BEGIN").await?;
    let insert = client
        .prepare("INSERT INTO bailiwick_rows (key, stored) SELECT * FROM unnest($1::bytea[], $2::bytea[])")
        .await?;
    let (mut state, mut scratch, mut bytes) = (StoreState::default(), Vec::new(), 0);
    let (mut put_keys, mut put_stored) = (Vec::new(), Vec::new());
    for row in rows {
        let StoredRow { key, stored } = row?;
        let opened = authenticator.open_row(&key, &stored, &mut scratch)?;
        if opened.value.is_none() {
            return Err(OpenError::Corrupt(format!("{} is not what was written", keys::describe(&key))));
        }
        state.change(authenticator, &key, None, Some(opened.revision));
        bytes += key.len() + stored.len();
        put_keys.push(key.to_vec());
        put_stored.push(stored.to_vec());
        if bytes >= CHUNK {
            client.execute(&insert, &[&put_keys, &put_stored]).await?;
            (bytes, put_keys, put_stored) = (0, Vec::new(), Vec::new());
        }
    }
    client.execute(&insert, &[&put_keys, &put_stored]).await?;
    state.refuse_other_rows(expected)?;
    let state = StoreState { head: expected.head, ..state }.after_gap();
    let set = ChangeSet { revision: state.head, changes: Vec::new() };
    let mut entry = Vec::new();
    encode_log_entry(authenticator, &mut entry, &set, &[], &mut scratch)?;
    let (head, sealed) = (number(state.head), state.seal(authenticator)?);
    client.execute("INSERT INTO bailiwick_log (revision, entry) VALUES ($1, $2)", &[&head, &entry]).await?;
    // Servers that used the database before stop when they see another epoch.
    let update = "UPDATE bailiwick_head SET revision = $1, state = $2, epoch = $3";
    client.execute(update, &[&head, &sealed, &epoch]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}
