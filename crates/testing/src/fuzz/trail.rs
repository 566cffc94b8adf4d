//! The files of the audit trail, which others can write: digests and compressed segments.

use std::fs;

use bailiwick_audit::{Expected, LookUp, Query, Report, verify};

/// A segment that the folder has beside what is tested.
const SEGMENT: &str = "audit-00000000000000000001.jsonl";

/// Any bytes are digests of a trail, or are found to be none. No trail is signed by a key that is not trusted.
///
/// # Panics
/// If the property does not hold.
pub fn audit_digests(bytes: &[u8]) {
    verified("digests.jsonl", bytes, &Expected::default());
    let key = bailiwick_audit::PublicKey::parse_pem(OTHER_KEY).unwrap();
    let trusting = verified("digests.jsonl", bytes, &Expected { keys: key, anchor: None });
    assert!(trusting.signed_sequence == 0, "digests of another key count");
}

/// A public key of which no input has the private one.
const OTHER_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

/// Any bytes are a compressed segment, or are reported as damaged. Look-ups read both without a failure, and find the same
/// with an index as without.
///
/// # Panics
/// If the property does not hold.
pub fn audit_segment(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{SEGMENT}.gz")), bytes).unwrap();
    verify(folder.path(), &Expected::default(), &mut |_, _| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let look_up = LookUp::of_folder(folder.path());
        let query = Query { limit: 100, ..Query::default() };
        let without = look_up.page("fuzz", &query).await.unwrap();
        look_up.tail("fuzz", &query, 0).await.unwrap();
        look_up.build_indexes().await.unwrap();
        let with = look_up.page("fuzz", &query).await.unwrap();
        assert_eq!(with.events, without.events);
    });
}

fn verified(name: &str, bytes: &[u8], expected: &Expected) -> Report {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(SEGMENT), "{}\n").unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    verify(folder.path(), expected, &mut |_, _| {}).unwrap()
}
