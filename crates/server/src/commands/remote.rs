//! A running server, as commands call it: where it is, and as whom.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use bailiwick_api::Operation;
use bailiwick_grpc::client::{Client, ClientError};
use bailiwick_operation::Clock as _;
use bailiwick_sigv4::Credentials;
use clap::Args;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::sources::SystemClock;

/// Where the server is. Credentials are read from the variables that the AWS CLI reads.
#[derive(Args)]
pub(super) struct Remote {
    /// Address of the server
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:7470", value_name = "URL")]
    endpoint: String,
    /// Certificate in PEM form that the server's must lead to, beside the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Region that the calls are signed for
    #[arg(long, env = "AWS_DEFAULT_REGION", default_value = "us-east-1")]
    region: String,
}

/// A connection to the server.
pub(super) struct Connection<'a> {
    client: Client<'a>,
}

impl Remote {
    /// Connects, and does with the connection what is to be done.
    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&Connection<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
        let variable = |name: &str| std::env::var(name).map(Zeroizing::new).ok().filter(|value| !value.is_empty());
        let missing = |name| Failure::with_code(format!("{name} is not set: the call has to be signed"), 2);
        let id = variable("AWS_ACCESS_KEY_ID").ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?;
        let secret = variable("AWS_SECRET_ACCESS_KEY").ok_or_else(|| missing("AWS_SECRET_ACCESS_KEY"))?;
        let token = variable("AWS_SESSION_TOKEN");
        let credentials = Credentials::new(&id, &secret);
        let credentials = match &token {
            Some(token) => credentials.with_session_token(token),
            None => credentials,
        };
        let ca = match &self.ca_file {
            Some(file) => {
                let read = std::fs::read(file);
                Some(read.map_err(|e| Failure::with_code(format!("cannot read {}: {e}", file.display()), 2))?)
            }
            None => None,
        };
        runtime.block_on(async {
            let connected = Client::connect(&self.endpoint, ca.as_deref(), credentials, &self.region).await;
            let client = connected.map_err(|e| Failure::new(e.to_string()))?;
            work(&Connection { client }).await
        })
    }
}

impl Connection<'_> {
    /// Makes one call.
    pub(super) async fn call<O: Operation>(&self, request: &O::Request) -> Result<O::Response, ClientError> {
        self.client.call::<O>(request, SystemClock.now()).await
    }
}

/// Says on a terminal how far a command is; elsewhere nothing.
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    /// Nothing done yet.
    pub(super) fn new() -> Self {
        Progress { shown: std::io::stderr().is_terminal() }
    }

    /// So many of so many are done.
    pub(super) fn at(&self, done: usize, all: usize, what: &str) {
        if self.shown {
            eprint!("\r{done} of {all} {what}");
        }
    }

    /// What follows stands on a line of its own.
    pub(super) fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
