//! Groups of change sets, which the change log has: those of one transaction each.

use std::sync::Arc;

use bailiwick_storage::{ChangeSet, Revision, StoreError};
use bailiwick_storage_remote::decode;
use prost::Message as _;

use crate::{
    Shared,
    api::{self, Group, KeyValue, RangeRequest},
    error::Fault,
    layout::Layout,
};

/// How many groups are read at once.
const GROUPS: i64 = 64;

/// A read of the groups that end after a revision.
pub(crate) fn after(layout: &Layout, revision: Revision) -> RangeRequest {
    let (key, range_end) = (layout.log(revision.next()), layout.log_end());
    RangeRequest { key, range_end, limit: GROUPS, ..RangeRequest::default() }
}

/// Reads groups of change sets, which follow each other; those up to a revision are left out. What is missing or damaged is an
/// inner error.
pub(crate) async fn read(
    shared: &Shared,
    after: Revision,
    groups: Vec<KeyValue>,
) -> Result<Result<Vec<Arc<ChangeSet>>, StoreError>, Fault> {
    let damaged = |_| StoreError::Corrupt("a group of the change log is damaged".into());
    let mut entries = Vec::new();
    for KeyValue { value, .. } in groups {
        match Group::decode(value) {
            Ok(group) if group.part.is_empty() => entries.extend(group.entries),
            Ok(group) => {
                let reader = &shared.backend;
                let found = reader.client.range(&api::get(reader.layout.part(&group.part))).await?;
                for part in found.kvs {
                    match Group::decode(part.value) {
                        Ok(group) => entries.extend(group.entries),
                        Err(error) => return Ok(Err(damaged(error))),
                    }
                }
            }
            Err(error) => return Ok(Err(damaged(error))),
        }
    }
    let new = entries.iter().filter(|entry| entry.revision > after.number());
    Ok(decode(&shared.authenticator, after, new.map(|entry| (entry.revision, &entry.entry[..]))))
}
