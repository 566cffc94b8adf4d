//! `bailiwick login` and `bailiwick logout`: a person's session, in a profile.

mod dialogue;

use std::process::ExitCode;

use bailiwick_api::op;
use bailiwick_api::signin::{GetSignInCredentialsRequest, SignInToken, SignOutRequest};
use bailiwick_grpc::client::{ClientError, Server};
use bailiwick_operation::Clock as _;
use clap::Args;
use jiff::Timestamp;

use self::dialogue::Dialogue;
use super::remote::{Remote, SignInTarget, block_on};
use crate::aws::Keys;
use crate::escapes;
use crate::failure::Failure;
use crate::output;
use crate::system::SystemClock;

/// Sign in with a password, and write temporary credentials into a profile
///
/// Asks on the terminal for the password, for the code of an MFA device if the user has one, and for a new password if the
/// current one has expired or must be changed. The credentials act as the user until the sign-in session ends.
///
/// They are written into the credentials file as the profile of `--profile`, and the server's address into the config file
/// if the profile is not there. Everything else in the files stays as it is. A profile with a long-term key, a role or
/// another source of credentials is not replaced.
///
/// Exit codes: 0 signed in, 1 the server refuses or cannot be reached, 2 wrong settings or no terminal.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick login --account 111122223333 --user bob
  bailiwick login --account example --user bob --profile work --endpoint https://iam.example.com
  aws sts get-caller-identity --profile work")]
pub(crate) struct Login {
    /// Account: its id or its alias [default: asked for]
    #[arg(long)]
    account: Option<String>,
    /// User name [default: asked for]
    #[arg(long, value_name = "NAME", conflicts_with = "root")]
    user: Option<String>,
    /// Sign in as the root user of the account
    #[arg(long)]
    root: bool,
    /// MFA device that the code is of, if the user has several [default: asked for]
    #[arg(long, value_name = "ARN")]
    mfa_serial: Option<String>,
    /// Duration of the credentials in seconds [default: that of the sign-in session]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(900..=43_200))]
    duration: Option<i32>,
    #[command(flatten)]
    remote: Remote,
}

/// End the sign-in session of a profile, and remove its credentials
///
/// All temporary credentials of the session end at once. A session that has ended already is removed from the file.
///
/// Exit codes: 0 signed out, 1 the server refuses or cannot be reached, 2 the profile has no session.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick logout
  bailiwick logout --profile work")]
pub(crate) struct Logout {
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn login(options: &Login) -> Result<ExitCode, Failure> {
    let target = options.remote.sign_in_target()?;
    target.profile.check()?;
    options.remote.check_clear("a password", &target.settings.endpoint)?;
    let (session, keys) = block_on(async {
        let server = target.connect().await?;
        let dialogue = Dialogue::new(&server, options.account.clone(), options.user.clone(), options.root)?;
        let session = dialogue.with_device(options.mfa_serial.clone()).sign_in().await?;
        let finished = finish(&server, &target, &session, options.duration).await;
        if finished.is_err() {
            // No program would use the session. The error of the credentials is the one to report.
            let _ = server.bearer(&session.token).call::<op::SignOut>(&SignOutRequest {}, SystemClock.now()).await;
        }
        Ok((session, finished?))
    })?;
    let until = keys.expiration.map(|at| format!(" until {at}")).unwrap_or_default();
    let name = target.profile.name();
    let file = target.profile.credentials().display();
    let arn = escapes::one_line(&session.arn);
    output::print(&format!("Signed in as {arn}{until}: profile `{name}` in {file}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Gets temporary keys for the session and writes them.
async fn finish(
    server: &Server,
    target: &SignInTarget,
    session: &SignInToken,
    duration_seconds: Option<i32>,
) -> Result<Keys, Failure> {
    let request = GetSignInCredentialsRequest { duration_seconds };
    let client = server.bearer(&session.token);
    let answer = client.call::<op::GetSignInCredentials>(&request, SystemClock.now()).await;
    let answer = answer.map_err(|e| Failure::new(format!("cannot get credentials for the sign-in: {e}")))?;
    let keys = Keys {
        access_key_id: answer.access_key_id,
        secret_access_key: answer.secret_access_key.into(),
        session_token: Some(answer.session_token.into()),
        expiration: answer.expiration.and_then(|at| Timestamp::from_second(at.seconds).ok()),
    };
    target.profile.write(&keys, &target.settings)?;
    Ok(keys)
}

pub(crate) fn logout(options: &Logout) -> Result<ExitCode, Failure> {
    let target = options.remote.sign_in_target()?;
    let name = target.profile.name();
    let Some(keys) = target.profile.session() else {
        return Err(Failure::with_code(format!("profile `{name}` has no session to sign out from"), 2));
    };
    if keys.expiration.is_none_or(|expiration| SystemClock.now() < expiration) {
        block_on(async {
            let server = target.connect().await?;
            let client = server.client(keys.signer(), &target.settings.region);
            match client.call::<op::SignOut>(&SignOutRequest {}, SystemClock.now()).await {
                Ok(_) => Ok(()),
                Err(ClientError::Refused { code, .. }) if ENDED.contains(&code.as_str()) => Ok(()),
                Err(error) => Err(Failure::new(format!("profile `{name}`: cannot sign out: {error}"))),
            }
        })?;
    }
    target.profile.clear()?;
    output::print(&format!("Signed out: profile `{name}` has no credentials any more\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Codes of a session that has ended.
const ENDED: [&str; 2] = ["ExpiredToken", "InvalidClientTokenId"];
