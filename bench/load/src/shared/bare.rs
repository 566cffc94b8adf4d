//! Bare commits to a PostgreSQL database: the keys and bytes of one CreateUser, as the server left them, into tables of the
//! same form.

use anyhow::{Context, Result};
use std::time::Instant;
use tokio_postgres::{Client, NoTls};

const TABLES: &str = "
    CREATE TABLE bare_head (one boolean PRIMARY KEY, revision bigint NOT NULL, state bytea NOT NULL);
    CREATE TABLE bare_rows (key bytea PRIMARY KEY, stored bytea NOT NULL);
    CREATE TABLE bare_log (revision bigint PRIMARY KEY, entry bytea NOT NULL);
    INSERT INTO bare_head SELECT true, 0, state FROM bailiwick_head";

/// The commits.
pub struct Bare {
    client: Client,
    rows: Vec<Row>,
    entry: Vec<u8>,
    state: Vec<u8>,
    count: u64,
}

struct Row {
    key: Vec<u8>,
    stored: Vec<u8>,
    /// Whether the call before wrote the same key.
    shared: bool,
}

impl Bare {
    /// Reads what the call wrote that created `user`, and makes the tables.
    pub async fn of(database: &str, user: &str) -> Result<Bare> {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await.context("the database")?;
        tokio::spawn(connection);
        client.batch_execute(TABLES).await?;
        let of_user = "SELECT max(substring(stored FROM 17 FOR 8)::text) FROM bailiwick_rows
                       WHERE position($1 IN key) > 0 OR position($1 IN stored) > 0";
        let revision: Option<String> = client.query_one(of_user, &[&user.as_bytes()]).await?.get(0);
        let revision = revision.with_context(|| format!("the store knows no user {user}"))?;
        let number = i64::from_str_radix(revision.trim_start_matches("\\x"), 16)?;
        let entry = "SELECT entry FROM bailiwick_log WHERE revision = $1";
        let before: Vec<u8> = client.query_one(entry, &[&(number - 1)]).await?.get(0);
        let entry: Vec<u8> = client.query_one(entry, &[&number]).await?.get(0);
        let of_call = "SELECT key, stored FROM bailiwick_rows WHERE substring(stored FROM 17 FOR 8) = int8send($1)";
        let rows = client.query(of_call, &[&number]).await?;
        let rows = rows.iter().map(|row| {
            let (key, stored): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
            let shared = before.windows(key.len()).any(|part| part == key);
            Row { key, stored, shared }
        });
        let rows = rows.collect();
        let state = client.query_one("SELECT state FROM bailiwick_head", &[]).await?.get(0);
        Ok(Bare { client, rows, entry, state, count: 0 })
    }

    /// Keys and bytes of one call, the log's entry included.
    pub fn size(&self) -> (usize, usize) {
        let bytes: usize = self.rows.iter().map(|row| row.key.len() + row.stored.len()).sum();
        (self.rows.len() + 1, bytes + self.entry.len() + 8)
    }

    /// Commits groups of so many calls, and returns the calls per second.
    pub async fn rate(&mut self, group: usize, commits: usize) -> Result<f64> {
        let begun = Instant::now();
        for _ in 0..commits {
            self.commit(group).await?;
        }
        Ok((group * commits) as f64 / begun.elapsed().as_secs_f64())
    }

    async fn commit(&mut self, group: usize) -> Result<()> {
        let (mut keys, mut stored) = (Vec::new(), Vec::new());
        let (mut revisions, mut entries) = (Vec::new(), Vec::new());
        for call in 0..group {
            self.count += 1;
            for row in self.rows.iter().filter(|row| !row.shared || call == 0) {
                let mut key = row.key.clone();
                if !row.shared {
                    let end = key.len();
                    let tail = &mut key[end.saturating_sub(8)..];
                    // Unique, and scattered like the random ids of the server.
                    let digits = self.count.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
                    tail.copy_from_slice(&digits[8 - tail.len()..]);
                }
                keys.push(key);
                stored.push(&row.stored[..]);
            }
            revisions.push(self.count as i64);
            entries.push(&self.entry[..]);
        }
        let head = self.count as i64;
        let begin = self.client.batch_execute("BEGIN; SELECT revision FROM bare_head FOR UPDATE");
        let rows = "INSERT INTO bare_rows SELECT * FROM unnest($1::bytea[], $2::bytea[])
                    ON CONFLICT (key) DO UPDATE SET stored = excluded.stored";
        let log = "INSERT INTO bare_log SELECT * FROM unnest($1::bigint[], $2::bytea[])";
        begin.await?;
        self.client.execute(rows, &[&keys, &stored]).await?;
        self.client.execute(log, &[&revisions, &entries]).await?;
        self.client.execute("UPDATE bare_head SET revision = $1, state = $2", &[&head, &self.state]).await?;
        self.client.batch_execute("COMMIT").await?;
        Ok(())
    }
}
