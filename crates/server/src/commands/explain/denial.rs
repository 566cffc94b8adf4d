//! `bailiwick explain --request`: explains a denied call from its audit record.

use std::fmt::Write as _;
use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use bailiwick_grpc::client::ClientError;

use crate::commands::question::Question;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(id: &str, question: &Question) -> Result<ExitCode, Failure> {
    let id: String = id.trim().to_ascii_lowercase().chars().filter(|c| *c != '-').collect();
    let done = question.remote.run(async |server| {
        let request = |summary_only| pb::ExplainDenialRequest { authorization_id: id.clone(), summary_only };
        let answer = match server.call::<op::ExplainDenial>(&request(false)).await {
            // Without the permission, callers get a summary of their own denials.
            Err(refused) if is_denial(&refused) => {
                let own = server.call::<op::ExplainDenial>(&request(true)).await;
                own.map_err(|_| Failure::new(refused.to_string()))?
            }
            answer => answer.map_err(|error| Failure::new(error.to_string()))?,
        };
        if question.json {
            output::print(&output::json::<op::ExplainDenial>(&answer)?)?;
        } else {
            output::print(&shown(&answer))?;
        }
        Ok(ExitCode::from(1))
    });
    done.map_err(|failure| failure.coded(2))
}

fn is_denial(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { code, .. } if code == "AccessDenied")
}

fn shown(answer: &pb::ExplainDenialResponse) -> String {
    let mut out = format!("{}\n", answer.text.trim_end());
    for policy in &answer.documents {
        let version = if policy.version.is_empty() { String::new() } else { format!(" {}", policy.version) };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n{}{version}:\n{}", policy.uri, policy.document.trim_end());
    }
    out
}
