//! `bailiwick who-can`: who may perform an action.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use clap::Args;

use super::{granted, partly_granted};
use crate::commands::question::{MAX_FILE, context_entries, in_options};
use crate::commands::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::input;
use crate::output::{self, BAD, GOOD, NOTABLE, styled};
use crate::progress::Progress;

/// List the users and roles of the account that may perform an action on a resource
///
/// One line for each: its ARN, and the statement that decided, with all policies that take part. An entry that depends on
/// context keys may be different in another context. `in part` has a statement that allows it in another context or, without
/// a resource, for some resources. Roles are decided as new sessions of them. The caller needs `bailiwick:WhoCan`.
///
/// Exit codes: 0 some are allowed, 1 none is, 2 wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick who-can iam:CreateUser arn:aws:iam::111122223333:user/carol
  bailiwick who-can sts:AssumeRole arn:aws:iam::111122223333:role/deploy
  bailiwick who-can s3:GetObject arn:aws:s3:::reports/a --resource-account 111122223333 \\
    --context aws:SourceIp=10.1.2.3,ip
  bailiwick who-can iam:ListUsers --json | jq -r '.allowed[].principalArn'")]
pub(crate) struct Options {
    /// Action, such as `s3:GetObject`
    #[arg(value_name = "ACTION")]
    action: String,
    /// ARN of the resource; leave it out for actions without a resource, and to find who may on any
    #[arg(value_name = "RESOURCE", default_value = "*", hide_default_value = true)]
    resource: String,
    /// Key of the request's context; repeat it for several values
    #[arg(long = "context", value_name = "KEY=VALUE[,TYPE]")]
    context: Vec<String>,
    /// File with the policy of the resource; `-` is standard input
    #[arg(long, value_name = "FILE")]
    resource_policy: Option<PathBuf>,
    /// Account of the resource, if its ARN has none
    #[arg(long, value_name = "DIGITS")]
    resource_account: Option<String>,
    /// Print the answer as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let policy = options.resource_policy.as_ref().map(|file| input::read(file, MAX_FILE)).transpose();
    let resource_policy = policy.map_err(|failure| failure.coded(2))?;
    let context = context_entries(&options.context)?;
    let listed = options.remote.run(async |server| {
        let (progress, mut all, mut marker) = (Progress::new(), pb::WhoCanResponse::default(), None);
        loop {
            let request = pb::WhoCanRequest {
                action: options.action.clone(),
                resource: options.resource.clone(),
                context: context.clone(),
                resource_policy: resource_policy.clone(),
                resource_account: options.resource_account.clone(),
                min_revision: None,
                marker,
                max_items: Some(1000),
            };
            let page = server.call::<op::WhoCan>(&request).await;
            let page = page.inspect_err(|_| progress.end()).map_err(|error| in_options(&error))?;
            all.allowed.extend(page.allowed);
            all.partly_allowed.extend(page.partly_allowed);
            all.undecided.extend(page.undecided);
            all.examined = all.examined.saturating_add(page.examined);
            progress.so_far(i64::from(all.examined), "principals decided");
            (all.revision, marker) = (page.revision, page.marker);
            if marker.is_none() {
                progress.end();
                return Ok(all);
            }
        }
    });
    let all = listed.map_err(|failure| failure.coded(2))?;
    if options.json {
        output::print(&output::json::<op::WhoCan>(&all)?)?;
    } else {
        output::print(&text(&all))?;
    }
    Ok(if all.allowed.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn text(all: &pb::WhoCanResponse) -> String {
    let mut text = String::new();
    for one in &all.allowed {
        let arn = escapes::one_line(&one.principal_arn);
        text += &format!("{}  {arn}  {}\n", styled(GOOD, "allowed"), granted(one.grant.as_ref()));
    }
    for one in &all.partly_allowed {
        let arn = escapes::one_line(&one.principal_arn);
        text += &format!("{}  {arn}  {}\n", styled(NOTABLE, "in part"), partly_granted(one.grant.as_ref()));
    }
    for arn in &all.undecided {
        text += &format!("{}  {}  takes too many steps to decide\n", styled(BAD, "unknown"), escapes::one_line(arn));
    }
    let examined = output::counted(all.examined, "principal");
    text + &format!("{} of {examined} allowed\n", all.allowed.len())
}
