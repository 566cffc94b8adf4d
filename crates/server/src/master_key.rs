//! The master key: read from the environment or a file, generated at the first start only.

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

/// The expected format of a key.
const FORM: &str = "expected 32 bytes as 64 hexadecimal digits or base64";

/// Returns the variable, if it is set and not empty.
pub(crate) fn given() -> Option<Zeroizing<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::env::var_os(VARIABLE).map(|text| Zeroizing::new(text.into_vec())).filter(|text| !text.is_empty())
}

/// Returns the key from the variable or the file, if either exists.
pub(crate) fn load(file: &Path) -> Result<Option<MasterKey>, Failure> {
    if let Some(text) = given() {
        let key = MasterKey::parse(&text)
            .map_err(|_| Failure::with_code(format!("{VARIABLE} is not a master key: {FORM}"), 2))?;
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
    let key = MasterKey::parse(&content).map_err(|_| Failure::new(format!("{shown} is not a master key: {FORM}")))?;
    Ok(Some(key))
}

/// Returns the key, or an error if it is missing.
pub(crate) fn expect(file: &Path) -> Result<MasterKey, Failure> {
    load(file)?.ok_or_else(|| {
        Failure::new(format!(
            "the master key {} is missing, and this store cannot be read without it: restore it, or name it with --master-key-file or {VARIABLE}",
            file.display()
        ))
    })
}

/// What the key comes from, for messages.
pub(crate) fn name(file: &Path) -> String {
    match given() {
        Some(_) => format!("the master key {VARIABLE}"),
        None => format!("the master key {}", file.display()),
    }
}

/// Generates a key and writes its file.
pub(crate) fn make(file: &Path) -> Result<MasterKey, Failure> {
    let key = MasterKey::generate().map_err(|e| Failure::new(format!("cannot generate a master key: {e}")))?;
    let mut text = Zeroizing::new(key.to_hex().expose().as_bytes().to_vec());
    text.push(b'\n');
    private_file::create(file, 0o400, &text).map_err(|e| {
        Failure::new(format!(
            "cannot write the master key {}: {e}; name another place with --master-key-file",
            file.display()
        ))
    })?;
    tracing::warn!(file = %file.display(), "a master key was generated: the data cannot be read without it; keep a copy elsewhere");
    Ok(key)
}
