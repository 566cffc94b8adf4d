//! The connection of commands to a running server.

mod obtain;
mod role;

use std::path::PathBuf;

use bailiwick_api::Operation;
use bailiwick_grpc::client::{ClientError, Server};
use bailiwick_operation::Clock as _;
use clap::Args;
use zeroize::Zeroizing;

use crate::aws::{self, Base, Environment, Keys, Profiles, Role, Settings, SignInProfile, Source};
use crate::failure::Failure;
use crate::input;
use crate::system::SystemClock;

pub(super) use role::RoleOptions;

/// The server and the credentials, resolved as in the AWS CLI.
#[derive(Args)]
#[command(next_help_heading = "Server and credentials, as for the AWS CLI")]
pub(super) struct Remote {
    /// Profile of ~/.aws/config and ~/.aws/credentials [default: AWS_PROFILE, or `default`]
    ///
    /// Without this flag, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN come before any profile. A
    /// profile may have keys, `credential_process`, or `role_arn` with `source_profile`, `credential_source =
    /// Environment` or `web_identity_token_file`.
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
    /// Send passwords and web identity tokens beyond loopback without TLS: they can then be read on the network
    #[arg(long)]
    insecure_allow_clear: bool,
}

/// A connection to the server, with the caller's credentials.
pub(super) struct Connection {
    server: Server,
    keys: Keys,
    /// The roles that are not assumed yet.
    roles: Vec<Role>,
    settings: Settings,
}

/// The largest accepted certificate file in bytes.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;
/// The largest accepted file with a token in bytes.
const MAX_TOKEN_FILE: u64 = 64 * 1024;

/// What the flags, the variables and the profiles say.
pub(super) struct Resolved {
    pub(super) settings: Settings,
    pub(super) source: Source,
    ca: Option<Vec<u8>>,
    insecure_allow_clear: bool,
}

/// The same with known credentials, before the server is called.
pub(super) struct Prepared {
    settings: Settings,
    /// What to begin with.
    begin: Begin,
    /// The roles to assume one after the other.
    roles: Vec<Role>,
    ca: Option<Vec<u8>>,
}

/// What a connection begins with.
enum Begin {
    /// Credentials.
    Keys(Keys),
    /// A token, for a session of the role.
    WebIdentity(Role, Zeroizing<String>),
}

