//! `bailiwick authorize`: asks a running server for a decision.

use std::process::ExitCode;

use bailiwick_api::authz::{self as pb, Decision};
use bailiwick_api::op;
use bailiwick_policy_lang::Catalogue;
use clap::Args;

use super::question::{Question, in_options};
use crate::failure::Failure;
use crate::output::{self, BAD, GOOD, styled};

/// Ask a running server whether a principal may perform an action
///
/// The caller of the command needs `bailiwick:Authorize`, and `bailiwick:AuthorizeAs` for a principal that has not
/// signed a request.
///
/// Exit codes: 0 allowed, 1 denied, 2 not decided: wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick authorize iam:CreateUser arn:aws:iam::111122223333:user/carol
  bailiwick authorize --principal arn:aws:iam::111122223333:user/bob \\
    s3:GetObject arn:aws:s3:::reports/a --resource-account 111122223333 \\
    --context aws:SourceIp=10.1.2.3,ip --context aws:TagKeys=team --context aws:TagKeys=cost
  bailiwick authorize --caller-profile deploy \\
    photos:GetAlbum arn:aws:photos:eu-central-1:111122223333:album/1
  bailiwick authorize --anonymous --resource-policy bucket.json \\
    s3:GetObject arn:aws:s3:::public/a --resource-account 111122223333
  if bailiwick authorize iam:ListUsers > /dev/null; then echo may; fi")]
pub(crate) struct Options {
    #[command(flatten)]
    question: Question,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let question = &options.question;
    let decided = question.remote.run(async |server| {
        let request = question.request(server).await?;
        let answer = server.call::<op::Authorize>(&request).await.map_err(|error| in_options(&error))?;
        if question.json {
            output::print(&output::json::<op::Authorize>(&answer)?)?;
        } else {
            output::print(&shown(&answer))?;
            if let Some(note) = mistyped(question.action()) {
                eprintln!("note: {note}");
            }
        }
        Ok(answer)
    });
    // An error is not a denial.
    exit_code(&decided.map_err(|failure| failure.coded(2))?)
}

/// Returns 0 for an allow, 1 for a denial.
///
/// # Errors
/// When the server did not decide.
pub(super) fn exit_code(answer: &pb::AuthorizeResponse) -> Result<ExitCode, Failure> {
    match answer.decision() {
        Decision::Allow => Ok(ExitCode::SUCCESS),
        Decision::ExplicitDeny | Decision::ImplicitDeny => Ok(ExitCode::from(1)),
        Decision::Unspecified => Err(Failure::with_code("the server did not decide", 2)),
    }
}

/// Returns a note if a built-in service does not have the action. A policy that allows `*` allows it nevertheless.
fn mistyped(action: &str) -> Option<String> {
    let catalogue = Catalogue::builtin();
    let (prefix, name) = action.split_once(':')?;
    let service = catalogue.service(prefix)?;
    if service.action(name).is_some() {
        return None;
    }
    let meant = catalogue.nearest_action(action).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    Some(format!("`{action}` is not an action of `{}`{meant}", service.prefix))
}

fn shown(answer: &pb::AuthorizeResponse) -> String {
    let mut out = match answer.decision() {
        Decision::Allow => styled(GOOD, "allowed"),
        Decision::ExplicitDeny => styled(BAD, "denied explicitly"),
        Decision::ImplicitDeny => styled(BAD, "denied implicitly"),
        Decision::Unspecified => styled(BAD, "not decided"),
    };
    if let Some(statement) = &answer.statement {
        out += &format!(" by {}", place(statement));
    }
    out.push('\n');
    if let Some(message) = &answer.message {
        out += &format!("{message}\n");
    }
    out
}

/// Describes a statement.
fn place(statement: &pb::StatementRef) -> String {
    let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    let number = statement.index.saturating_add(1);
    let policy = if statement.policy.is_empty() { "a policy".to_owned() } else { format!("`{}`", statement.policy) };
    let of = if statement.attached_to.is_empty() { String::new() } else { format!(" of {}", statement.attached_to) };
    format!("statement {number}{sid} of {policy}{of}, line {}", statement.line)
}
