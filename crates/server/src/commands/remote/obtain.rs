//! Temporary credentials: roles are assumed, sessions of users are opened, codes of MFA devices are asked for.

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRoleRequest, AssumeRoleWithWebIdentityRequest, Credentials, GetSessionTokenRequest};
use bailiwick_grpc::client::{ClientError, Server};
use bailiwick_operation::Clock as _;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::aws::{Keys, Role, Settings};
use crate::failure::Failure;
use crate::system::SystemClock;
use crate::terminal;

/// Assumes roles one after the other, each with the credentials of the one before.
pub(super) async fn assumed(
    server: &Server,
    settings: &Settings,
    mut keys: Keys,
    roles: &[Role],
) -> Result<Keys, Failure> {
    for role in roles {
        keys = assume(server, settings, &keys, role).await?;
    }
    Ok(keys)
}

async fn assume(server: &Server, settings: &Settings, keys: &Keys, role: &Role) -> Result<Keys, Failure> {
    let Role { profile, arn, session_name, external_id, duration_seconds, mfa_serial } = role;
    let place = profile.as_ref().map(|profile| format!("profile `{profile}`: ")).unwrap_or_default();
    let token_code = mfa_serial.as_deref().map(ask_for_code).transpose()?;
    // A code is only asked for now, and may have taken a while.
    let now = SystemClock.now();
    let session_name = session_name.clone().unwrap_or_else(|| format!("bailiwick-{}", now.as_second()));
    let request = AssumeRoleRequest {
        role_arn: Some(arn.clone()),
        role_session_name: Some(session_name),
        external_id: external_id.clone(),
        duration_seconds: *duration_seconds,
        serial_number: mfa_serial.clone(),
        token_code: token_code.map(|code| code.to_string()),
        ..AssumeRoleRequest::default()
    };
    let answer = server.client(keys.signer(), &settings.region).call::<op::AssumeRole>(&request, now).await;
    let credentials = answer.map_err(|e| refused(&e, &format!("{place}cannot assume {arn}")))?.credentials;
    credentials
        .and_then(session_keys)
        .ok_or_else(|| Failure::new(format!("{place}{arn} was assumed, but the answer has no credentials")))
}

/// Opens a session of a role for a token of an identity provider.
pub(super) async fn with_web_identity(server: &Server, role: &Role, token: &str) -> Result<Keys, Failure> {
    let Role { profile, arn, session_name, duration_seconds, .. } = role;
    let place = profile.as_ref().map(|profile| format!("profile `{profile}`: ")).unwrap_or_default();
    let now = SystemClock.now();
    let request = AssumeRoleWithWebIdentityRequest {
        role_arn: Some(arn.clone()),
        role_session_name: Some(session_name.clone().unwrap_or_else(|| format!("bailiwick-{}", now.as_second()))),
        web_identity_token: Some(token.trim().to_owned()),
        duration_seconds: *duration_seconds,
        ..AssumeRoleWithWebIdentityRequest::default()
    };
    let answer = server.anonymous().call::<op::AssumeRoleWithWebIdentity>(&request, now).await;
    let credentials = answer.map_err(|e| refused(&e, &format!("{place}cannot assume {arn}")))?.credentials;
    credentials
        .and_then(session_keys)
        .ok_or_else(|| Failure::new(format!("{place}{arn} was assumed, but the answer has no credentials")))
}

/// Opens a session of the user that the keys belong to.
pub(super) async fn session_token(
    server: &Server,
    settings: &Settings,
    keys: &Keys,
    duration_seconds: Option<i32>,
    mfa_serial: Option<&str>,
) -> Result<Keys, Failure> {
    let token_code = mfa_serial.map(ask_for_code).transpose()?;
    let request = GetSessionTokenRequest {
        duration_seconds,
        serial_number: mfa_serial.map(str::to_owned),
        token_code: token_code.map(|code| code.to_string()),
        ..GetSessionTokenRequest::default()
    };
    let client = server.client(keys.signer(), &settings.region);
    let answer = client.call::<op::GetSessionToken>(&request, SystemClock.now()).await;
    let credentials = answer.map_err(|e| refused(&e, "cannot get a session token"))?.credentials;
    credentials
        .and_then(session_keys)
        .ok_or_else(|| Failure::new("a session token was issued, but the answer has no credentials"))
}

fn ask_for_code(mfa_serial: &str) -> Result<Zeroizing<String>, Failure> {
    let code = terminal::ask(&format!("MFA code of {mfa_serial}: "))?;
    Ok(Zeroizing::new(code.trim().to_owned()))
}

fn refused(error: &ClientError, what: &str) -> Failure {
    Failure::new(format!("{what}: {error}")).temporary(error.is_temporary())
}

fn session_keys(credentials: Credentials) -> Option<Keys> {
    Some(Keys {
        access_key_id: credentials.access_key_id?,
        secret_access_key: credentials.secret_access_key?.into(),
        session_token: credentials.session_token.map(Into::into),
        expiration: credentials.expiration.and_then(|at| Timestamp::from_second(at.seconds).ok()),
    })
}
