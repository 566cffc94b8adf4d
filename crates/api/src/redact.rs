//! Messages without their secrets, for the audit log and for `Debug`.

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroize;

const MASK: &str = "[redacted]";

/// A message whose secrets can be removed.
pub trait Redact {
    /// Replaces every secret, at any depth, by `[redacted]`. Absent members stay absent.
    fn redact(&mut self);
}

impl Redact for String {
    fn redact(&mut self) {
        if !self.is_empty() {
            self.zeroize();
            self.push_str(MASK);
        }
    }
}

impl Redact for Bytes {
    fn redact(&mut self) {
        if !self.is_empty() {
            *self = Bytes::from_static(MASK.as_bytes());
        }
    }
}

/// The `Debug` output of a secret.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
