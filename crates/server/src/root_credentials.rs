//! How a new access key of root is shown: once, on a terminal or in a file that only its owner reads.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bailiwick_directory::FirstKey;
use bailiwick_model::Region;
use zeroize::Zeroizing;

use crate::commands::output;
use crate::failure::Failure;
use crate::private_file;

/// What the first line of a file of ours begins with.
const BEGINNING: &str = "export AWS_ACCESS_KEY_ID=";

/// The key as lines for a shell, for the AWS CLI and what works like it.
pub(crate) fn exports(key: &FirstKey, region: &Region, endpoint: Option<&str>) -> Zeroizing<String> {
    let (id, secret) = (&key.id, key.secret.expose());
    // Made in one piece, so that no copy of the secret is left behind by a string that grew.
    // One variable for each service that is served: AWS_ENDPOINT_URL would send the calls of all others here too.
    let endpoint = endpoint
        .map(|url| format!("export AWS_ENDPOINT_URL_IAM={url}\nexport AWS_ENDPOINT_URL_STS={url}\n"))
        .unwrap_or_default();
    Zeroizing::new(format!(
        "{BEGINNING}{id}\nexport AWS_SECRET_ACCESS_KEY={secret}\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\n{endpoint}"
    ))
}

/// Shows the lines on a terminal, or says which file they were written into.
pub(crate) fn tell(exports: &str, file: &Path, on_terminal: bool) -> Result<(), Failure> {
    if on_terminal {
        output::print(exports)?;
        return output::print("\n");
    }
    output::print(&format!(
        "  {}\n\nThat file holds the key and its secret. Delete it when you have put the key where it belongs.\n\n",
        file.display()
    ))
}

/// Writes the lines into a file that is not there yet, for its owner alone.
pub(crate) fn write(exports: &str, file: &Path) -> Result<(), Failure> {
    private_file::create(file, 0o600, exports.as_bytes()).map_err(|error| {
        let shown = file.display();
        match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(format!(
                "{shown} is there already and is not overwritten, since it may hold a key that is in use: move it away, or name another file with --root-credentials-file"
            )),
            _ => Failure::new(format!(
                "cannot write root's access key to {shown}: {error}; name another file with --root-credentials-file"
            )),
        }
    })
}

/// Removes what an interrupted first start wrote: its key never came to be. Anything else stays.
pub(crate) fn remove_unused(file: &Path) -> Result<(), Failure> {
    let is_ours = fs::symlink_metadata(file).is_ok_and(|found| found.is_file())
        && fs::read(file).map(Zeroizing::new).is_ok_and(|content| content.starts_with(BEGINNING.as_bytes()));
    if !is_ours {
        return Ok(());
    }
    private_file::remove(file)
        .map_err(|e| Failure::new(format!("cannot replace {}, whose key was never in use: {e}", file.display())))
}
