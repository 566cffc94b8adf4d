//! SHA-256 in hexadecimal.

use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::HEXLOWER;

/// The bytes of a hash that this module returned.
pub(crate) fn bytes_of(hash: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()
}

/// The hash of these bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

/// The hash of a text that is read or written in parts.
#[derive(Clone)]
pub(crate) struct Running(Context);

impl Running {
    pub(crate) fn new() -> Self {
        Running(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash up to here.
    pub(crate) fn current(&self) -> String {
        HEXLOWER.encode(self.0.clone().finish().as_ref())
    }
}
