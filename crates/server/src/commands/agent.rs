//! `bailiwick agent`: serves renewed credentials to AWS's SDKs on this machine.

mod caller;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::caller::Caller;
use super::remote::{Remote, RoleOptions};
use crate::agent::{Agent, CONTAINER_PATH, MetadataTokens, Renewal, Surroundings, TokenFile};
use crate::failure::Failure;
use crate::net::listen::{self, Listener};
use crate::net::{Connections, Memory, Seconds, Shares};
use crate::options::{self, ListenAddress, LoggingOptions, boolean};
use crate::signals::{Hangup, Termination};
use crate::system::{SystemClock, SystemRandomness};
use crate::{output, process};

/// Connections at the same time.
const CONNECTIONS: usize = 128;

/// Serve a role's credentials to AWS's SDKs on this machine, and renew them
///
/// SDKs and tools find the agent by the variables that it prints, without a profile or keys of their own. It assumes
/// the role of `--role-arn` with the credentials of the profile, or serves the profile's own session, and renews the
/// session before its end. While the server is away it serves the session that it has.
///
/// The authorization token is new at each start, in a file that only its owner can read. With `--imds` the agent is
/// also an instance metadata service (IMDSv2), from which every process of every user of this machine can take the
/// credentials.
///
/// Exit codes: 0 stopped by a signal, 1 the server refuses the credentials or the role, 2 wrong settings.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick agent --profile deploy
  bailiwick agent --role-arn arn:aws:iam::111122223333:role/deploy --duration 3600
  bailiwick agent --role-arn arn:aws:iam::111122223333:role/deploy \\
    --token-file ~/.aws/agent.token --imds

  export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:7472/credentials
  export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$XDG_RUNTIME_DIR/bailiwick-agent.token
  aws sts get-caller-identity")]
pub(crate) struct Options {
    /// Loopback address and port to listen on; port 0 for any
    #[arg(long, env = "BAILIWICK_AGENT_LISTEN", default_value = "127.0.0.1:7472", value_name = "ADDRESS")]
    listen: ListenAddress,
    /// File for the authorization token [default: $RUNTIME_DIRECTORY/token, or $XDG_RUNTIME_DIR/bailiwick-agent.token]
    #[arg(long, env = "BAILIWICK_AGENT_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Also be an instance metadata service, for every user of this machine
    #[arg(long, env = "BAILIWICK_AGENT_IMDS", value_parser = boolean)]
    imds: bool,
    #[command(flatten)]
    role: RoleOptions,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    logging: LoggingOptions,
}

