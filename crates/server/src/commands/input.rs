//! The files that commands read.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::failure::Failure;

/// How a file is called in what is said about it.
pub(super) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// The text of a file of at most so many bytes, or of standard input for `-`; a failure of exit code 2 when there is
/// none.
pub(super) fn read(file: &Path, max: u64) -> Result<String, Failure> {
    let fail = |e: std::io::Error| Failure::with_code(format!("cannot read {}: {e}", name(file)), 2);
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(max + 1).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        fs::File::open(file).and_then(|f| f.take(max + 1).read_to_end(&mut bytes)).map_err(fail)?;
    }
    if bytes.len() as u64 > max {
        return Err(Failure::with_code(format!("{} has more than {max} bytes", name(file)), 2));
    }
    String::from_utf8(bytes).map_err(|_| Failure::with_code(format!("{} is not UTF-8", name(file)), 2))
}
