//! What may be used once until it expires.
//!
//! A use is a row whose key begins with the end of what was used, so the oldest uses are the first rows. A row is unique to
//! one use: removing it can not remove another one.

use bailiwick_model::{AccountId, Result};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    keys::{self, Kind},
    tx::Tx,
};

/// How long a use is kept after its end, for clocks that differ between servers.
const KEPT: SignedDuration = SignedDuration::from_mins(15);
/// How many old uses a new one removes: more than it adds, so that their number is that of the uses in [`KEPT`] and the
/// validity of what was used.
const REMOVED: usize = 8;

impl Tx {
    /// Records a use. Returns false if it was used before. Of two transactions that use the same at the same time, one
    /// conflicts. Removes some uses that have expired.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub(crate) async fn use_once(
        &mut self,
        of: Kind,
        digest: &[u8; 32],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let key = keys::single_use(of, micros(expires), digest);
        if self.read_key(key.clone()).await?.is_some() {
            return Ok(false);
        }
        let first_kept = keys::single_use(of, micros(now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN)), &[0; 32]);
        for (old, _) in self.scan(&keys::kind(AccountId::NONE, of), None, REMOVED).await? {
            if old < first_kept {
                self.delete_key(old);
            }
        }
        self.put(key, Bytes::new());
        Ok(true)
    }
}

/// The time as keys are ordered by it. Times before 1970 do not occur.
fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or(0)
}
