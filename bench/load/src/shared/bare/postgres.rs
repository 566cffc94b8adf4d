//! Bare commits to a PostgreSQL database, into tables of the same form as the server's.

use super::{BareRow, Group, Written, revision_of};
use anyhow::{Context, Result};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

const TABLES: &str = "
    CREATE TABLE bare_head (one boolean PRIMARY KEY, revision bigint NOT NULL, state bytea NOT NULL);
    CREATE TABLE bare_rows (key bytea PRIMARY KEY, stored bytea NOT NULL);
    CREATE TABLE bare_log (revision bigint PRIMARY KEY, entry bytea NOT NULL);
    INSERT INTO bare_head SELECT true, 0, state FROM bailiwick_head";

type Parameter<'p> = &'p (dyn ToSql + Sync);

pub struct Store {
    client: Client,
    statements: Statements,
}

struct Statements {
    lock: Statement,
    insert: Statement,
    update: Statement,
    log: Statement,
    head: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Statements> {
        let insert = "INSERT INTO bare_rows SELECT * FROM unnest($1::bytea[], $2::bytea[])";
        let update = format!("{insert} ON CONFLICT (key) DO UPDATE SET stored = excluded.stored");
        Ok(Statements {
            lock: client.prepare("SELECT revision, state FROM bare_head FOR UPDATE").await?,
            insert: client.prepare(insert).await?,
            update: client.prepare(&update).await?,
            log: client.prepare("INSERT INTO bare_log SELECT * FROM unnest($1::bigint[], $2::bytea[])").await?,
            head: client.prepare("UPDATE bare_head SET revision = $1, state = $2").await?,
        })
    }
}

impl Store {
    pub async fn of(database: &str, user: &str) -> Result<(Store, Written)> {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await.context("the database")?;
        tokio::spawn(connection);
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
        // Not before: the server removes the row of the audit record soon.
        client.batch_execute(TABLES).await?;
        let statements = Statements::prepare(&client).await?;
        Ok((Store { client, statements }, Written::new(rows, &before, entry, state)))
    }

    /// The statements are prepared, and sent together without waiting for their answers, as the server's are.
    pub async fn commit<'w>(&mut self, group: Group<'w>) -> Result<()> {
        let Store { client, statements } = self;
        let (new, shared): (Vec<_>, Vec<_>) = group.rows.into_iter().partition(|row| row.is_new);
        let columns = |rows: Vec<BareRow<'w>>| rows.into_iter().map(|row| (row.key, row.stored)).unzip();
        let (new, new_stored): (Vec<Vec<u8>>, Vec<&[u8]>) = columns(new);
        let (shared, shared_stored): (Vec<Vec<u8>>, Vec<&[u8]>) = columns(shared);
        let log = group.log.into_iter().map(|(revision, entry)| (revision as i64, entry));
        let (revisions, entries): (Vec<i64>, Vec<&[u8]>) = log.unzip();
        let revision = group.revision as i64;
        let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        tokio::try_join!(biased; begin, client.query_one(&statements.lock, &[]))?;
        let insert: [Parameter<'_>; 2] = [&new, &new_stored];
        let update: [Parameter<'_>; 2] = [&shared, &shared_stored];
        let log: [Parameter<'_>; 2] = [&revisions, &entries];
        let head: [Parameter<'_>; 2] = [&revision, &group.state];
        tokio::try_join!(
            biased;
            client.execute(&statements.insert, &insert),
            client.execute(&statements.update, &update),
            client.execute(&statements.log, &log),
            client.execute(&statements.head, &head),
            client.batch_execute("COMMIT"),
        )?;
        Ok(())
    }
}
