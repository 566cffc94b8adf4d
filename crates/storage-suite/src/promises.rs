//! The promises, one function each.

mod committing;
mod following;
mod racing;
mod reading;
mod reopening;
mod tampering;

pub use committing::*;
pub use following::*;
pub use racing::*;
pub use reading::*;
pub use reopening::*;
pub use tampering::*;

/// A log that forgets nothing within a test.
const LOG: u64 = 1 << 20;
