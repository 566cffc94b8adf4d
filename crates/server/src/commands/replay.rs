//! `bailiwick replay`: recorded decisions with a proposed change of policies.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_api::audit::policy_change::Change;
use bailiwick_api::{audit as pb, op};
use bailiwick_operation::Clock as _;
use clap::Args;

use super::audit::since::{Moment, message};
use super::audit::unreadable::Unreadable;
use super::principal::principal;
use super::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;
use crate::system::SystemClock;

/// The largest accepted policy in bytes.
const MAX_POLICY: u64 = 128 * 1024;

/// List the recorded decisions that a change of policies would make different
///
/// Every decision on record is made twice: with today's policies, and with the change. Nothing is changed. Prints the
/// decisions that differ on standard output, those that are alike as one line, and on standard error how many were
/// replayed and how many could not be. The caller needs `bailiwick:Replay`.
///
/// Exit codes: 0 no decision differs, 1 some differ, 2 wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick replay --principal arn:aws:iam::111122223333:user/alice --since 30d \\
    --policy alice.json --delete-policy old --detach arn:aws:iam::aws:policy/AdministratorAccess
  bailiwick replay --identity arn:aws:iam::111122223333:group/staff \\
    --detach arn:aws:iam::111122223333:policy/wide
  bailiwick replay --new-version arn:aws:iam::111122223333:policy/wide=narrow.json \\
    --since 90d --json
  bailiwick replay --principal arn:aws:iam::111122223333:role/ci \\
    --boundary arn:aws:iam::111122223333:policy/limit")]
