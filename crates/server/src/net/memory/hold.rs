//! The memory that one request, or the head of one, holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::{Account, Connection, Reason};

/// The memory is not available, so the request must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct NoRoom;

/// Bytes that are held until the last clone is dropped.
pub(in crate::net) struct Hold {
    account: Arc<Account>,
    holder: Arc<Holder>,
    key: usize,
}

/// The part that the account refers to.
pub(super) struct Holder {
    pub(super) connection: Arc<Connection>,
    /// Its number, in order of age.
    pub(super) number: u64,
    /// Whether it is a complete request.
    is_request: bool,
    clones: AtomicUsize,
    bytes: AtomicUsize,
    /// Whether the request waits for its client.
    is_receiving: AtomicBool,
    /// Whether a notification of the waiting task suffices to revoke it.
    waiter: AtomicWaker,
    /// The bytes that it held when it was revoked, if it was.
    is_given_up: AtomicBool,
    leaving: AtomicUsize,
    /// Pieces of the answer that the client has not read, and the time of the last progress.
    unsent: AtomicUsize,
    unsent_since: AtomicU32,
}

impl Hold {
    pub(super) fn new(account: &Arc<Account>, connection: &Arc<Connection>, is_request: bool) -> Self {
        if is_request {
            connection.begin();
        }
        let holder = Arc::new(Holder {
            connection: Arc::clone(connection),
            number: account.begun.fetch_add(1, Ordering::Relaxed),
            is_request,
            clones: AtomicUsize::new(1),
            bytes: AtomicUsize::new(0),
            is_receiving: AtomicBool::new(false),
            waiter: AtomicWaker::new(),
            is_given_up: AtomicBool::new(false),
            leaving: AtomicUsize::new(0),
            unsent: AtomicUsize::new(0),
            unsent_since: AtomicU32::new(0),
        });
        let key = account.holders().insert(Arc::clone(&holder));
        Hold { account: Arc::clone(account), holder, key }
    }

    /// Continues under another account: that of authenticated connections, if the request has authenticated its own.
    /// Otherwise a large answer to the first request of a connection would exceed the share of unauthenticated clients.
    #[must_use]
    pub(in crate::net) fn moved_to(self, account: &Arc<Account>) -> Hold {
        let moved = Hold::new(account, &self.holder.connection, self.holder.is_request);
        let bytes = self.holder.bytes();
        moved.holder.bytes.store(bytes, Ordering::Relaxed);
        account.add(bytes);
        moved
    }

    /// Holds further bytes.
    ///
    /// # Errors
    /// When it was revoked, or more memory is not available.
    pub(in crate::net) fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        self.holder.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.account.add(bytes);
        if self.is_given_up() {
            return Err(NoRoom);
        }
        if self.account.is_full(self.holder.bytes()) {
            self.account.pool.refused.fetch_add(1, Ordering::Relaxed);
            return Err(NoRoom);
        }
        Ok(())
    }

    /// Releases bytes early.
    pub(in crate::net) fn give_back(&self, bytes: usize) {
        self.holder.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.account.give_back(bytes);
    }

    /// Sets whether the request waits for its client. Only then it can be revoked.
    pub(in crate::net) fn set_receiving(&self, is_receiving: bool) {
        self.holder.is_receiving.store(is_receiving, Ordering::Relaxed);
    }

    /// Returns whether it was revoked.
    pub(in crate::net) fn is_given_up(&self) -> bool {
        self.holder.is_given_up()
    }

    /// Waits until it is revoked.
    pub(in crate::net) fn poll_given_up(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.holder.waiter.register(cx.waker());
        if self.is_given_up() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Counts a piece of the answer until it is sent.
    pub(in crate::net) fn sending(&self, bytes: usize) {
        let holder = &*self.holder;
        if holder.unsent.fetch_add(1, Ordering::Relaxed) == 0 {
            holder.unsent_since.store(self.now(), Ordering::Relaxed);
        }
        holder.bytes.fetch_add(bytes, Ordering::Relaxed);
        // An answer in progress is not refused; waiting requests make room.
        self.account.add(bytes);
    }

    /// Records that a piece of the answer was sent.
    pub(in crate::net) fn sent(&self, bytes: usize) {
        self.holder.unsent_since.store(self.now(), Ordering::Relaxed);
        self.holder.unsent.fetch_sub(1, Ordering::Relaxed);
        self.give_back(bytes);
    }

    /// Whether it is counted under this account.
    pub(in crate::net) fn is_of(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }

    /// The time, in seconds.
    pub(in crate::net) fn now(&self) -> u32 {
        self.account.pool.clock.now()
    }

    /// The connection that it came over.
    pub(in crate::net) fn connection(&self) -> &Arc<Connection> {
        &self.holder.connection
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        self.holder.clones.fetch_add(1, Ordering::Relaxed);
        Hold { account: Arc::clone(&self.account), holder: Arc::clone(&self.holder), key: self.key }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.holder.clones.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        // It cannot be revoked from here on.
        self.account.holders().remove(self.key);
        self.account.left(self.holder.leaving.load(Ordering::Relaxed));
        self.account.give_back(self.holder.bytes());
        if self.holder.is_request {
            self.holder.connection.end(self.now());
        }
    }
}

impl Holder {
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns whether it waits for the client to send or to read.
    pub(super) fn is_waiting(&self) -> bool {
        let is_waiting = self.is_receiving.load(Ordering::Relaxed) || self.unsent.load(Ordering::Relaxed) > 0;
        is_waiting && !self.is_given_up()
    }

    /// Returns whether it was revoked.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Returns the seconds without progress of the answer.
    pub(super) fn unsent_for(&self, now: u32) -> u32 {
        let since = self.unsent_since.load(Ordering::Relaxed);
        if self.unsent.load(Ordering::Relaxed) == 0 { 0 } else { now.saturating_sub(since) }
    }

    /// Revokes it: refuses a request that is being received, or closes the connection if an answer is not read.
    pub(super) fn give_up(&self, account: &Account) {
        if self.is_given_up.swap(true, Ordering::Relaxed) {
            return;
        }
        account.pool.refused.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes();
        self.leaving.store(bytes, Ordering::Relaxed);
        account.leaving(bytes);
        match self.waiter.take() {
            Some(waiter) if self.unsent.load(Ordering::Relaxed) == 0 => waiter.wake(),
            _ => self.connection.close(Reason::Memory),
        }
    }
}
