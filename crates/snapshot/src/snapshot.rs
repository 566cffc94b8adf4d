//! The view at one revision of the store.

use std::ops::Deref;

use bailiwick_decision::View;
use bailiwick_storage::Revision;

/// The view at one revision of the store. A clone copies a few pointers.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) view: View,
}

impl Snapshot {
    /// The revision that it shows.
    pub fn revision(&self) -> Revision {
        self.revision
    }
}

impl Deref for Snapshot {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}
