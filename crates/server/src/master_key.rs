//! The master key: read from the environment, a file or a command, generated at the first start only.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bailiwick_seal::{MasterKey, SealError, WrappedKeyring};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::{private_file, subprocess};

/// The variable that may hold the key itself.
pub(crate) const VARIABLE: &str = "BAILIWICK_MASTER_KEY";

/// The expected format of a key.
const FORM: &str = "expected 32 bytes as 64 hexadecimal digits or base64";

/// Returns the variable, if it is set and not empty.
pub(crate) fn given() -> Option<Zeroizing<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::env::var_os(VARIABLE).map(|text| Zeroizing::new(text.into_vec())).filter(|text| !text.is_empty())
}

/// The time that a command has.
const LIMIT: Duration = Duration::from_secs(60);
/// The most bytes that a command may print.
const MAX_OUTPUT: u64 = 1024;

/// Where the master key comes from.
pub(crate) enum MasterKeySource {
    /// [`VARIABLE`].
    Variable,
    /// A file, which only its owner may read.
    File(PathBuf),
    /// A program that prints it.
    Command(KeyCommand),
}

/// A program that prints a key, and its arguments.
pub(crate) struct KeyCommand {
    option: &'static str,
    words: Vec<String>,
}

impl KeyCommand {
    /// Splits a command into words as a shell does, without its other syntax: no variable and no name of a file is expanded,
    /// and no part of the text can start another program.
    ///
    /// # Errors
    /// Exit code 2 if it is empty, or has quotes that do not close.
    pub(crate) fn parse(option: &'static str, command: &str) -> Result<Self, Failure> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            Failure::with_code(
                format!("{option} is empty or has quotes that do not close: expected a program and its arguments"),
                2,
            )
        })?;
        Ok(KeyCommand { option, words })
    }

    /// Runs the program. Its standard error is passed on. Blocks, for a minute at most.
    fn run(&self) -> Result<MasterKey, Failure> {
        let (option, program) = (self.option, &self.words[0]);
        let fail = |why: String| Failure::new(format!("{option} {why}"));
        let mut command = Command::new(program);
        command
            .args(&self.words[1..])
            // It needs none of the server's secrets.
            .env_remove(crate::root_credentials::SECRET_VARIABLE)
            .env_remove(VARIABLE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let (status, printed) = subprocess::output(&mut command, program, LIMIT, MAX_OUTPUT).map_err(fail)?;
        if !status.success() {
            return Err(fail(format!("failed: `{program}` ended with {status}")));
        }
        MasterKey::parse(&printed).map_err(|_| {
            fail(format!("did not print a master key: `{program}` printed {} bytes, {FORM}", printed.len()))
        })
    }
}

impl MasterKeySource {
    /// Returns the key, if there is one.
    ///
    /// # Errors
    /// If it is there and cannot be read, or a command fails.
    pub(crate) fn load(&self) -> Result<Option<MasterKey>, Failure> {
        match self {
            MasterKeySource::Variable => given()
                .map(|text| MasterKey::parse(&text))
                .transpose()
                .map_err(|_| Failure::with_code(format!("{VARIABLE} is not a master key: {FORM}"), 2)),
            MasterKeySource::File(file) => read(file),
            MasterKeySource::Command(command) => command.run().map(Some),
        }
    }

    /// Returns the key, or an error if it is missing.
    pub(crate) fn expect(&self) -> Result<MasterKey, Failure> {
        self.load()?.ok_or_else(|| {
            Failure::new(format!(
                "{self} is missing, and this store cannot be read without it: restore it, or name it with --master-key-file, --master-key-command or {VARIABLE}"
            ))
        })
    }

    /// Says that this key does not open a store, and which key does.
    pub(crate) fn refused(&self, key: &MasterKey, wrapped: &WrappedKeyring, error: SealError) -> Failure {
        let ids = match (error, key.id(), wrapped.master_key_id()) {
            (SealError::WrongMasterKey, Ok(given), Some(needed)) => {
                format!("; it is the key {given}, and the store needs the key {needed}")
            }
            _ => String::new(),
        };
        Failure::new(format!("{self} does not open this store: {error}{ids}"))
    }
}

impl fmt::Display for MasterKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterKeySource::Variable => write!(f, "the master key {VARIABLE}"),
            MasterKeySource::File(file) => write!(f, "the master key {}", file.display()),
            MasterKeySource::Command(command) => write!(f, "the master key of {}", command.option),
        }
    }
}

/// Reads a key file that only its owner may read; none if it does not exist.
fn read(file: &Path) -> Result<Option<MasterKey>, Failure> {
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
