//! Input files of commands.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::failure::Failure;

/// Returns the name of a file for messages.
pub(crate) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// Reads a text file of at most `max` bytes, or standard input for `-`. Errors have exit code 2.
pub(crate) fn read(file: &Path, max: u64) -> Result<String, Failure> {
    text(read_bytes(file, max)?)
        .map_err(|place| Failure::with_code(format!("{} is not UTF-8 at {place}", name(file)), 2))
}

/// Reads the bytes of a file.
pub(crate) fn read_bytes(file: &Path, max: u64) -> Result<Vec<u8>, Failure> {
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
    Ok(bytes)
}

/// Decodes UTF-8, or returns the position of the first invalid byte.
fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("line {line}, column {column}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf_8_is_refused_with_the_place() {
        assert_eq!(text("é\n".into()).as_deref(), Ok("é\n"));
        assert_eq!(text(b"\xff".into()), Err("line 1, column 1".to_owned()));
        assert_eq!(text(b"{\r\n \xc3\xa9\"\xc3".into()), Err("line 2, column 4".to_owned()));
    }
}
