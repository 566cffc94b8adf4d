//! When principals last used the actions of services.

use bailiwick_model::{AccountId, Result, UniqueId};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    reference::IdentityKind,
    tx::Tx,
};

/// The actions whose uses are kept for one principal. Uses of further actions are not recorded. They are deleted with the
/// principal, all at once, and a store in etcd writes 3,600 rows together.
const MOST: u64 = 3_000;

/// A principal whose uses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceUser {
    /// The account.
    pub account: AccountId,
    /// The user or role; none for the whole account, root included.
    pub id: Option<UniqueId>,
}

/// The last use of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUse {
    /// The moment.
    pub time: Timestamp,
    /// The region of the request.
    pub region: String,
}

impl Tx {
    /// The last uses of each action by a principal, in the order of actions, which are as in `iam:GetUser`; no reason for a
    /// conflict.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_service_uses(&self, user: &ServiceUser) -> Result<Vec<(String, ServiceUse)>> {
        let prefix = keys::owned(user.account, Kind::ServiceUse, user.id.as_ref(), "");
        let mut uses = Vec::new();
        for (key, value) in self.scan(&prefix, None, usize::MAX).await? {
            let action = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
            uses.push((action, crate::codec::Record::decode(&value)?));
        }
        Ok(uses)
    }

    /// Records a use of an action, unless a later one is stored or the principal was deleted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_service_use(&mut self, user: &ServiceUser, action: &str, used: &ServiceUse) -> Result<()> {
        let record = match &user.id {
            None => keys::account(user.account),
            Some(id) => match IdentityKind::of(id) {
                Some(kind) => keys::identity(user.account, kind, id),
                None => return Ok(()),
            },
        };
        if self.look_at(record).await?.is_none() {
            return Ok(());
        }
        let key = keys::owned(user.account, Kind::ServiceUse, user.id.as_ref(), action);
        match self.read::<ServiceUse>(key.clone()).await? {
            Some(stored) if stored.time > used.time => return Ok(()),
            Some(_) => {}
            None => {
                let count = service_use_counter(user);
                if self.peek_count(&count).await? >= MOST {
                    return Ok(());
                }
                self.add(count, 1);
            }
        }
        self.put_record(key, used);
        Ok(())
    }

    /// Deletes the uses of a user or role. A concurrent first use of an action conflicts.
    pub(crate) async fn delete_service_uses(&mut self, user: &ServiceUser) -> Result<()> {
        let count = service_use_counter(user);
        let total = self.read_count(count.clone()).await?;
        if total != 0 {
            let prefix = keys::owned(user.account, Kind::ServiceUse, user.id.as_ref(), "");
            for (key, _) in self.scan(&prefix, None, usize::MAX).await? {
                self.delete_key(key);
            }
            self.add(count, 0_i64.saturating_sub_unsigned(total));
        }
        Ok(())
    }
}

fn service_use_counter(user: &ServiceUser) -> Bytes {
    let id: &[u8] = user.id.as_ref().map_or(&[], |id| id.as_bytes());
    keys::counter(user.account, CounterKind::ServiceUses, id)
}

impl AsMessage for ServiceUse {
    type Message = pb::ServiceUse;
    const NAME: &'static str = "service use";

    fn to_message(&self) -> pb::ServiceUse {
        pb::ServiceUse { time: self.time.as_microsecond(), region: self.region.clone() }
    }

    fn from_message(message: pb::ServiceUse) -> Result<Self, Malformed> {
        Ok(ServiceUse { time: codec::time(message.time)?, region: message.region })
    }
}