/// Runs until Ctrl-C or SIGTERM.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    options.logging.start()?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start threads: {e}")))?;
    runtime.block_on(serve(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: Options) -> Result<(), Failure> {
    let hangup = Hangup::new()?;
    let termination = Termination::new()?;
    let Options { listen, token_file, imds, role, remote, .. } = options;
    let region = remote.settings()?.region;
    let socket = bind(&listen).await?;
    let address = socket.local_addr().map_err(|e| Failure::new(format!("cannot listen: {e}")))?;
    let clock = Arc::new(SystemClock);
    let (mut renewal, sessions) = Renewal::new(Caller::new(remote, role), clock.clone());
    renewal.begin().await?;
    let file = token_path(token_file)?;
    let token = TokenFile::create(&file, &SystemRandomness::default())?;
    let metadata = imds.then(|| MetadataTokens::new(Box::new(SystemRandomness::default())));
    let agent = Agent::new(sessions.clone(), Surroundings { region, token, metadata, clock });
    let renewing = tokio::spawn(renewal.run());
    let (stop, stopping) = watch::channel(false);
    let seconds = Seconds::new();
    let shares = Shares {
        total: CONNECTIONS,
        // All clients are of one source.
        unauthenticated: CONNECTIONS / 2,
        unauthenticated_per_source: CONNECTIONS / 2,
        authenticated_per_source: CONNECTIONS / 2,
    };
    let listener = Listener {
        socket,
        tls: None,
        connections: Connections::new(shares, Arc::clone(&seconds)),
        memory: Memory::new(seconds),
        proxies: Arc::default(),
        proxy_protocol: false,
    };
    let listening = tokio::spawn(listen::serve(listener, agent, stopping));
    // A failing standard output does not stop the agent.
    let _ = output::print(&exports(&format!("http://{address}"), &file, imds));
    tracing::info!(%address, imds, "listening");

    termination.wait(hangup, || sessions.renew()).await;
    // An error means that no receiver is left to stop.
    let _ = stop.send(true);
    let _ = listening.await;
    renewing.abort();
    let _ = renewing.await;
    tracing::info!("stopped");
    Ok(())
}

/// Listens on loopback, and so that answers leave no machine: a router discards a packet that has one hop left.
async fn bind(listen: &ListenAddress) -> Result<TcpListener, Failure> {
    let addresses = listen.resolve().await?;
    if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
        let message = format!("refusing to listen on {open}: credentials are served on loopback only");
        return Err(Failure::with_code(message, 2));
    }
    let socket = options::bind("--listen", &addresses).await?;
    let is_ipv6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
    let limited = if is_ipv6 {
        rustix::net::sockopt::set_ipv6_unicast_hops(&socket, Some(1))
    } else {
        rustix::net::sockopt::set_ip_ttl(&socket, 1)
    };
    limited.map_err(|e| Failure::new(format!("cannot limit the hops of answers: {e}")))?;
    Ok(socket)
}

/// The file of the token, absolute, since clients have other working folders.
fn token_path(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let below = |variable: &str, name: &str| {
        let folder = std::env::var_os(variable).filter(|folder| !folder.is_empty())?;
        Some(PathBuf::from(folder).join(name))
    };
    let path = given.or_else(|| below("RUNTIME_DIRECTORY", "token"));
    let path = path.or_else(|| below("XDG_RUNTIME_DIR", "bailiwick-agent.token"));
    let path = path.ok_or_else(|| {
        Failure::with_code("there is no folder for the authorization token: name a file with --token-file", 2)
    })?;
    std::path::absolute(&path).map_err(|e| Failure::with_code(format!("--token-file {}: {e}", path.display()), 2))
}

/// The variables of clients, as shell lines.
fn exports(endpoint: &str, token_file: &std::path::Path, imds: bool) -> String {
    let file = token_file.display().to_string();
    let file = shlex::try_quote(&file).map(std::borrow::Cow::into_owned).unwrap_or_default();
    let metadata = if imds { format!("export AWS_EC2_METADATA_SERVICE_ENDPOINT={endpoint}\n") } else { String::new() };
    format!(
        "export AWS_CONTAINER_CREDENTIALS_FULL_URI={endpoint}{CONTAINER_PATH}\n\
         export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={file}\n{metadata}"
    )
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn answers_have_one_hop() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // Not every machine has IPv6.
            let Ok(socket) = bind(&address.parse().unwrap()).await else {
                assert!(address.starts_with('['), "{address}");
                continue;
            };
            let _client = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
            let (answering, _) = socket.accept().await.unwrap();
            let hops = if address.starts_with('[') {
                rustix::net::sockopt::ipv6_unicast_hops(&answering).unwrap().into()
            } else {
                rustix::net::sockopt::ip_ttl(&answering).unwrap()
            };
            assert_eq!(hops, 1, "{address}");
        }
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let refused = bind(&address.parse().unwrap()).await.unwrap_err();
            assert_eq!(refused.code(), 2, "{address}");
        }
    }

    #[test]
    fn clients_get_lines_for_a_shell() {
        let lines = exports("http://127.0.0.1:7472", std::path::Path::new("/run/a b/token"), true);
        assert_eq!(
            lines,
            "export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:7472/credentials\n\
             export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE='/run/a b/token'\n\
             export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:7472\n"
        );
    }
}
