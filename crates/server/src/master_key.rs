//! The master key: from the environment or a file, made at the first start, never made anew later.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bailiwick_seal::MasterKey;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;

/// The variable that may hold the key itself.
pub(crate) const VARIABLE: &str = "BAILIWICK_MASTER_KEY";

/// What a key looks like.
const FORM: &str = "expected 32 bytes as 64 hexadecimal digits or base64";

/// The text of the variable, if it is set. One that is empty counts as one that is not set.
pub(crate) fn given() -> Option<Zeroizing<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::env::var_os(VARIABLE).map(|text| Zeroizing::new(text.into_vec())).filter(|text| !text.is_empty())
}

/// The key from the variable or the file; none if there is neither.
pub(crate) fn load(file: &Path) -> Result<Option<MasterKey>, Failure> {
    if let Some(text) = given() {
        let key = MasterKey::parse(&text)
            .map_err(|_| Failure::with_code(format!("{VARIABLE} holds no master key: {FORM}"), 2))?;
        return Ok(Some(key));
    }
    let shown = file.display();
    let unreadable = |e: std::io::Error| Failure::new(format!("cannot read the master key {shown}: {e}"));
    let mode = match fs::metadata(file) {
        Ok(found) => found.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(Failure::new(format!(
            "the master key {shown} is open to others (mode {mode:03o}): run chmod 400 {shown}"
        )));
    }
    let content = fs::read(file).map(Zeroizing::new).map_err(unreadable)?;
    let key = MasterKey::parse(&content).map_err(|_| Failure::new(format!("{shown} holds no master key: {FORM}")))?;
    Ok(Some(key))
}

/// The same where there must be one.
pub(crate) fn expect(file: &Path) -> Result<MasterKey, Failure> {
    load(file)?.ok_or_else(|| {
        Failure::new(format!(
            "the master key {} is missing, and without it this store can't be read: restore it, or name it with --master-key-file or {VARIABLE}",
            file.display()
        ))
    })
}

/// Makes a key and its file.
pub(crate) fn make(file: &Path) -> Result<MasterKey, Failure> {
    let key = MasterKey::generate().map_err(|e| Failure::new(format!("cannot make a master key: {e}")))?;
    let mut text = Zeroizing::new(key.to_hex().expose().as_bytes().to_vec());
    text.push(b'\n');
    private_file::create(file, 0o400, &text).map_err(|e| {
        Failure::new(format!(
            "cannot write the master key {}: {e}; name another place with --master-key-file",
            file.display()
        ))
    })?;
    tracing::warn!(file = %file.display(), "the master key was made: without it the data can't be read; in production keep it elsewhere");
    Ok(key)
}
