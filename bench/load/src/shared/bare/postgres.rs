//! Bare commits to a PostgreSQL database, into tables of the same form as the server's.

use super::{Group, Written, revision_of};
use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

const TABLES: &str = "
    CREATE TABLE bare_head (one boolean PRIMARY KEY, revision bigint NOT NULL, state bytea NOT NULL);
    CREATE TABLE bare_rows (key bytea PRIMARY KEY, stored bytea NOT NULL);
    CREATE TABLE bare_log (revision bigint PRIMARY KEY, entry bytea NOT NULL);
    INSERT INTO bare_head SELECT true, 0, state FROM bailiwick_head";

pub struct Store {
    client: Client,
}

impl Store {
    pub async fn of(database: &str, user: &str) -> Result<(Store, Written)> {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await.context("the database")?;
        tokio::spawn(connection);
        client.batch_execute(TABLES).await?;
        let of_user = "SELECT stored FROM bailiwick_rows WHERE position($1 IN key) > 0 OR position($1 IN stored) > 0";
        let mut number = 0;
        for row in client.query(of_user, &[&user.as_bytes()]).await? {
            number = number.max(revision_of(row.get(0))? as i64);
        }
        anyhow::ensure!(number > 0, "the store knows no user {user}");
        let entry = "SELECT entry FROM bailiwick_log WHERE revision = $1";
        let before: Vec<u8> = client.query_one(entry, &[&(number - 1)]).await?.get(0);
        let entry: Vec<u8> = client.query_one(entry, &[&number]).await?.get(0);
        let of_call = "SELECT key, stored FROM bailiwick_rows WHERE substring(stored FROM 17 FOR 8) = int8send($1)";
        let rows = client.query(of_call, &[&number]).await?;
        let rows = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let state = client.query_one("SELECT state FROM bailiwick_head", &[]).await?.get(0);
        Ok((Store { client }, Written::new(rows, &before, entry, state)))
    }

    pub async fn commit(&mut self, group: Group<'_>) -> Result<()> {
        let (keys, stored): (Vec<Vec<u8>>, Vec<&[u8]>) = group.rows.into_iter().unzip();
        let log = group.log.into_iter().map(|(revision, entry)| (revision as i64, entry));
        let (revisions, entries): (Vec<i64>, Vec<&[u8]>) = log.unzip();
        let begin = self.client.batch_execute("BEGIN; SELECT revision FROM bare_head FOR UPDATE");
        let rows = "INSERT INTO bare_rows SELECT * FROM unnest($1::bytea[], $2::bytea[])
                    ON CONFLICT (key) DO UPDATE SET stored = excluded.stored";
        let log = "INSERT INTO bare_log SELECT * FROM unnest($1::bigint[], $2::bytea[])";
        let head = "UPDATE bare_head SET revision = $1, state = $2";
        begin.await?;
        self.client.execute(rows, &[&keys, &stored]).await?;
        self.client.execute(log, &[&revisions, &entries]).await?;
        self.client.execute(head, &[&(group.revision as i64), &group.state]).await?;
        self.client.batch_execute("COMMIT").await?;
        Ok(())
    }
}
