//! `bailiwick explain`: asks a running server to explain a decision.

use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use clap::Args;

use super::authorize::exit_code;
use super::question::{Question, in_options};
use crate::failure::Failure;
use crate::output;

/// Ask a running server why a principal may or may not perform an action
///
/// Prints the deciding statement, the result of each type of policy, the statements that nearly allowed it with the
/// reason why they did not, and the smallest statements to add. The caller of the command needs `bailiwick:Explain`,
/// and `bailiwick:AuthorizeAs` for a principal that has not signed a request.
///
/// Exit codes: 0 allowed, 1 denied, 2 not decided: wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick explain iam:CreateUser arn:aws:iam::111122223333:user/carol
  bailiwick explain --principal arn:aws:iam::111122223333:user/bob \\
    s3:GetObject arn:aws:s3:::reports/a --resource-account 111122223333 \\
    --context aws:SourceIp=10.1.2.3,ip
  bailiwick explain --caller-profile deploy --json \\
    photos:GetAlbum arn:aws:photos:eu-central-1:111122223333:album/1")]
pub(crate) struct Options {
    #[command(flatten)]
    question: Question,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let question = &options.question;
    let decided = question.remote.run(async |server| {
        let request = pb::ExplainRequest { request: Some(question.request(server).await?) };
        let answer = server.call::<op::Explain>(&request).await.map_err(|error| in_options(&error))?;
        if question.json {
            output::print(&output::json::<op::Explain>(&answer)?)?;
        } else {
            output::print(&format!("{}\n", answer.text.trim_end()))?;
        }
        answer.result.ok_or_else(|| Failure::new("the answer has no decision"))
    });
    exit_code(&decided.map_err(|failure| failure.coded(2))?)
}
