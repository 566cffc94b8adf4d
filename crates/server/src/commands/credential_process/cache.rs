//! Sessions that are kept in files between two runs.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;

use aws_lc_rs::digest;
use bailiwick_operation::Clock as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Printed;
use crate::agent::due;
use crate::aws::{Base, Keys};
use crate::commands::remote::{Resolved, RoleOptions};
use crate::failure::Failure;
use crate::private_file;
use crate::system::SystemClock;

/// The file of one session.
pub(super) struct Cache(PathBuf);

/// A session that has not expired.
pub(super) struct Kept {
    pub(super) printed: Printed,
    /// When it must be renewed.
    pub(super) due: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content<P> {
    obtained: Timestamp,
    credentials: P,
}

impl Cache {
    /// The file of the session that the settings lead to. Other settings and other keys have other files.
    ///
    /// # Errors
    /// When there is no home folder.
    pub(super) fn of(resolved: &Resolved, role: &RoleOptions) -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let home = home.ok_or_else(|| Failure::with_code("--cache needs a home folder: HOME is not set", 2))?;
        let base = match &resolved.source.base {
            Base::Keys(keys) => &keys.access_key_id,
            Base::Process { command, .. } => command,
            Base::WebIdentity { role, token_file } => &format!("{token_file:?} for {role:?}"),
        };
        let key = format!(
            "{:?}",
            (&resolved.settings.endpoint, base, &resolved.source.roles, role.mfa_serial(), role.duration())
        );
        let mut name = String::new();
        for byte in digest::digest(&digest::SHA256, key.as_bytes()).as_ref() {
            let _ = write!(name, "{byte:02x}");
        }
        Ok(Cache(PathBuf::from(home).join(".aws/bailiwick/cache").join(format!("{name}.json"))))
    }

    /// Reads the session, if there is one that has not expired. A file that others could have read or written is not
    /// used.
    pub(super) fn read(&self) -> Option<Kept> {
        let found = fs::symlink_metadata(&self.0).ok()?;
        let is_private =
            found.is_file() && found.mode() & 0o077 == 0 && found.uid() == rustix::process::geteuid().as_raw();
        let content = fs::read(&self.0).map(Zeroizing::new).ok().filter(|_| is_private)?;
        let Content::<Printed> { obtained, credentials } = serde_json::from_slice(&content).ok()?;
        let expiration = credentials.expiration.as_deref()?.parse::<Timestamp>().ok()?;
        let kept = Kept { printed: credentials, due: due(obtained, expiration) };
        (SystemClock.now() < expiration).then_some(kept)
    }

    /// Keeps a session that expires. A failure is reported, and the session is used nevertheless.
    pub(super) fn write(&self, printed: &Printed, keys: &Keys) {
        if keys.expiration.is_none() {
            return;
        }
        let Ok(content) = serde_json::to_vec(&Content { obtained: SystemClock.now(), credentials: printed }) else {
            return;
        };
        let content = Zeroizing::new(content);
        let folder = self.0.parent().map(|folder| DirBuilder::new().recursive(true).mode(0o700).create(folder));
        let written = folder.unwrap_or(Ok(())).and_then(|()| private_file::replace(&self.0, 0o600, &content));
        if let Err(error) = written {
            eprintln!("bailiwick: cannot keep the session in {}: {error}", self.0.display());
        }
    }
}
