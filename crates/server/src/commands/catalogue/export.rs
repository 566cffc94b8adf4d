//! `bailiwick catalogue export`: registered services as one file.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use bailiwick_api::{authz as pb, op};
use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::Service;
use clap::Args;

use super::{defined, registered};
use crate::commands::remote::{Connection, Remote};
use crate::failure::Failure;
use crate::progress::Progress;

/// Print the services that a server has registered, or named ones of them, as one catalogue file
///
/// The output is complete: `catalogue import` registers the same services on another server, and `policy validate
/// --catalogue` uses them without a server. Only the management account can read the actors of a service. The caller
/// needs `bailiwick:ListServices` and `bailiwick:GetService`.
///
/// Exit codes: 0 printed, 1 a service is not registered or the server refuses, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick catalogue export > services.json
  bailiwick catalogue export photos films --endpoint https://iam.example.com --ca-file ca.pem
  bailiwick catalogue export --without-actors > names.json
  bailiwick policy validate --catalogue names.json policy.json
  bailiwick catalogue export --built-in")]
pub(crate) struct Options {
    /// Prefixes of the services; all if none is named
    #[arg(value_name = "PREFIX")]
    prefixes: Vec<String>,
    /// Leave out the actors of the services
    #[arg(long)]
    without_actors: bool,
    /// Print the built-in catalogue instead: the global condition keys and `iam`, `sts` and `bailiwick`; needs no
    /// server
    #[arg(long, conflicts_with_all = ["prefixes", "without_actors"])]
    built_in: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if options.built_in {
        return print(Catalogue::builtin());
    }
    let services = options.remote.run(async |server| {
        let prefixes = match options.prefixes.as_slice() {
            [] => all(server).await?,
            named => named.to_vec(),
        };
        let (progress, mut services) = (Progress::new(), Vec::with_capacity(prefixes.len()));
        for prefix in &prefixes {
            let found = registered(server, prefix).await.map_err(|e| Failure::new(format!("{prefix}: {e}")))?;
            services.push(found.ok_or_else(|| {
                Failure::new(format!(
                    "the service `{prefix}` is not registered; without names, all registered services are exported"
                ))
            })?);
            progress.at(services.len(), prefixes.len(), "services");
        }
        progress.end();
        Ok(services)
    })?;
    let mut catalogue = Catalogue::default();
    for service in &services {
        catalogue.insert(exported(service, options.without_actors)?);
    }
    print(&catalogue)
}

fn print(catalogue: &Catalogue) -> Result<ExitCode, Failure> {
    match std::io::stdout().write_all(catalogue.to_json().as_bytes()) {
        // The reader closed the pipe.
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("cannot write: {e}"))),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Returns the prefixes of all registered services.
async fn all(server: &Connection) -> Result<Vec<String>, Failure> {
    let (mut prefixes, mut marker) = (Vec::new(), None);
    loop {
        let request = pb::ListServicesRequest { marker, max_items: Some(1000) };
        let page = server.call::<op::ListServices>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
        prefixes.extend(page.services.into_iter().map(|service| service.service_prefix));
        marker = page.marker;
        if marker.is_none() {
            return Ok(prefixes);
        }
    }
}

/// Converts a registered service to its form in a catalogue.
fn exported(registered: &pb::RegisteredService, without_actors: bool) -> Result<Service, Failure> {
    let mut service = defined(registered)?;
    if without_actors {
        return Ok(service);
    }
    let prefix = &registered.service_prefix;
    if registered.principal_arns_withheld {
        return Err(Failure::new(format!(
            "only the management account can read the actors of `{prefix}`; leave them out with `--without-actors`"
        )));
    }
    let (there, gone): (Vec<_>, Vec<_>) = registered.principal_arns.iter().partition(|arn| arn.starts_with("arn:"));
    for id in gone {
        eprintln!("bailiwick: {prefix}: `{id}` is left out: that user or role was deleted");
    }
    service.actors = Some(there.into_iter().map(|arn| arn.as_str().into()).collect());
    Ok(service)
}
