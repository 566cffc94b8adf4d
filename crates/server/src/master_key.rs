//! The master key: from a file or the environment, made at the first start, never made anew later.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use bailiwick_seal::MasterKey;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The variable that may hold the key itself.
pub(crate) const VARIABLE: &str = "BAILIWICK_MASTER_KEY";

/// Where the key came from.
pub(crate) struct Found {
    /// The key.
    pub(crate) key: MasterKey,
    /// Whether it was made just now.
    pub(crate) made: bool,
}

/// Takes the key from the environment or the file. At the first start, and only then, a file that isn't there is made.
pub(crate) fn load(file: &Path, first_start: bool) -> Result<Found, Failure> {
    if let Ok(text) = std::env::var(VARIABLE).map(Zeroizing::new) {
        let key = MasterKey::parse(text.as_bytes()).map_err(|_| {
            Failure::new(format!(
                "{VARIABLE} holds no master key: expected 32 bytes as 64 hexadecimal digits or base64"
            ))
        })?;
        return Ok(Found { key, made: false });
    }
    match fs::metadata(file) {
        Ok(found) => {
            let mode = found.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(Failure::new(format!(
                    "the master key {} is open to others (mode {:03o}): run chmod 400 {0}",
                    file.display(),
                    mode & 0o777
                )));
            }
            let content = fs::read(file)
                .map(Zeroizing::new)
                .map_err(|e| Failure::new(format!("cannot read the master key {}: {e}", file.display())))?;
            let key = MasterKey::parse(&content).map_err(|_| {
                Failure::new(format!(
                    "{} holds no master key: expected 32 bytes as 64 hexadecimal digits or base64",
                    file.display()
                ))
            })?;
            Ok(Found { key, made: false })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && first_start => make(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Failure::new(format!(
            "the master key {} is missing, and without it this store can't be read: restore it, or name it with --master-key-file",
            file.display()
        ))),
        Err(error) => Err(Failure::new(format!("cannot read the master key {}: {error}", file.display()))),
    }
}

fn make(file: &Path) -> Result<Found, Failure> {
    let key = MasterKey::generate().map_err(|e| Failure::new(format!("cannot make a master key: {e}")))?;
    let write = || -> std::io::Result<()> {
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o400).open(file)?;
        out.write_all(key.to_hex().expose().as_bytes())?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        // The name of the file has to last as well.
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|e| Failure::new(format!("cannot write the master key {}: {e}", file.display())))?;
    Ok(Found { key, made: true })
}
