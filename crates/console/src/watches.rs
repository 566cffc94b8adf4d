//! How many requests of a session wait for news, such as those of the live tail. Each holds a connection and a task.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many requests of one session may wait at once: those of so many open pages.
const MOST: usize = 3;

/// The numbers of waiting requests by the form token of their session.
#[derive(Default)]
pub(crate) struct Watches(Mutex<HashMap<String, usize>>);

/// A request that waits; it stops to count when this is dropped.
pub(crate) struct Watch<'a> {
    watches: &'a Watches,
    session: &'a str,
}

impl Watches {
    /// Counts a request that is about to wait; none if too many of the session do.
    pub(crate) fn begin<'a>(&'a self, session: &'a str) -> Option<Watch<'a>> {
        let mut waiting = self.lock();
        let number = waiting.get(session).copied().unwrap_or_default();
        if number == MOST {
            return None;
        }
        waiting.insert(session.to_owned(), number + 1);
        Some(Watch { watches: self, session })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut waiting = self.watches.lock();
        if let Some(number) = waiting.get_mut(self.session) {
            *number -= 1;
            if *number == 0 {
                waiting.remove(self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_waits_three_times_at_once() {
        let watches = Watches::default();
        let mut own: Vec<_> = (0..4).map(|_| watches.begin("a")).collect();
        assert_eq!(own.iter().filter(|watch| watch.is_some()).count(), MOST);
        assert!(watches.begin("b").is_some());
        own.remove(0);
        assert!(watches.begin("a").is_some());
        drop(own);
        assert!(watches.lock().is_empty());
    }
}