impl Remote {
    /// Connects and runs `work` with the connection.
    ///
    /// # Errors
    /// Exit code 2 when the server or the credentials are not known, 1 when the server cannot be reached.
    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let prepared = self.resolve(None)?.prepared()?;
        block_on(async { work(&prepared.connect().await?).await })
    }

    /// Reads the profiles, and adds a role to be assumed with their credentials.
    ///
    /// # Errors
    /// Exit code 2 when the server or the credentials are not known.
    pub(super) fn resolve(&self, role: Option<Role>) -> Result<Resolved, Failure> {
        let variables = |name: &str| std::env::var(name).ok();
        let env = Environment(&variables);
        let profiles = Profiles::read(&env)?;
        let settings = Settings::resolve(self.flags(), &env, &profiles)?;
        let mut source = Source::find(self.flags(), &env, &profiles, SystemClock.now())?;
        source.roles.extend(role);
        let ca = certificates(&settings)?;
        Ok(Resolved { settings, source, ca, insecure_allow_clear: self.insecure_allow_clear })
    }

    /// The server, the region and the certificates.
    ///
    /// # Errors
    /// Exit code 2 when a setting is malformed or the profile does not exist.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let variables = |name: &str| std::env::var(name).ok();
        let env = Environment(&variables);
        Settings::resolve(self.flags(), &env, &Profiles::read(&env)?)
    }

    /// The profile that a sign-in writes and its server, for which the profile need not exist.
    ///
    /// # Errors
    /// Exit code 2 when a setting or the name of the profile is malformed.
    pub(super) fn sign_in_target(&self) -> Result<SignInTarget, Failure> {
        let variables = |name: &str| std::env::var(name).ok();
        let profiles = Profiles::read(&Environment(&variables))?;
        let name = aws::profile_name(self.profile.as_deref(), &Environment(&variables));
        let name = name.unwrap_or_else(|| "default".to_owned());
        let is_known = profiles.has(&name);
        // A profile that does not exist yet has no settings, which would be an error.
        let known = |variable: &str| {
            let names_profile = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].contains(&variable);
            variables(variable).filter(|_| is_known || !names_profile)
        };
        let env = Environment(&known);
        let flags = aws::Flags { profile: self.profile.as_deref().filter(|_| is_known), ..self.flags() };
        let settings = Settings::resolve(flags, &env, &profiles)?;
        let profile = SignInProfile::find(&name, &settings, &env, &profiles)?;
        Ok(SignInTarget { profile, settings })
    }

    /// Returns the credentials of any profile. Roles are assumed over this connection.
    pub(super) async fn of_profile(&self, connection: &Connection, profile: &str) -> Result<Keys, Failure> {
        let variables = |name: &str| std::env::var(name).ok();
        let env = Environment(&variables);
        let profiles = Profiles::read(&env)?;
        let flags = aws::Flags { profile: Some(profile), ..self.flags() };
        let Source { base, roles } = Source::find(flags, &env, &profiles, SystemClock.now())?;
        let begin = begin(base, &connection.settings.endpoint, self.insecure_allow_clear)?;
        let keys = begun(&connection.server, begin).await?;
        obtain::assumed(&connection.server, &connection.settings, keys, &roles).await
    }

    /// Returns the first of these flags that is given, for commands that need another flag with them.
    pub(super) fn first_flag(&self) -> Option<&'static str> {
        let given = [
            ("--profile", self.profile.is_some()),
            ("--endpoint", self.endpoint.is_some()),
            ("--region", self.region.is_some()),
            ("--ca-file", self.ca_file.is_some()),
            ("--insecure-allow-clear", self.insecure_allow_clear),
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

impl Remote {
    /// Refuses to send a secret that every reader of it on the network can use.
    ///
    /// # Errors
    /// Exit code 2 when the server is beyond loopback and without TLS, unless `--insecure-allow-clear` is given.
    pub(super) fn check_clear(&self, what: &str, endpoint: &str) -> Result<(), Failure> {
        check_clear(what, endpoint, self.insecure_allow_clear)
    }
}

fn check_clear(what: &str, endpoint: &str, is_allowed: bool) -> Result<(), Failure> {
    if !aws::is_clear(endpoint) || is_allowed {
        return Ok(());
    }
    let message = format!(
        "refusing to send {what} to {endpoint}, since it would travel in clear text: use https, or --insecure-allow-clear"
    );
    Err(Failure::with_code(message, 2))
}

/// Runs the program that prints the credentials, or reads the token, if there is one and it may be sent to the server.
fn begin(base: Base, endpoint: &str, insecure_allow_clear: bool) -> Result<Begin, Failure> {
    Ok(match base {
        Base::Keys(keys) => Begin::Keys(keys),
        Base::Process { profile, command } => {
            let variables = |name: &str| std::env::var(name).ok();
            Begin::Keys(aws::run_process(&profile, &command, &Environment(&variables), SystemClock.now())?)
        }
        Base::WebIdentity { role, token_file } => {
            check_clear("a web identity token", endpoint, insecure_allow_clear)?;
            let token = Zeroizing::new(input::read(&token_file, MAX_TOKEN_FILE)?);
            Begin::WebIdentity(role, token)
        }
    })
}

async fn begun(server: &Server, begin: Begin) -> Result<Keys, Failure> {
    match begin {
        Begin::Keys(keys) => Ok(keys),
        Begin::WebIdentity(role, token) => obtain::with_web_identity(server, &role, &token).await,
    }
}

/// Runs the only task of a command.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    runtime.block_on(work)
}

/// The profile that a sign-in writes, and its server.
pub(super) struct SignInTarget {
    pub(super) profile: SignInProfile,
    pub(super) settings: Settings,
}

impl SignInTarget {
    /// Connects to the server without credentials.
    ///
    /// # Errors
    /// Exit code 1 when the server cannot be reached.
    pub(super) async fn connect(&self) -> Result<Server, Failure> {
        connected(&self.settings, certificates(&self.settings)?.as_deref()).await
    }
}

/// Reads the trusted certificates, if they are in a file.
fn certificates(settings: &Settings) -> Result<Option<Vec<u8>>, Failure> {
    settings.ca_file.as_ref().map(|file| input::read_bytes(file, MAX_CA_FILE)).transpose()
}

