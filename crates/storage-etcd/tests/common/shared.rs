//! etcd as a database that servers share.

use std::time::Duration;

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ServerId, StoreError, StoredRow};
use bailiwick_storage_etcd::{Address, Database, EtcdStore, OpenError, Options};
use bailiwick_storage_suite::shared::{Refusal, Server, SharedDatabase};
use bytes::Bytes;
use serde_json::json;

use super::Empty;

/// The key of a process that began before all others.
fn first_process(server: ServerId) -> Vec<u8> {
    [b"server/", &server.0[..], b"/", &0u64.to_be_bytes()].concat()
}

fn row(key: &[u8]) -> Vec<u8> {
    [b"row/", key].concat()
}

fn refusal(error: OpenError) -> Refusal {
    match error {
        OpenError::SameServer => Refusal::SameServer,
        OpenError::Corrupt(_) => Refusal::Corrupt,
        OpenError::Store(StoreError::Incomplete { .. }) => Refusal::Incomplete,
        error => Refusal::Other(error.to_string()),
    }
}

#[async_trait]
impl SharedDatabase for Empty {
    type Opened = Database;
    type Store = EtcdStore;
    type Copy = Vec<(Bytes, Bytes)>;

    const DAMAGES: usize = 2;

    async fn create() -> Self {
        Empty::create()
    }

    fn port() -> u16 {
        super::port()
    }

    fn authenticator() -> Authenticator {
        super::authenticator()
    }

    async fn open(&self, server: &Server) -> Result<Database, Refusal> {
        let Server { id, port, max_staleness, retry, recent, log_retention } = *server;
        let options = Options { max_staleness, retry, recent, log_retention, ..Options::of(id) };
        let address = Address::parse(&self.through(port), None).expect("an address");
        Database::open(address, options).await.map_err(refusal)
    }

    fn is_unused(opened: &Database) -> bool {
        opened.is_unused()
    }

    async fn has_others(opened: &Database) -> bool {
        opened.has_other_servers().await.expect("an answer")
    }

    async fn leave(opened: Database) {
        opened.leave().await;
    }

    fn start(opened: Database, authenticator: Authenticator) -> Result<EtcdStore, Refusal> {
        opened.start(authenticator).map_err(refusal)
    }

    async fn restore(
        opened: Database,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: Vec<StoredRow>,
    ) -> Result<(), Refusal> {
        opened.restore(authenticator, sealed_state, epoch, rows.into_iter().map(Ok)).await.map_err(refusal)
    }

    async fn close(store: &EtcdStore) {
        store.close().await;
    }

    async fn copy(&self) -> Vec<(Bytes, Bytes)> {
        let mut all = self.all();
        all.retain(|(key, _)| !key.starts_with(b"server/"));
        all
    }

    async fn put_back(&self, copy: &Vec<(Bytes, Bytes)>) {
        Empty::clear(self);
        for (key, value) in copy {
            self.set(key, Some(value));
        }
    }

    async fn put_head_back(&self, copy: &Vec<(Bytes, Bytes)>) {
        let head = copy.iter().find(|(key, _)| key == "head");
        self.set(b"head", Some(&head.expect("a head").1));
    }

    async fn clear(&self) {
        Empty::clear(self);
    }

    async fn damage_head(&self, way: usize) {
        self.set(b"head", Some(&b"not a message"[..]).filter(|_| way == 0));
    }

    async fn remove_entry(&self, revision: u64) {
        self.set(&[b"log/", &revision.to_be_bytes()[..]].concat(), None);
    }

    async fn compact(&self) {
        // That of the newest change.
        let revision = super::call("kv/range", &json!({ "key": "AA==" }))["header"]["revision"].clone();
        // Other tests read views, for less than this time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Another test may have been first.
        super::try_call("", super::port(), "kv/compaction", &json!({ "revision": revision }));
    }

    async fn interrupt_restore(&self) -> bool {
        self.set(b"row/other", Some(b"text"));
        true
    }

    async fn revive(&self, server: ServerId) {
        self.set(&first_process(server), Some(b""));
    }

    async fn is_known(&self, server: ServerId) -> bool {
        self.get(&first_process(server)).is_some()
    }

    async fn stored(&self, key: &[u8]) -> Option<Bytes> {
        self.get(&row(key))
    }

    async fn tamper(&self, key: &[u8], stored: Option<Bytes>) {
        self.set(&row(key), stored.as_deref());
    }
}
