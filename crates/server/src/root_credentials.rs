//! Output of a new root access key: once, on a terminal or into a file that only its owner can read.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bailiwick_directory::FirstKey;
use bailiwick_model::Region;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;
use crate::private_file;

/// The variable with the id of a root access key for the first start.
pub(crate) const ID_VARIABLE: &str = "BAILIWICK_ROOT_ACCESS_KEY_ID";
/// The variable with the secret of that key.
pub(crate) const SECRET_VARIABLE: &str = "BAILIWICK_ROOT_SECRET_ACCESS_KEY";

/// The beginning of the first line of such a file.
const BEGINNING: &str = "export AWS_ACCESS_KEY_ID=";

/// The key as shell lines for the AWS CLI and SDKs.
pub(crate) fn exports(key: &FirstKey, region: &Region, endpoint: Option<&str>) -> Zeroizing<String> {
    let (id, secret) = (&key.id, key.secret.expose());
    // Formatted at once: a growing string would leave copies of the secret in memory.
    // One variable per served service: AWS_ENDPOINT_URL would redirect the calls of all other services too.
    let endpoint = endpoint
        .map(|url| format!("export AWS_ENDPOINT_URL_IAM={url}\nexport AWS_ENDPOINT_URL_STS={url}\n"))
        .unwrap_or_default();
    Zeroizing::new(format!(
        "{BEGINNING}{id}\nexport AWS_SECRET_ACCESS_KEY={secret}\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\n{endpoint}"
    ))
}

/// Shows the lines on a terminal, or writes them into a file and prints its name.
pub(crate) fn show(exports: &str, file: &Path, on_terminal: bool) -> Result<(), Failure> {
    if on_terminal {
        output::print(exports)?;
        return output::print("\n");
    }
    output::print(&format!(
        "  {}\n\nThe file contains the key and its secret. Delete it when you have stored the key elsewhere.\n\n",
        file.display()
    ))
}

/// Writes the lines into a new file that only its owner can read.
pub(crate) fn write(exports: &str, file: &Path) -> Result<(), Failure> {
    private_file::create(file, 0o600, exports.as_bytes()).map_err(|error| {
        let shown = file.display();
        match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(format!(
                "{shown} already exists and is not overwritten, since it may hold a key in use: move it away, or name another file with --root-credentials-file"
            )),
            _ => Failure::new(format!(
                "cannot write root's access key to {shown}: {error}; name another file with --root-credentials-file"
            )),
        }
    })
}

/// Removes the file of an interrupted first start, whose key was never stored. Other files stay.
pub(crate) fn remove_unused(file: &Path) -> Result<(), Failure> {
    let is_ours = fs::symlink_metadata(file).is_ok_and(|found| found.is_file())
        && fs::read(file).map(Zeroizing::new).is_ok_and(|content| content.starts_with(BEGINNING.as_bytes()));
    if !is_ours {
        return Ok(());
    }
    private_file::remove(file)
        .map_err(|e| Failure::new(format!("cannot replace {}, whose key was never in use: {e}", file.display())))
}
