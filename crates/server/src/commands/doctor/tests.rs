use bailiwick_storage::{AccessKey, Batch, Record as _, Scan, keys};
use bytes::Bytes;
use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::options::{DeploymentOptions, StoreOptions};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

#[derive(Parser)]
struct ServeLine {
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    deployment: DeploymentOptions,
}

/// Changes the values of rows below transactions.
type Change = fn(&[(Bytes, Bytes)]) -> Vec<(Bytes, Bytes)>;

/// What the doctor finds in a store after its first start and a change.
async fn found(change: Change) -> Vec<(&'static str, String)> {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let serve = ServeLine::parse_from(["serve", "--data-dir", data, "--account-id", "111122223333"]);
    let file = store::open(&serve.store).unwrap();
    let opened = crate::first_start::open(
        &serve.store,
        &serve.deployment,
        file,
        "http://127.0.0.1:7470",
        "http://127.0.0.1:7470",
    )
    .await;
    let opened = opened.unwrap();
    let view = opened.store().read(At::Latest).await.unwrap();
    let rows = view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| (row.key, row.value)).collect();
    let put = change(&rows);
    opened.store().commit(Batch { put, ..Batch::default() }).await.unwrap();
    opened.open.close().await;
    drop((view, opened));
    let options = Line::parse_from(["doctor", "--json", "--data-dir", data]).options;
    let mut report = Report::new(true);
    assert!(check(&options, &mut report).await.is_ok());
    report.faults().iter().map(|trouble| (trouble.fault, trouble.problem.clone())).collect()
}

fn of(rows: &[(Bytes, Bytes)], kind: keys::Kind) -> (Bytes, Bytes) {
    rows.iter().find(|(key, _)| keys::parse(key).is_some_and(|parsed| parsed.1 == kind)).unwrap().clone()
}

#[tokio::test]
async fn content_that_cannot_be_used_is_found() {
    assert_eq!(found(|_| Vec::new()).await, []);
    let secret = found(|rows| {
        let (key, value) = of(rows, keys::Kind::AccessKey);
        let record = AccessKey::decode(&value).unwrap();
        vec![(key, AccessKey { sealed_secret: vec![1; 60].into(), ..record }.encode())]
    });
    let problem = "its secret access key cannot be opened with the keys of this store".to_owned();
    assert_eq!(secret.await, [("content", problem)]);
    let policy = found(|rows| {
        let (key, value) = of(rows, keys::Kind::PolicyVersion);
        let record = bailiwick_storage::PolicyVersion::decode(&value).unwrap();
        vec![(key, bailiwick_storage::PolicyVersion { document: "{".into(), ..record }.encode())]
    });
    let policy = policy.await;
    assert_eq!(policy.len(), 1);
    assert!(policy[0].1.starts_with("its policy does not compile and denies everything"), "{policy:?}");
    let checkpoint =
        found(|_| vec![(keys::kind(bailiwick_model::AccountId::NONE, keys::Kind::AuditCheckpoint).into(), "?".into())]);
    assert_eq!(checkpoint.await, [("content", "it does not say how far the audit trail is written".to_owned())]);
    let outbox = found(|_| {
        let mut key = keys::kind(bailiwick_model::AccountId::NONE, keys::Kind::Outbox);
        key.extend_from_slice(b"event");
        vec![(key.into(), "?".into())]
    });
    let outbox: Vec<_> = outbox.await.into_iter().map(|(fault, _)| fault).collect();
    assert_eq!(outbox, ["count", "content"]);
}
