//! `bailiwick catalogue import`: registers the services of a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bailiwick_api::{authz as pb, op};
use bailiwick_grpc::client::ClientError;
use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::Service;
use clap::Args;
use serde_json::json;

use super::{defined, registered};
use crate::commands::remote::{Connection, Remote};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Register or update the services of a catalogue file, and print the outcome of each
///
/// A service that is already registered with the same definition does not change, so a file can be imported repeatedly.
/// Each service is registered as a whole or not at all; if one is refused, the others are still tried. Without `actors`
/// in the file, the actors of a service do not change. Services that are not in the file do not change either. The
/// caller must belong to the management account and needs `bailiwick:GetService` and `bailiwick:PutService`.
///
/// Exit codes: 0 all services match the file, 1 one was refused or the server cannot be reached, 2 the file cannot be
/// read or is not a catalogue of services.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick catalogue import services.json
  bailiwick catalogue import --dry-run services.json
  bailiwick catalogue import --endpoint https://iam.example.com --ca-file ca.pem services.json
  bailiwick catalogue export | bailiwick catalogue import --endpoint http://127.0.0.1:7480 -")]
pub(crate) struct Options {
    /// File to read; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print what would be done, and change nothing; does not find what only the server refuses, such as actors that do
    /// not exist
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// The largest file that is read.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The longest definition that a server takes, in characters.
const MAX_DEFINITION: usize = 128 * 1024;

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let catalogue = read(&options.file)?;
    options.remote.run(async |server| import(server, &catalogue, options).await)
}

fn read(file: &Path) -> Result<Catalogue, Failure> {
    let text = input::read(file, MAX_FILE)?;
    let fail = |why: String| Failure::with_code(format!("{}: {why}", input::name(file)), 2);
    let catalogue = Catalogue::parse(&text).map_err(|error| fail(error.to_string()))?;
    if catalogue.complete || catalogue.global_keys().next().is_some() {
        return Err(fail("only services can be registered: take out `complete` and the global `keys`".into()));
    }
    Ok(catalogue)
}

/// The outcome of a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Created,
    Updated,
    Unchanged,
}

async fn import(server: &Connection, catalogue: &Catalogue, options: &Options) -> Result<ExitCode, Failure> {
    let (mut created, mut updated, mut unchanged) = (0, 0, 0);
    let (dry_run, mut services) = (options.dry_run, Vec::new());
    let (progress, mut all) = (Progress::new(), 0);
    let many = catalogue.services().count();
    let mut waiting: Vec<&Service> = catalogue.services().collect();
    loop {
        let (before, mut refused) = (waiting.len(), Vec::new());
        for service in waiting {
            let done = match put(server, service, dry_run).await {
                Ok(done) => done,
                Err(Problem::Refused(why)) => {
                    refused.push((service, why));
                    continue;
                }
                Err(Problem::Failed(failure)) => return Err(failure),
            };
            let (count, word) = match done {
                Done::Created => (&mut created, "created"),
                Done::Updated => (&mut updated, "updated"),
                Done::Unchanged => (&mut unchanged, "unchanged"),
            };
            *count += 1;
            all += 1;
            progress.at(all, many, "services");
            if options.json {
                services.push(json!({"servicePrefix": service.prefix, "outcome": word}));
            } else {
                let would = if dry_run && done != Done::Unchanged { "would be " } else { "" };
                output::print(&format!("{}: {would}{word}\n", service.prefix))?;
            }
        }
        // A service may take a name that another one gave up.
        let again = refused.len() < before && refused.iter().any(|(_, why)| why.starts_with("EntityAlreadyExists"));
        if again {
            waiting = refused.into_iter().map(|(service, _)| service).collect();
            continue;
        }
        progress.end();
        for (service, why) in &refused {
            services.push(json!({"servicePrefix": service.prefix, "outcome": "refused", "error": why}));
            eprintln!("bailiwick: {}: {why}", service.prefix);
        }
        if options.json {
            output::print(&format!("{:#}\n", json!({"dryRun": dry_run, "services": services})))?;
        } else {
            let (would, refused) = (if dry_run { "would be " } else { "" }, refused.len());
            output::print(&format!(
                "{created} {would}created, {updated} {would}updated, {unchanged} unchanged, {refused} refused\n"
            ))?;
        }
        return Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
}

enum Problem {
    /// The server refuses this service.
    Refused(String),
    /// The import cannot continue.
    Failed(Failure),
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused { .. } => Problem::Refused(error.to_string()),
            _ => Problem::Failed(Failure::new(error.to_string())),
        }
    }
}

async fn put(server: &Connection, service: &Service, dry_run: bool) -> Result<Done, Problem> {
    let old = registered(server, &service.prefix).await?;
    let mut bare = service.clone();
    let given: Option<Vec<String>> = bare.actors.take().map(|arns| arns.iter().map(|arn| arn.to_string()).collect());
    if let Some(old) = &old {
        let set = |arns: &[String]| arns.iter().cloned().collect::<BTreeSet<_>>();
        let same_actors = given.as_ref().is_none_or(|given| set(given) == set(&old.principal_arns));
        if same_actors && defined(old).is_ok_and(|old| old == bare) {
            return Ok(Done::Unchanged);
        }
    }
    let done = if old.is_some() { Done::Updated } else { Done::Created };
    if dry_run {
        return Ok(done);
    }
    // A unique id stands for a deleted user or role, which can neither be named nor act.
    let kept = || old.map_or_else(Vec::new, |old| old.principal_arns).into_iter().filter(|arn| arn.starts_with("arn:"));
    let principal_arns = given.unwrap_or_else(|| kept().collect());
    let mut catalogue = Catalogue::default();
    catalogue.insert(bare);
    let mut definition = catalogue.to_json();
    if definition.chars().count() > MAX_DEFINITION {
        definition = catalogue.to_compact_json();
    }
    let (service_prefix, definition) = (Some(service.prefix.to_string()), Some(definition));
    let request = pb::PutServiceRequest { service_prefix, definition, principal_arns };
    server.call::<op::PutService>(&request).await?;
    Ok(done)
}
