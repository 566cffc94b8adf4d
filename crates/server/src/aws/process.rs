//! Credentials that a program prints: `credential_process`.

use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Environment, Keys};
use crate::failure::Failure;
use crate::subprocess;

/// The program's output: version 1 of the format that AWS's clients share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: Option<serde_json::Value>,
    access_key_id: Option<String>,
    secret_access_key: Option<Zeroizing<String>>,
    session_token: Option<Zeroizing<String>>,
    expiration: Option<String>,
}

/// The variable by which a program that is Bailiwick itself knows how many of them run, each for the one before.
const DEPTH: &str = "BAILIWICK_CREDENTIAL_PROCESSES";
/// The most programs that may run for each other. More are taken for a profile whose program reads the same profile.
const MAX_DEPTH: u32 = 3;

/// The time that a program has. A person may be asked for a code, or sign in with a browser.
const LIMIT: Duration = Duration::from_secs(120);
/// The most bytes that a program may print.
const MAX_OUTPUT: u64 = 256 * 1024;

/// Runs the program without a shell and parses its output. Its standard error is passed on. Blocks, for two minutes at most.
///
/// # Errors
/// When it cannot be run, fails, takes too long, prints another format, or runs itself. The error never repeats its output.
pub(crate) fn run(profile: &str, command: &str, env: &Environment<'_>, now: Timestamp) -> Result<Keys, Failure> {
    let fail = |why: String| Failure::with_code(format!("profile `{profile}`: `credential_process` {why}"), 2);
    let depth = env.get(DEPTH).and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    if depth >= MAX_DEPTH {
        return Err(fail("runs itself: name the profile that it takes credentials from with --profile".to_owned()));
    }
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| fail("has quotes that do not close".to_owned()))?;
    let mut child = Command::new(&words[0]);
    child
        .args(&words[1..])
        .env(DEPTH, (depth + 1).to_string())
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let (status, stdout) = subprocess::output(&mut child, &words[0], LIMIT, MAX_OUTPUT).map_err(fail)?;
    if !status.success() {
        return Err(fail(format!("failed: `{}` ended with {status}", words[0])));
    }
    read(&stdout, now).map_err(fail)
}

fn read(stdout: &[u8], now: Timestamp) -> Result<Keys, String> {
    // The JSON parser's error could repeat a secret.
    let printed: Printed = serde_json::from_slice(stdout).map_err(|_| "did not print the expected JSON")?;
    match &printed.version {
        Some(version) if version == 1 => {}
        Some(version) => return Err(format!("printed version {version} of the format; expected version 1")),
        None => return Err("did not print `Version`".to_owned()),
    }
    let access_key_id = printed.access_key_id.ok_or("did not print `AccessKeyId`")?;
    let secret_access_key = printed.secret_access_key.ok_or("did not print `SecretAccessKey`")?;
    let expiration = match &printed.expiration {
        None => None,
        Some(text) => {
            let read = text.parse::<Timestamp>().map_err(|_| "printed an `Expiration` that is not an ISO 8601 date")?;
            if read <= now {
                return Err(format!("printed credentials that expired at {read}"));
            }
            Some(read)
        }
    };
    Ok(Keys { access_key_id, secret_access_key, session_token: printed.session_token, expiration })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_credentials_are_parsed_strictly() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let check = |text: &str, expected: Result<(&str, Option<&str>), &str>| {
            let found = read(text.as_bytes(), now);
            let shown = found
                .as_ref()
                .map(|keys| (keys.access_key_id.as_str(), keys.session_token.as_ref().map(|t| t.as_str())));
            assert_eq!(shown.map_err(String::as_str), expected, "{text}");
        };
        check(r#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}"#, Ok(("A", None)));
        check(
            r#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t", "AccountId": "x"}"#,
            Ok(("A", Some("t"))),
        );
        let until = |time: &str| {
            format!(r#"{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "{time}"}}"#)
        };
        check(&until("2026-03-01T12:00:01Z"), Ok(("A", None)));
        check(&until("2026-03-01T14:00:01+02:00"), Ok(("A", None)));
        check(&until("2026-03-01T12:00:00Z"), Err("printed credentials that expired at 2026-03-01T12:00:00Z"));
        check(&until("soon"), Err("printed an `Expiration` that is not an ISO 8601 date"));
        check(
            r#"{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "s"}"#,
            Err("printed version 2 of the format; expected version 1"),
        );
        check(r#"{"AccessKeyId": "A", "SecretAccessKey": "s"}"#, Err("did not print `Version`"));
        check(r#"{"Version": 1, "SecretAccessKey": "s"}"#, Err("did not print `AccessKeyId`"));
        check(r#"{"Version": 1, "AccessKeyId": "A"}"#, Err("did not print `SecretAccessKey`"));
        check("secret", Err("did not print the expected JSON"));
        check("", Err("did not print the expected JSON"));
    }
}
