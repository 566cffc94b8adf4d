//! Records of an account that are kept for a limited time and in a limited number, such as tasks and jobs.

use bailiwick_model::{AccountId, Result};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::Record,
    keys::{self, CounterKind, Kind},
    tx::Tx,
};

/// How many old records a new one removes at most.
const CLEANED: usize = 10;

/// A record that is kept for a limited time, under an id that is a text.
pub trait Expiring: Record + Send + Sync {
    /// Where the records are, and how long and how many are kept.
    #[doc(hidden)]
    const SPEC: ExpiringSpec;

    /// The account that it belongs to.
    fn account(&self) -> AccountId;
    /// Its id, unique in the account.
    fn id(&self) -> &str;
    /// When it was created.
    fn created(&self) -> Timestamp;
}

/// The properties of an expiring record that generic code needs.
pub struct ExpiringSpec {
    pub(crate) record: Kind,
    pub(crate) times: Kind,
    pub(crate) counter: CounterKind,
    pub(crate) kept: SignedDuration,
    /// With this many records, a new one removes the oldest: a new one can always be created.
    pub(crate) most: u64,
}

impl Tx {
    /// Stores a record. Removes some that have expired, and the oldest one if the account has as many as it may.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn create_expiring<R: Expiring>(&mut self, new: &R) -> Result<()> {
        let account = new.account();
        let prefix = keys::kind(account, R::SPEC.times);
        let count = keys::counter(account, R::SPEC.counter, &[]);
        let oldest = new.created().saturating_sub(R::SPEC.kept).unwrap_or(Timestamp::MIN);
        let mut is_full = self.peek_count(&count).await? >= R::SPEC.most;
        for (key, _) in self.scan(&prefix, None, CLEANED).await? {
            let Some((time, id)) = key[prefix.len()..].split_first_chunk::<8>() else { continue };
            // A concurrent transaction removes the same rows: one of the two conflicts, and runs again.
            let is_kept = u64::from_be_bytes(*time) >= micros(oldest) && !std::mem::take(&mut is_full);
            if is_kept || self.read_key(key.clone()).await?.is_none() {
                break;
            }
            self.delete_key(keys::record(account, R::SPEC.record, id));
            self.delete_key(key);
            self.add(count.clone(), -1);
        }
        self.add(count, 1);
        self.put(keys::expiring_time(account, R::SPEC.times, micros(new.created()), new.id()), Bytes::new());
        self.put_record(keys::record(account, R::SPEC.record, new.id().as_bytes()), new);
        Ok(())
    }

    /// Returns the record with this id, or `None` if there is none or it has expired.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_expiring<R: Expiring>(
        &mut self,
        account: AccountId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<R>> {
        let found: Option<R> = self.read(keys::record(account, R::SPEC.record, id.as_bytes())).await?;
        Ok(found.filter(|record| now.duration_since(record.created()) < R::SPEC.kept))
    }
}

/// The time as keys are ordered by it. Times before 1970 do not occur.
pub(crate) fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or(0)
}
