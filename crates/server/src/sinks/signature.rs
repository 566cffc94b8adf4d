//! Signatures of webhooks, as the Standard Webhooks specification has them.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The maximum size of a file with secrets in bytes.
const MAX_SECRETS: u64 = 4_096;
/// The least and the most bytes of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 24..=64;

/// Reads a file that only its owner may read.
///
/// # Errors
/// A message without the content.
pub(super) fn read_private(file: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = file.display();
    let failed = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let found = fs::metadata(file).map_err(failed)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("{shown} holds a secret and is open to others (mode {mode:03o}): run chmod 600 {shown}"));
    }
    if found.len() > most {
        return Err(format!("{shown} is larger than {most} bytes"));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(most).unwrap_or_default()));
    File::open(file).map_err(failed)?.take(most).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

/// Signs a message with each secret of a file, and returns the value of `webhook-signature`. The file has one secret a line;
/// two while a secret is replaced.
///
/// # Errors
/// If the file can't be used.
pub(super) fn sign(file: &Path, id: &str, timestamp: i64, body: &[u8]) -> Result<String, String> {
    let keys = keys(file)?;
    let signed = |key: &hmac::Key| {
        let mut context = hmac::Context::with_key(key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    };
    Ok(keys.iter().map(signed).collect::<Vec<_>>().join(" "))
}

/// Reads the secrets.
///
/// # Errors
/// If the file can't be read, or has none or something else.
pub(super) fn keys(file: &Path) -> Result<Vec<hmac::Key>, String> {
    let content = read_private(file, MAX_SECRETS)?;
    let wrong = || {
        format!(
            "{} has something other than secrets: expected `whsec_` and {} to {} bytes in base64, one secret a line",
            file.display(),
            SECRET.start(),
            SECRET.end()
        )
    };
    let text = str::from_utf8(&content).map_err(|_| wrong())?;
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let secret = line.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        let secret = secret.filter(|secret| SECRET.contains(&secret.len())).ok_or_else(wrong)?;
        keys.push(hmac::Key::new(hmac::HMAC_SHA256, &secret));
    }
    if keys.is_empty() { Err(wrong()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file(folder: &Path, content: &str) -> PathBuf {
        let file = folder.join("secret");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    #[test]
    fn the_example_of_the_specification() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let signed = sign(&file, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_make_two_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = |content: &str| sign(&file(folder.path(), content), "id", 1, b"body").unwrap();
        let both = signed(&format!("{one}\nwhsec_{}\n", STANDARD.encode([7; 32])));
        assert!(both.starts_with(&format!("{} v1,", signed(one))));
    }

    #[test]
    fn other_files_are_refused_without_their_content() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "\n", "hunter2hunter2hunter2hunter2hunter2", "whsec_c2hvcnQ=", "whsec_!!!!"] {
            let error = keys(&file(folder.path(), content)).unwrap_err();
            assert!(error.contains("expected `whsec_` and 24 to 64 bytes"), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("c2hvcnQ"), "{error}");
        }
        let open = file(folder.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(keys(&open).unwrap_err().contains("open to others (mode 640): run chmod 600"));
        assert!(keys(&folder.path().join("none")).unwrap_err().contains("cannot read"));
    }
}
