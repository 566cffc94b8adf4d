//! PostgreSQL for the tests: the server that `BAILIWICK_TEST_POSTGRES` names, or one of their own.
#![allow(dead_code, reason = "no test uses all of it")]

mod shared;

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use bailiwick_seal::Keyring;
use bailiwick_storage::Authenticator;
use bailiwick_storage_postgres::{Address, Database, Options, PostgresStore};
use tokio_postgres::{Client, NoTls};

/// The port on 127.0.0.1 of a server whose user `postgres` needs no password.
const VARIABLE: &str = "BAILIWICK_TEST_POSTGRES";
/// Runs a server until its standard input ends.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stores/postgres.sh");

/// Creates an authenticator with a new key.
pub(crate) fn authenticator() -> Authenticator {
    let keyring = Keyring::generate(0).expect("a keyring");
    Authenticator::new(keyring.row_key().expect("a key").expect("new keyrings have one"))
}

/// An empty database.
pub(crate) struct Empty {
    pub(crate) name: String,
}

impl Empty {
    pub(crate) async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        client("postgres").await.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
        Empty { name }
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        self.through(port())
    }

    /// Its address through another port.
    pub(crate) fn through(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{}", self.name)
    }

    /// Opens a store in it.
    pub(crate) async fn open(&self, options: &Options, authenticator: &Authenticator) -> PostgresStore {
        open(&self.address(), options, authenticator).await
    }

    /// A connection to it.
    pub(crate) async fn client(&self) -> Client {
        client(&self.name).await
    }
}

/// Opens a store.
pub(crate) async fn open(address: &str, options: &Options, authenticator: &Authenticator) -> PostgresStore {
    let address = Address::parse(address, None).expect("an address");
    let database = Database::open(address, options.clone()).await.expect("a database");
    database.start(authenticator.clone()).expect("a store")
}

async fn client(database: &str) -> Client {
    connect(port(), database).await
}

/// A connection to a database.
pub(crate) async fn connect(port: u16, database: &str) -> Client {
    let settings = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    let (client, connection) = tokio_postgres::connect(&settings, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The port of the server.
pub(crate) fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(port) => port.parse().expect("a port"),
        Err(_) => start(),
    })
}

/// Starts a server that ends with this process.
pub(crate) fn start() -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let mut server = Command::new(SCRIPT)
        .args([&port.to_string(), "fsync=off"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the script that runs PostgreSQL");
    let mut line = String::new();
    let output = server.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n", "PostgreSQL must be installed: apt-get install postgresql");
    // Its standard input stays open until this process ends.
    std::mem::forget(server);
    port
}
