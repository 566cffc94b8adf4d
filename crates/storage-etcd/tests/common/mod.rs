//! etcd for the tests: the server that `BAILIWICK_TEST_ETCD` names, or one of their own.
#![allow(dead_code, reason = "no test uses all of it")]

mod shared;

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use bailiwick_seal::Keyring;
use bailiwick_storage::{Authenticator, Batch};
use bailiwick_storage_etcd::{Address, Database, EtcdStore, Options};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

/// The port on 127.0.0.1 of a server without authentication.
const VARIABLE: &str = "BAILIWICK_TEST_ETCD";
/// Runs a cluster until its standard input ends.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stores/etcd.sh");

/// Creates an authenticator with a new key.
pub(crate) fn authenticator() -> Authenticator {
    let keyring = Keyring::generate(0).expect("a keyring");
    Authenticator::new(keyring.row_key().expect("a key").expect("new keyrings have one"))
}

/// A batch that puts one key.
pub(crate) fn put(key: &str, value: &str) -> Batch {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    Batch { put: vec![(key, value)], ..Batch::default() }
}

/// A prefix without keys.
pub(crate) struct Empty {
    pub(crate) prefix: String,
}

impl Empty {
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Empty { prefix: format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        self.through(port())
    }

    /// Its address through another port.
    pub(crate) fn through(&self, port: u16) -> String {
        format!("etcd://127.0.0.1:{port}/{}", self.prefix)
    }

    /// Opens a store in it.
    pub(crate) async fn open(&self, options: &Options, authenticator: &Authenticator) -> EtcdStore {
        open(&self.address(), options, authenticator).await
    }

    /// The value of a key of the store in etcd.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Bytes> {
        let found = call("kv/range", &json!({ "key": self.key(key) }));
        found["kvs"].get(0).map(|found| decoded(&found["value"]))
    }

    /// Replaces or removes the value of a key of the store in etcd.
    pub(crate) fn set(&self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => call("kv/put", &json!({ "key": self.key(key), "value": STANDARD.encode(value) })),
            None => call("kv/deleterange", &json!({ "key": self.key(key) })),
        };
    }

    /// Removes all keys.
    pub(crate) fn clear(&self) {
        let end = STANDARD.encode(format!("{}0", self.prefix));
        call("kv/deleterange", &json!({ "key": self.key(b""), "range_end": end }));
    }

    /// All keys with their values.
    pub(crate) fn all(&self) -> Vec<(Bytes, Bytes)> {
        let end = STANDARD.encode(format!("{}0", self.prefix));
        let found = call("kv/range", &json!({ "key": self.key(b""), "range_end": end }));
        let found = found["kvs"].as_array().cloned().unwrap_or_default();
        let pair = |found: &Value| (decoded(&found["key"]).slice(self.prefix.len() + 1..), decoded(&found["value"]));
        found.iter().map(pair).collect()
    }

    fn key(&self, key: &[u8]) -> String {
        STANDARD.encode([self.prefix.as_bytes(), b"/", key].concat())
    }
}

/// Opens a store.
pub(crate) async fn open(address: &str, options: &Options, authenticator: &Authenticator) -> EtcdStore {
    let address = Address::parse(address, None).expect("an address");
    let database = Database::open(address, options.clone()).await.expect("a database");
    database.start(authenticator.clone()).expect("a store")
}

/// Calls etcd's API as JSON.
pub(crate) fn call(method: &str, request: &Value) -> Value {
    call_at(port(), method, request)
}

pub(crate) fn call_at(port: u16, method: &str, request: &Value) -> Value {
    call_as("", port, method, request)
}

/// The same; the answer may be an error.
pub(crate) fn try_call(token: &str, port: u16, method: &str, request: &Value) -> Value {
    let url = format!("http://127.0.0.1:{port}/v3/{method}");
    let (header, request) = (format!("Authorization: {token}"), request.to_string());
    let done = Command::new("curl").args(["-sS", "-m", "10", "-H", &header, "-d", &request, &url]).output();
    serde_json::from_slice(&done.expect("curl").stdout).expect("an answer")
}

/// Calls it with a token.
pub(crate) fn call_as(token: &str, port: u16, method: &str, request: &Value) -> Value {
    let answer = try_call(token, port, method, request);
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer
}

fn decoded(text: &Value) -> Bytes {
    // Empty values are left out.
    STANDARD.decode(text.as_str().unwrap_or_default()).expect("base64").into()
}

/// The port of the server.
pub(crate) fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(port) => port.parse().expect("a port"),
        Err(_) => {
            let cluster = Cluster::start(&[], 1);
            let port = cluster.ports[0];
            // Its standard input stays open until this process ends.
            std::mem::forget(cluster);
            port
        }
    })
}

/// A cluster that ends with this process.
pub(crate) struct Cluster {
    /// The ports of the members for clients.
    pub(crate) ports: Vec<u16>,
    /// The processes of the members.
    pub(crate) processes: Vec<u32>,
    script: Child,
}

impl Cluster {
    pub(crate) fn start(options: &[&str], members: usize) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        // All at once, so that they differ.
        let listeners: Vec<TcpListener> = (0..2 * members).map(|_| free()).collect();
        let ports: Vec<u16> = listeners.iter().map(|free| free.local_addr().expect("an address").port()).collect();
        drop(listeners);
        let names: Vec<String> = match members {
            1 => vec![ports[0].to_string()],
            _ => ports.chunks(2).map(|pair| format!("{}:{}", pair[0], pair[1])).collect(),
        };
        let mut script = Command::new(SCRIPT)
            .arg(names.join(","))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script that runs etcd");
        let mut line = String::new();
        let output = script.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let processes = line.strip_prefix("ready ").expect("etcd must be installed: apt-get install etcd-server");
        let processes = processes.split_whitespace().map(|id| id.parse().expect("a process id")).collect();
        let ports = ports.chunks(2).map(|pair| pair[0]).collect();
        Cluster { ports, processes, script }
    }

    /// Sends a signal to a member.
    pub(crate) fn signal(&self, member: usize, signal: &str) {
        let id = self.processes[member].to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
