//! The connection of commands to a running server.

use std::path::PathBuf;

use bailiwick_api::sts::AssumeRoleRequest;
use bailiwick_api::{Operation, op};
use bailiwick_grpc::client::{ClientError, Server};
use bailiwick_operation::Clock as _;
use clap::Args;
use jiff::Timestamp;

use crate::aws::{self, Environment, Keys, Profiles, Role, Settings, Source};
use crate::failure::Failure;
use crate::input;
use crate::system::SystemClock;

/// The server and the credentials, resolved as in the AWS CLI.
#[derive(Args)]
#[command(next_help_heading = "Server and credentials, as for the AWS CLI")]
pub(super) struct Remote {
    /// Profile of ~/.aws/config and ~/.aws/credentials [default: AWS_PROFILE, or `default`]
    ///
    /// Without this flag, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN come before any profile. A
    /// profile may have keys, `credential_process`, or `role_arn` with `source_profile` or `credential_source =
    /// Environment`.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Address of the server [default: AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, the profile's
    /// endpoint_url, or http://127.0.0.1:7470]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Region that calls are signed for [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's region, or us-east-1]
    #[arg(long)]
    region: Option<String>,
    /// Trusted certificates in PEM form: issuers, or the server's own [default: AWS_CA_BUNDLE, the profile's ca_bundle,
    /// or those that browsers trust]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// A connection to the server, with the caller's credentials.
pub(super) struct Connection {
    server: Server,
    keys: Keys,
    settings: Settings,
}

/// The largest accepted certificate file in bytes.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;

impl Remote {
    /// Connects and runs `work` with the connection.
    ///
    /// # Errors
    /// Exit code 2 when the server or the credentials are not known, 1 when the server cannot be reached.
    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
        let variables = |name: &str| std::env::var(name).ok();
        let env = Environment(&variables);
        let profiles = Profiles::read(&env)?;
        let settings = Settings::resolve(self.flags(), &env, &profiles)?;
        let source = prepared(Source::find(self.flags(), &env, &profiles, SystemClock.now())?)?;
        let ca = match &settings.ca_file {
            Some(file) => {
                let read = input::read_bytes(file, MAX_CA_FILE)?;
                Some(read)
            }
            None => None,
        };
        runtime.block_on(async {
            let server = Server::connect(&settings.endpoint, ca.as_deref()).await;
            let server = server.map_err(|error| unreachable(&settings, error))?;
            let keys = obtained(&server, &settings, source).await?;
            work(&Connection { server, keys, settings }).await
        })
    }

    /// Returns the credentials of any profile. Roles are assumed over this connection.
    pub(super) async fn of_profile(&self, connection: &Connection, profile: &str) -> Result<Keys, Failure> {
        let variables = |name: &str| std::env::var(name).ok();
        let env = Environment(&variables);
        let profiles = Profiles::read(&env)?;
        let flags = aws::Flags { profile: Some(profile), ..self.flags() };
        let source = prepared(Source::find(flags, &env, &profiles, SystemClock.now())?)?;
        obtained(&connection.server, &connection.settings, source).await
    }

    /// Returns the first of these flags that is given, for commands that need another flag with them.
    pub(super) fn first_flag(&self) -> Option<&'static str> {
        let given = [
            ("--profile", self.profile.is_some()),
            ("--endpoint", self.endpoint.is_some()),
            ("--region", self.region.is_some()),
            ("--ca-file", self.ca_file.is_some()),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    fn flags(&self) -> aws::Flags<'_> {
        aws::Flags {
            profile: self.profile.as_deref(),
            endpoint: self.endpoint.as_deref(),
            region: self.region.as_deref(),
            ca_file: self.ca_file.as_deref(),
        }
    }
}

impl Connection {
    /// Makes one call.
    pub(super) async fn call<O: Operation>(&self, request: &O::Request) -> Result<O::Response, ClientError> {
        let client = self.server.client(self.keys.signer(), &self.settings.region);
        client.call::<O>(request, SystemClock.now()).await
    }

    /// The caller's credentials.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The server's address and the region that calls are signed for.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// Runs the programs that print credentials.
fn prepared(source: Source) -> Result<Source, Failure> {
    Ok(match source {
        Source::Keys(_) => source,
        Source::Process { profile, command } => Source::Keys(aws::run_process(&profile, &command, SystemClock.now())?),
        Source::Role(role) => {
            let Role { by, .. } = *role;
            Source::Role(Box::new(Role { by: prepared(by)?, ..*role }))
        }
    })
}

/// Assumes the roles of a source, each with the credentials of the one before.
async fn obtained(server: &Server, settings: &Settings, source: Source) -> Result<Keys, Failure> {
    let mut roles = Vec::new();
    let mut source = source;
    let mut keys = loop {
        match source {
            Source::Keys(keys) => break keys,
            Source::Process { profile, command } => break aws::run_process(&profile, &command, SystemClock.now())?,
            Source::Role(role) => {
                let Role { profile, arn, session_name, external_id, duration_seconds, by } = *role;
                roles.push((profile, arn, session_name, external_id, duration_seconds));
                source = by;
            }
        }
    };
    while let Some((profile, arn, session_name, external_id, duration_seconds)) = roles.pop() {
        let now = SystemClock.now();
        let request = AssumeRoleRequest {
            role_arn: Some(arn.clone()),
            role_session_name: Some(session_name.unwrap_or_else(|| format!("bailiwick-{}", now.as_second()))),
            external_id,
            duration_seconds,
            ..AssumeRoleRequest::default()
        };
        let answer = server.client(keys.signer(), &settings.region).call::<op::AssumeRole>(&request, now).await;
        let refused = |e: ClientError| Failure::new(format!("profile `{profile}`: cannot assume {arn}: {e}"));
        let credentials = answer.map_err(refused)?.credentials;
        keys = credentials.and_then(session_keys).ok_or_else(|| {
            Failure::new(format!("profile `{profile}`: {arn} was assumed, but the answer has no credentials"))
        })?;
    }
    Ok(keys)
}

fn session_keys(credentials: bailiwick_api::sts::Credentials) -> Option<Keys> {
    Some(Keys {
        access_key_id: credentials.access_key_id?,
        secret_access_key: credentials.secret_access_key?.into(),
        session_token: credentials.session_token.map(Into::into),
        expiration: credentials.expiration.and_then(|at| Timestamp::from_second(at.seconds).ok()),
    })
}

/// Explains why the server cannot be reached, and what to do.
fn unreachable(settings: &Settings, error: ClientError) -> Failure {
    let file = settings.ca_file.as_ref().map(|file| file.display().to_string());
    match (&error, file) {
        (ClientError::Certificate { .. }, None) => Failure::new(format!(
            "{error}; give the certificate, or that of its issuer, with --ca-file or AWS_CA_BUNDLE"
        )),
        (ClientError::Certificate { .. }, Some(file)) => {
            Failure::new(format!("{error}; the trusted certificates are in {file}"))
        }
        (ClientError::Trusted(why), Some(file)) => Failure::with_code(format!("cannot read {file}: {why}"), 2),
        _ => Failure::new(error.to_string()),
    }
}