async fn connected(settings: &Settings, ca: Option<&[u8]>) -> Result<Server, Failure> {
    Server::connect(&settings.endpoint, ca).await.map_err(|error| unreachable(settings, error))
}

impl Resolved {
    /// Runs the program that prints the credentials, or reads the token, if there is one. Blocks.
    ///
    /// # Errors
    /// Exit code 2 when it fails.
    pub(super) fn prepared(self) -> Result<Prepared, Failure> {
        let Resolved { settings, source: Source { base, roles }, ca, insecure_allow_clear } = self;
        let begin = begin(base, &settings.endpoint, insecure_allow_clear)?;
        Ok(Prepared { settings, begin, roles, ca })
    }
}

impl Prepared {
    /// The credentials, if no role has to be assumed for them.
    pub(super) fn known(&self) -> Option<&Keys> {
        match &self.begin {
            Begin::Keys(keys) if self.roles.is_empty() => Some(keys),
            _ => None,
        }
    }

    /// Connects to the server, and assumes the roles.
    ///
    /// # Errors
    /// Exit code 1 when the server cannot be reached or refuses a role.
    pub(super) async fn connect(self) -> Result<Connection, Failure> {
        let mut connection = self.connect_only().await?;
        connection.assume_roles().await?;
        Ok(connection)
    }

    /// Connects to the server, with the credentials that the roles are to be assumed with.
    ///
    /// # Errors
    /// Exit code 1 when the server cannot be reached or refuses the token.
    pub(super) async fn connect_only(self) -> Result<Connection, Failure> {
        let Prepared { settings, begin, roles, ca } = self;
        let server = connected(&settings, ca.as_deref()).await?;
        let keys = begun(&server, begin).await?;
        Ok(Connection { server, keys, roles, settings })
    }
}

impl Connection {
    /// Makes one call.
    pub(super) async fn call<O: Operation>(&self, request: &O::Request) -> Result<O::Response, ClientError> {
        let client = self.server.client(self.keys.signer(), &self.settings.region);
        client.call::<O>(request, SystemClock.now()).await
    }

    /// Assumes the roles one after the other, and returns the ARN of the last one.
    ///
    /// # Errors
    /// When the server refuses one.
    pub(super) async fn assume_roles(&mut self) -> Result<Option<String>, Failure> {
        let roles = std::mem::take(&mut self.roles);
        self.keys = obtain::assumed(&self.server, &self.settings, self.keys.clone(), &roles).await?;
        Ok(roles.into_iter().next_back().map(|role| role.arn))
    }

    /// Opens a session of the user that the credentials belong to. Asks for the code of the MFA device, if one is named.
    ///
    /// # Errors
    /// When the server refuses, or there is no terminal to ask for the code.
    pub(super) async fn session_token(
        &self,
        duration_seconds: Option<i32>,
        mfa_serial: Option<&str>,
    ) -> Result<Keys, Failure> {
        obtain::session_token(&self.server, &self.settings, &self.keys, duration_seconds, mfa_serial).await
    }

    /// Returns the MFA device of the first role that names one. The roles are then assumed without a code.
    pub(super) fn take_mfa_serial(&mut self) -> Option<String> {
        self.roles.iter_mut().filter_map(|role| role.mfa_serial.take()).reduce(|first, _| first)
    }

    /// Replaces the caller's credentials.
    pub(super) fn set_keys(&mut self, keys: Keys) {
        self.keys = keys;
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

/// Explains why the server cannot be reached, and what to do.
fn unreachable(settings: &Settings, error: ClientError) -> Failure {
    let file = settings.ca_file.as_ref().map(|file| file.display().to_string());
    let is_temporary = error.is_temporary();
    match (&error, file) {
        (ClientError::Certificate { .. }, None) => Failure::new(format!(
            "{error}; give the certificate, or that of its issuer, with --ca-file or AWS_CA_BUNDLE"
        )),
        (ClientError::Certificate { .. }, Some(file)) => {
            Failure::new(format!("{error}; the trusted certificates are in {file}"))
        }
        (ClientError::Trusted(why), Some(file)) => Failure::with_code(format!("cannot read {file}: {why}"), 2),
        _ => Failure::new(error.to_string()).temporary(is_temporary),
    }
}