pub(crate) struct Options {
    /// ARN of the user or role whose decisions are replayed [default: all of the account]
    #[arg(long, value_name = "ARN", value_parser = principal, required_unless_present_any = ["identity", "new_version"])]
    principal: Option<String>,
    /// ARN of the user, group or role whose policies change [default: the principal]
    #[arg(long, value_name = "ARN", help_heading = "The change")]
    identity: Option<String>,
    /// Put an inline policy with this document (`-` for standard input)
    #[arg(long, value_name = "FILE", help_heading = "The change")]
    policy: Option<PathBuf>,
    /// Name of the inline policy to put; a policy with this name is replaced
    #[arg(long, value_name = "NAME", default_value = "replayed", help_heading = "The change")]
    policy_name: String,
    /// Delete an inline policy
    #[arg(long, value_name = "NAME", help_heading = "The change")]
    delete_policy: Vec<String>,
    /// Attach a managed policy
    #[arg(long, value_name = "ARN", help_heading = "The change")]
    attach: Vec<String>,
    /// Detach a managed policy
    #[arg(long, value_name = "ARN", help_heading = "The change")]
    detach: Vec<String>,
    /// Give a managed policy another document, wherever it is attached
    #[arg(long, value_name = "ARN=FILE", help_heading = "The change", value_parser = version)]
    new_version: Vec<(String, PathBuf)>,
    /// Set the permissions boundary
    #[arg(long, value_name = "ARN", help_heading = "The change", conflicts_with = "no_boundary")]
    boundary: Option<String>,
    /// Delete the permissions boundary
    #[arg(long, help_heading = "The change")]
    no_boundary: bool,
    /// Earliest decision: how long ago, as in 1h, 7d, 30d, or a time in RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, default_value = "30d")]
    since: Moment,
    /// Latest decision, in the same forms
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Print the differences and the counts as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

fn version(text: &str) -> Result<(String, PathBuf), String> {
    let (arn, file) = text.split_once('=').ok_or("expected the ARN of a policy, `=` and a file")?;
    Ok((arn.to_owned(), file.into()))
}

impl Options {
    /// The change: what goes before what comes.
    fn changes(&self) -> Result<Vec<pb::PolicyChange>, Failure> {
        let identity = self.identity.as_ref().or(self.principal.as_ref());
        let of = || identity.cloned().ok_or_else(|| usage("name the identity that changes with --identity"));
        let managed = |arn: &String| Ok(pb::ManagedPolicyOf { identity_arn: of()?, policy_arn: arn.clone() });
        let mut changes = Vec::new();
        for name in &self.delete_policy {
            let delete = pb::DeleteInlinePolicy { identity_arn: of()?, policy_name: name.clone() };
            changes.push(Change::DeleteInlinePolicy(delete));
        }
        for arn in &self.detach {
            changes.push(Change::DetachPolicy(managed(arn)?));
        }
        for arn in &self.attach {
            changes.push(Change::AttachPolicy(managed(arn)?));
        }
        if let Some(file) = &self.policy {
            changes.push(Change::PutInlinePolicy(pb::PutInlinePolicy {
                identity_arn: of()?,
                policy_name: self.policy_name.clone(),
                policy_document: input::read(file, MAX_POLICY)?,
            }));
        }
        for (arn, file) in &self.new_version {
            let policy_document = input::read(file, MAX_POLICY)?;
            changes.push(Change::NewPolicyVersion(pb::NewPolicyVersion { policy_arn: arn.clone(), policy_document }));
        }
        if let Some(arn) = &self.boundary {
            changes.push(Change::PutPermissionsBoundary(managed(arn)?));
        }
        if self.no_boundary {
            changes.push(Change::DeletePermissionsBoundary(pb::BoundaryOf { identity_arn: of()? }));
        }
        if changes.is_empty() {
            return Err(usage("say what changes, such as --policy, --detach or --new-version"));
        }
        Ok(changes.into_iter().map(|change| pb::PolicyChange { change: Some(change) }).collect())
    }
}

fn usage(why: &str) -> Failure {
    Failure::with_code(why.to_owned(), 2)
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let now = SystemClock.now();
    let mut request = pb::ReplayRequest {
        changes: options.changes()?,
        principal_arn: options.principal.clone(),
        start_time: Some(message(options.since.from(now))),
        end_time: Some(message(options.until.map_or(now, |moment| moment.from(now)))),
        marker: None,
    };
    let replayed = options.remote.run(async |server| {
        let (progress, mut all) = (Progress::new(), pb::ReplayResponse::default());
        loop {
            let part = server.call::<op::Replay>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
            request.marker.clone_from(&part.marker);
            add(&mut all, part);
            if request.marker.is_none() {
                progress.end();
                return Ok(all);
            }
            progress.so_far(all.records_read, "records read");
        }
    });
    let all = replayed.map_err(|failure| failure.coded(2))?;
    Unreadable::default().warn(&all.unreadable_segments);
    if options.json {
        output::print(&output::json::<op::Replay>(&all)?)?;
    } else {
        output::print(&differences(&all))?;
        eprint!("{}", summary(&all));
    }
    Ok(if all.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Adds the next part of the trail.
fn add(all: &mut pb::ReplayResponse, part: pb::ReplayResponse) {
    all.differences.extend(part.differences);
    all.records_read += part.records_read;
    all.replayed += part.replayed;
    all.not_concerned += part.not_concerned;
    all.changed_since += part.changed_since;
    all.unreadable_segments.extend(part.unreadable_segments);
    all.unreadable_segments.sort();
    all.unreadable_segments.dedup();
    for failed in part.not_replayable {
        match all.not_replayable.iter_mut().find(|known| known.reason == failed.reason) {
            Some(known) => known.decisions += failed.decisions,
            None => all.not_replayable.push(failed),
        }
    }
}

/// One line for each principal, action, resource and pair of outcomes.
fn differences(all: &pb::ReplayResponse) -> String {
    let mut groups: BTreeMap<[String; 5], (u64, &pb::ReplayedDecision)> = BTreeMap::new();
    for one in &all.differences {
        let [before, after] = [&one.before, &one.after].map(|outcome| outcome.as_ref().map(shown).unwrap_or_default());
        let key = [one.principal_arn.clone(), one.action.clone(), one.resource.clone(), before, after];
        groups.entry(key).or_insert((0, one)).0 += 1;
    }
    let mut text = String::new();
    for ([principal, action, resource, before, after], (count, last)) in &groups {
        let [principal, action, resource, before, after, id] =
            [principal, action, resource, before, after, &last.event_id].map(|text| escapes::one_line(text));
        let denied = last.after.as_ref().is_some_and(|after| after.outcome != "ALLOW");
        let style = if denied { output::BAD } else { output::NOTABLE };
        let word = output::styled(style, if denied { "denied " } else { "allowed" });
        text.push_str(&format!(
            "{word} {principal}  {action}  {resource}  {}, last {id}\n",
            output::counted(*count, "time")
        ));
        text.push_str(&format!("        {before} -> {after}\n"));
    }
    text
}

/// An outcome with the statement that decided.
fn shown(outcome: &pb::ReplayedOutcome) -> String {
    let pb::ReplayedOutcome { outcome: name, policy_type, policy, sid, statement_index } = outcome;
    match (policy.as_str(), sid.as_str()) {
        ("", _) if policy_type.is_empty() => name.clone(),
        ("", _) => format!("{name} ({policy_type})"),
        (policy, "") => format!("{name} (statement {statement_index} of {policy})"),
        (policy, sid) => format!("{name} (statement {sid} of {policy})"),
    }
}

fn summary(all: &pb::ReplayResponse) -> String {
    let mut text = format!(
        "{} of {} replayed decisions differ; {} are of principals that the change does not concern\n",
        all.differences.len(),
        all.replayed,
        all.not_concerned
    );
    if all.changed_since > 0 {
        text.push_str(&format!("{} are decided differently today than then, without the change\n", all.changed_since));
    }
    for failed in &all.not_replayable {
        let why = match failed.reason() {
            pb::NotReplayableReason::ChecksNotRecorded => "the record is of an earlier version and lacks the checks",
            pb::NotReplayableReason::ContextNotRecorded => "the record lacks a part of the context",
            pb::NotReplayableReason::SessionPolicies => "session policies are not recorded",
            pb::NotReplayableReason::SessionTags => "tags and provider keys of sessions are not recorded",
            pb::NotReplayableReason::PrincipalDeleted => "the principal does not exist any more",
            pb::NotReplayableReason::TooLarge => "the decision takes too many steps",
            pb::NotReplayableReason::Unspecified => "unknown reason",
        };
        let id = escapes::one_line(&failed.event_id);
        text.push_str(&format!("not replayable: {} decisions, such as {id}: {why}\n", failed.decisions));
    }
    text
}
