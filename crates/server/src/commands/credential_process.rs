//! `bailiwick credential-process`: credentials for the `credential_process` of a profile.

mod cache;

use std::process::ExitCode;

use bailiwick_operation::Clock as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::cache::Cache;
use super::remote::{Remote, Resolved, RoleOptions, block_on};
use crate::aws::Keys;
use crate::failure::Failure;
use crate::output;
use crate::system::SystemClock;

/// Print temporary credentials as the AWS CLI and SDKs expect them of a profile's `credential_process`
///
/// Assumes the role of `--role-arn` with the credentials of `--profile`. With `--mfa-serial` and without a role it
/// opens a session of the user (GetSessionToken). Without both it prints the profile's own credentials.
///
/// The code of an MFA device is asked for on the terminal; standard input is not read. With `--cache` a session is
/// printed again until 20 minutes before its end, or until half of its time has passed if that is later.
///
/// Exit codes: 0 printed, 1 the server refuses or cannot be reached, 2 wrong settings, or a code is needed and there is
/// no terminal.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick credential-process --profile bob \\
    --role-arn arn:aws:iam::111122223333:role/deploy
  bailiwick credential-process --profile bob \\
    --mfa-serial arn:aws:iam::111122223333:mfa/bob --cache

In ~/.aws/config the command is on one line, without \\:
  [profile deploy]
  credential_process = bailiwick credential-process --profile bob --role-arn ARN")]
pub(crate) struct Options {
    /// Keep the session in a file of ~/.aws/bailiwick/cache, readable only by its owner
    #[arg(long)]
    cache: bool,
    #[command(flatten)]
    role: RoleOptions,
    #[command(flatten)]
    remote: Remote,
}

/// Version 1 of the format that AWS's clients share.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u8,
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_token: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

impl From<&Keys> for Printed {
    fn from(keys: &Keys) -> Self {
        Printed {
            version: 1,
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
            session_token: keys.session_token.clone(),
            expiration: keys.expiration.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let resolved = options.remote.resolve(options.role.role())?;
    let cache = if options.cache { Some(Cache::of(&resolved, &options.role)?) } else { None };
    let kept = cache.as_ref().and_then(Cache::read);
    let printed = match kept {
        Some(kept) if SystemClock.now() < kept.due => kept.printed,
        kept => match (obtained(resolved, &options.role), kept) {
            (Ok(keys), _) => {
                let printed = Printed::from(&keys);
                if let Some(cache) = &cache {
                    cache.write(&printed, &keys);
                }
                printed
            }
            // The session is still valid, so that a server that is away is noticed later.
            (Err(failure), Some(kept)) if failure.is_temporary() => {
                eprintln!("bailiwick: {failure}; the credentials are from the cache");
                kept.printed
            }
            (Err(failure), _) => return Err(failure),
        },
    };
    let line = serde_json::to_string(&printed).map(Zeroizing::new);
    let line = line.map_err(|e| Failure::new(format!("cannot write the credentials: {e}")))?;
    output::print(&line)?;
    output::print("\n")?;
    Ok(ExitCode::SUCCESS)
}

fn obtained(resolved: Resolved, role: &RoleOptions) -> Result<Keys, Failure> {
    let prepared = resolved.prepared()?;
    match role.mfa_serial() {
        Some(serial) if role.role().is_none() => block_on(async {
            let connection = prepared.connect().await?;
            connection.session_token(role.duration(), Some(serial)).await
        }),
        _ => match prepared.known() {
            // No call is needed.
            Some(keys) => Ok(keys.clone()),
            None => block_on(async { Ok(prepared.connect().await?.keys().clone()) }),
        },
    }
}
