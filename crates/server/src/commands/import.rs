//! `bailiwick import`: loads things into a running server, as an authorized client of it.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_api::{admin, op};
use bailiwick_directory::{ManagedPolicy, parse_import};
use bailiwick_grpc::client::Client;
use bailiwick_model::Partition;
use bailiwick_operation::Clock as _;
use bailiwick_sigv4::Credentials;
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::sources::SystemClock;

/// Characters of documents in one call; a message may have 1 MiB.
const CHUNK: usize = 600 * 1024;
/// Policies in one call.
const CHUNK_POLICIES: usize = 250;
/// The largest file that is read.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Load things into a running server
#[derive(Subcommand)]
pub(crate) enum Command {
    ManagedPolicies(Options),
}

/// Load managed policies that belong to no account, from the JSON that AWS's own CLI prints
///
/// The file is what `aws iam get-account-authorization-details --filter AWSManagedPolicy` prints, or an array of
/// objects that hold what get-policy and get-policy-version print. Policies that are there with the same document are
/// left alone; those with another one get a new default version. The caller must belong to the management account
/// and be allowed `bailiwick:ImportManagedPolicies`; credentials and region are read from the variables that the AWS
/// CLI reads.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick import managed-policies policies.json
  bailiwick import managed-policies --endpoint https://iam.example.com --ca-file ca.pem policies.json")]
pub(crate) struct Options {
    /// File to read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Address of the server
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:7470", value_name = "URL")]
    endpoint: String,
    /// Certificate in PEM form that the server's must lead to, beside the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Region that the calls are signed for
    #[arg(long, env = "AWS_DEFAULT_REGION", default_value = "us-east-1")]
    region: String,
    /// Partition that the policies' ARNs must be in
    #[arg(long, env = "BAILIWICK_PARTITION", default_value = "aws")]
    partition: String,
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    let Command::ManagedPolicies(options) = command;
    let partition = Partition::parse(&options.partition).map_err(|e| Failure::with_code(e.to_string(), 2))?;
    let policies = read(&options, partition)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    runtime.block_on(send(&options, &policies))?;
    Ok(ExitCode::SUCCESS)
}

fn read(options: &Options, partition: Partition) -> Result<Vec<ManagedPolicy>, Failure> {
    let file = options.file.display();
    let fail = |e: std::io::Error| Failure::with_code(format!("cannot read {file}: {e}"), 2);
    if std::fs::metadata(&options.file).map_err(fail)?.len() > MAX_FILE {
        return Err(Failure::with_code(format!("{file} has more than {MAX_FILE} bytes"), 2));
    }
    let text = std::fs::read_to_string(&options.file).map_err(fail)?;
    parse_import(&text, partition).map_err(|e| Failure::new(format!("{file}: {e}\nnothing was imported")))
}

async fn send(options: &Options, policies: &[ManagedPolicy]) -> Result<(), Failure> {
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
    let ca = match &options.ca_file {
        Some(file) => {
            let read = std::fs::read(file);
            Some(read.map_err(|e| Failure::with_code(format!("cannot read {}: {e}", file.display()), 2))?)
        }
        None => None,
    };
    let connected = Client::connect(&options.endpoint, ca.as_deref(), credentials, &options.region).await;
    let client = connected.map_err(|e| Failure::new(e.to_string()))?;

    let show_progress = std::io::stderr().is_terminal();
    let (mut created, mut updated, mut unchanged, mut done) = (0, 0, 0, 0);
    for chunk in chunks(policies) {
        let request = admin::ImportManagedPoliciesRequest { policies: chunk.iter().map(message).collect() };
        let answer = client.call::<op::ImportManagedPolicies>(&request, SystemClock.now()).await;
        let answer =
            answer.map_err(|e| Failure::new(format!("{done} of {} policies imported, then: {e}", policies.len())))?;
        created += answer.created;
        updated += answer.updated;
        unchanged += answer.unchanged;
        done += chunk.len();
        if show_progress {
            eprint!("\r{done} of {} policies", policies.len());
        }
    }
    if show_progress {
        eprintln!();
    }
    println!("{created} created, {updated} updated, {unchanged} unchanged");
    Ok(())
}

/// Splits into calls that stay below the size of a message.
fn chunks(policies: &[ManagedPolicy]) -> Vec<&[ManagedPolicy]> {
    let (mut chunks, mut begin, mut size) = (Vec::new(), 0, 0);
    for (i, policy) in policies.iter().enumerate() {
        let length = policy.document.len() + policy.description.as_deref().map_or(0, str::len) + 1024;
        if i > begin && (size + length > CHUNK || i - begin == CHUNK_POLICIES) {
            chunks.push(&policies[begin..i]);
            (begin, size) = (i, 0);
        }
        size += length;
    }
    if begin < policies.len() {
        chunks.push(&policies[begin..]);
    }
    chunks
}

fn message(policy: &ManagedPolicy) -> admin::ManagedPolicy {
    let date = |time: jiff::Timestamp| prost_types::Timestamp { seconds: time.as_second(), nanos: 0 };
    admin::ManagedPolicy {
        policy_name: Some(policy.name.to_string()),
        path: Some(policy.path.to_string()),
        policy_id: policy.id.map(|id| id.to_string()),
        description: policy.description.clone(),
        version: i32::try_from(policy.version).ok(),
        policy_document: Some(policy.document.clone()),
        create_date: Some(date(policy.created)),
        update_date: Some(date(policy.updated)),
    }
}
