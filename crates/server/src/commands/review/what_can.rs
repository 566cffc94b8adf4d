//! `bailiwick what-can`: what a principal may do.

use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use clap::Args;

use super::{granted, partly_granted};
use crate::commands::principal::principal_or_root;
use crate::commands::question::{context_entries, in_options};
use crate::commands::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output::{self, ASIDE, BAD, GOOD, NOTABLE, styled};

/// List the actions that a user, a role or the root user may perform, by service
///
/// Each action of Bailiwick and of the registered services is decided with all policies that take part, and printed with the
/// statement that decided. Without a resource, `in part` has a statement that allows the action for some resources, or in
/// another context. With one, only the actions on resources of its type are decided. A role is decided as a new session of
/// it. The caller needs `bailiwick:WhatCan` on the principal.
///
/// Exit codes: 0 some are allowed, 1 none is, 2 wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick what-can arn:aws:iam::111122223333:user/alice
  bailiwick what-can arn:aws:iam::111122223333:role/ci --service iam
  bailiwick what-can arn:aws:iam::111122223333:user/alice \\
    arn:aws:iam::111122223333:role/deploy --context aws:SourceIp=10.1.2.3,ip
  bailiwick what-can arn:aws:iam::111122223333:role/ci --json \\
    | jq -r '.services[].allowed[].action'")]
pub(crate) struct Options {
    /// ARN of a user, a role or the root user
    #[arg(value_name = "PRINCIPAL", value_parser = principal_or_root)]
    principal: String,
    /// ARN of a resource; without it, the actions are decided on `*`
    #[arg(value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only the actions of the service with this prefix
    #[arg(long, value_name = "PREFIX")]
    service: Option<String>,
    /// Key of the request's context; repeat it for several values
    #[arg(long = "context", value_name = "KEY=VALUE[,TYPE]")]
    context: Vec<String>,
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
    let context = context_entries(&options.context)?;
    let listed = options.remote.run(async |server| {
        let (mut all, mut marker) = (pb::WhatCanResponse::default(), None);
        loop {
            let request = pb::WhatCanRequest {
                principal_arn: options.principal.clone(),
                resource: options.resource.clone(),
                resource_account: options.resource_account.clone(),
                service_prefix: options.service.clone(),
                context: context.clone(),
                min_revision: None,
                marker,
                max_items: Some(1000),
            };
            let page = server.call::<op::WhatCan>(&request).await.map_err(|error| in_options(&error))?;
            for service in page.services {
                add(&mut all.services, service);
            }
            all.examined = all.examined.saturating_add(page.examined);
            (all.revision, marker) = (page.revision, page.marker);
            if marker.is_none() {
                return Ok(all);
            }
        }
    });
    let all = listed.map_err(|failure| failure.coded(2))?;
    if options.json {
        output::print(&output::json::<op::WhatCan>(&all)?)?;
    } else {
        output::print(&text(&all))?;
    }
    let is_allowed = all.services.iter().any(|service| !service.allowed.is_empty());
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Adds a part of a service. A page can continue the service that the page before it ended with.
fn add(services: &mut Vec<pb::ServiceAccess>, part: pb::ServiceAccess) {
    match services.last_mut().filter(|last| last.service_prefix == part.service_prefix) {
        Some(last) => {
            last.allowed.extend(part.allowed);
            last.partly_allowed.extend(part.partly_allowed);
            last.undecided.extend(part.undecided);
        }
        None => services.push(part),
    }
}

fn text(all: &pb::WhatCanResponse) -> String {
    let mut text = String::new();
    for service in &all.services {
        let count = format!("{} allowed, {} in part", service.allowed.len(), service.partly_allowed.len());
        text += &format!("{}  {}\n", escapes::one_line(&service.service_prefix), styled(ASIDE, &count));
        for one in &service.allowed {
            let action = escapes::one_line(&one.action);
            text += &format!("  {}  {action}  {}\n", styled(GOOD, "allowed"), granted(one.grant.as_ref()));
        }
        for one in &service.partly_allowed {
            let action = escapes::one_line(&one.action);
            text += &format!("  {}  {action}  {}\n", styled(NOTABLE, "in part"), partly_granted(one.grant.as_ref()));
        }
        for action in &service.undecided {
            let action = escapes::one_line(action);
            text += &format!("  {}  {action}  takes too many steps to decide\n", styled(BAD, "unknown"));
        }
    }
    let allowed: usize = all.services.iter().map(|service| service.allowed.len()).sum();
    text + &format!("{allowed} of {} allowed\n", output::counted(all.examined, "action"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_goes_on_through_pages() {
        let part = |prefix: &str, undecided: &str| pb::ServiceAccess {
            service_prefix: prefix.into(),
            undecided: vec![undecided.into()],
            ..pb::ServiceAccess::default()
        };
        let mut services = Vec::new();
        for (prefix, action) in [("iam", "iam:A"), ("iam", "iam:B"), ("sts", "sts:C")] {
            add(&mut services, part(prefix, action));
        }
        let all = pb::WhatCanResponse { services, examined: 3, ..pb::WhatCanResponse::default() };
        let lines = text(&all);
        let names: Vec<&str> =
            lines.lines().filter_map(|line| line.split("  ").find(|word| word.contains(':'))).collect();
        assert_eq!((all.services.len(), names), (2, vec!["iam:A", "iam:B", "sts:C"]), "{lines}");
        assert!(lines.ends_with("0 of 3 actions allowed\n"), "{lines}");
    }
}
