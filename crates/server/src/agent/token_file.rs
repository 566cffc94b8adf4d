//! The authorization token of the container endpoint, in a file that only its owner can read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bailiwick_operation::Random;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;

/// A random token, made at the agent's start. The file is removed at its end.
pub(crate) struct TokenFile {
    token: Zeroizing<String>,
    path: PathBuf,
}

impl TokenFile {
    /// Makes a token and writes it to the file, in place of the token of an earlier start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn create(path: &Path, random: &dyn Random) -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        // Filled in place: a string that grows would leave copies in memory.
        let mut token = Zeroizing::new(String::with_capacity(64));
        for byte in bytes.iter() {
            let _ = write!(token, "{byte:02x}");
        }
        // Without an end of line, which SDKs would send or refuse.
        private_file::replace(path, 0o600, token.as_bytes()).map_err(|error| {
            Failure::with_code(
                format!(
                    "cannot write the authorization token to {}: {error}; name another file with --token-file",
                    path.display()
                ),
                2,
            )
        })?;
        Ok(TokenFile { token, path: path.to_owned() })
    }

    /// Whether the text of a request is the token. Takes the same time for every wrong text of the right length.
    pub(super) fn is(&self, text: &str) -> bool {
        verify_slices_are_equal(self.token.as_bytes(), text.as_bytes()).is_ok()
    }
}

impl Drop for TokenFile {
    /// Removes the file, unless another agent has written its own token there.
    fn drop(&mut self) {
        let found = std::fs::read(&self.path).map(Zeroizing::new);
        if found.is_ok_and(|found| **found == *self.token.as_bytes()) {
            let _ = private_file::remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::system::SystemRandomness;

    #[test]
    fn a_token_is_private_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "left by an earlier agent").unwrap();
        let random = SystemRandomness::default();
        let first = TokenFile::create(&path, &random).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.len(), 64);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.is(&written));
        for wrong in ["", "x", &written[1..], &format!("{written}\n"), &written.to_uppercase().replace('0', "1")] {
            assert!(!first.is(wrong), "{wrong}");
        }
        // Another agent takes the file over; the first one leaves it there.
        let second = TokenFile::create(&path, &random).unwrap();
        assert!(!second.is(&written));
        drop(first);
        assert!(second.is(&std::fs::read_to_string(&path).unwrap()));
        drop(second);
        assert!(!path.exists());
    }
}
