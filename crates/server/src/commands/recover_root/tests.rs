use bailiwick_audit::Record;
use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::options::DeploymentOptions;

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

/// A store after its first start. Standard output of a test is not a terminal, so keys are written into files.
async fn started() -> (TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let line = ["serve", "--data-dir", data.to_str().unwrap(), "--account-id", "111122223333"];
    let options = ServeLine::parse_from(line);
    let file = store::open(&options.store).unwrap();
    let opened = crate::first_start::open(
        &options.store,
        &options.deployment,
        file,
        "http://127.0.0.1:7470",
        "http://127.0.0.1:7470",
    )
    .await
    .unwrap();
    opened.open.close().await;
    drop(opened);
    std::fs::remove_file(options.store.credentials_file()).unwrap();
    let line = ["recover-root", "--data-dir", data.to_str().unwrap()];
    (folder, Line::parse_from(line).options)
}

/// Every audit record, and the ids of root's keys.
async fn found(options: &Options) -> (Vec<Record>, Vec<String>) {
    let file = store::open(&options.store).unwrap();
    let found = deployment::read(&options.store, file, Missing::Refused).await.unwrap();
    let Found::Used(opened) = found else { panic!("a store that was never used") };
    let (open, store) = (opened.open.clone(), opened.store());
    let tx = Tx::begin(Arc::clone(&store), Arc::default(), At::Latest).await.unwrap();
    let rows = tx.list_outbox(None, 100).await.unwrap();
    let records = rows.iter().flat_map(|row| Record::decode_row(&row.event).unwrap()).collect();
    let account = AccountId::parse("111122223333").unwrap();
    let keys = tx.list_access_keys(account, &bailiwick_storage::KeyOwner::Root, None, 10).await.unwrap().items;
    drop(tx);
    open.close().await;
    (records, keys.iter().map(|key| key.id.to_string()).collect())
}

#[tokio::test]
async fn a_recovery_is_recorded_with_its_changes() {
    let (_folder, options) = started().await;
    let (records, old) = found(&options).await;
    assert!(records.is_empty());
    recover(&options).await.unwrap();
    let (records, new) = found(&options).await;
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((record.event_source.as_str(), record.event_name.as_str()), ("bailiwick", "RecoverRoot"));
    assert!(record.error_code.is_empty() && !record.read_only);
    let parameters = admin::RecoverRootRequest::decode(&record.request_parameters[..]).unwrap();
    assert_eq!(parameters, admin::RecoverRootRequest { account_id: "111122223333".into() });
    let response = admin::RecoverRootResponse::decode(&record.response_elements[..]).unwrap();
    assert_eq!((vec![response.access_key_id], response.deleted_access_key_ids, response.resumed), (new, old, false));
    let origin = &record.origin;
    assert!(origin.user_agent.contains("recover-root (uid "), "{origin:?}");
    assert!(origin.user_identity.is_none());
    let exports = std::fs::read_to_string(options.store.credentials_file()).unwrap();
    let secret = exports.split_once("AWS_SECRET_ACCESS_KEY=").unwrap().1.lines().next().unwrap();
    assert!(!format!("{records:?}").contains(secret));
}

#[tokio::test]
async fn nothing_changes_if_the_key_cannot_be_written() {
    let (_folder, options) = started().await;
    let before = found(&options).await;
    std::fs::write(options.store.credentials_file(), "precious").unwrap();
    let error = recover(&options).await.unwrap_err().to_string();
    assert!(error.contains("is not overwritten"), "{error}");
    assert_eq!(std::fs::read_to_string(options.store.credentials_file()).unwrap(), "precious");
    assert_eq!(found(&options).await, before);
}
