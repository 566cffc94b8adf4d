//! `bailiwick explain`: asks a running server to explain a decision.

mod denial;

use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use clap::{ArgMatches, Args, Command, FromArgMatches};

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
/// With `--request`, it explains a call that was denied in the last week, from its audit record: with the policies as
/// they were then. Administrators need `iam:GetRequestAuthorizationDetails` and `iam:GetRequestAuthorizationPolicy`; of
/// their own denials, all callers get a summary.
///
/// Exit codes: 0 allowed, 1 denied, 2 not decided: wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick explain iam:CreateUser arn:aws:iam::111122223333:user/carol
  bailiwick explain --principal arn:aws:iam::111122223333:user/bob \\
    s3:GetObject arn:aws:s3:::reports/a --resource-account 111122223333 \\
    --context aws:SourceIp=10.1.2.3,ip
  bailiwick explain --caller-profile deploy --json \\
    photos:GetAlbum arn:aws:photos:eu-central-1:111122223333:album/1
  bailiwick explain --request 0a1b2c3d4e5f60718293a4b5c6d7e8f9")]
struct Arguments {
    /// Explain the denied call with this authorization id, which is in its error message
    #[arg(long = "request", value_name = "ID", conflicts_with = "action")]
    request: Option<String>,
    #[command(flatten)]
    question: Question,
}

/// The arguments of the command. The action is required, unless there is the id of a request.
pub(crate) struct Options(Arguments);

impl Args for Options {
    fn augment_args(command: Command) -> Command {
        action_or_request(Arguments::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        action_or_request(Arguments::augment_args_for_update(command))
    }
}

impl FromArgMatches for Options {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Arguments::from_arg_matches(matches).map(Options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

fn action_or_request(command: Command) -> Command {
    command.mut_arg("action", |action| action.required(false).required_unless_present("request"))
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let Arguments { request, question } = &options.0;
    if let Some(id) = request {
        return denial::run(id, question);
    }
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
