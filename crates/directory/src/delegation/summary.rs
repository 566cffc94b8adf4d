//! GetHumanReadableSummary: a delegation request in words. The text is made from the request alone and is always the same.

use std::fmt::Write as _;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_policy_lang::document::Text;
use bailiwick_policy_lang::{Effect, Statement};
use bailiwick_storage::{DelegationRequest, DelegationState, Tx};

use super::{NamedRequest, state_name};
use crate::Directory;
use crate::address::iam_arn;
use crate::policies::granting_access::read;

/// The longest summary in characters.
const LONGEST: usize = 10_000;

/// Describes a delegation request in English. In other languages there is no summary.
///
/// # Errors
/// `NoSuchEntity`, as GetDelegationRequest; `ValidationError` or `InvalidInput` for an ARN of something else.
impl Handle<op::GetHumanReadableSummary> for Directory {
    /// The request and the locale.
    type Plan = (NamedRequest, String);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetHumanReadableSummaryRequest) -> Result<Planned<Self::Plan>> {
        let arn = iam_arn(cx, "delegation-request", req.entity_arn.as_deref().unwrap_or_default())?;
        let id = arn.typed_resource().map_or(arn.resource(), |(_, _, name)| name).to_owned();
        let mut named = NamedRequest::look_up(cx, tx, &Some(id)).await?;
        // A request is in the account that asks about it.
        named.stored = named.stored.filter(|_| arn.account_id() == Some(cx.account()));
        let check = named.check(cx, "iam:GetHumanReadableSummary");
        Ok(Planned::new((named, req.locale.unwrap_or_else(|| "en".into()))).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: &mut Tx,
        (named, locale): Self::Plan,
    ) -> Result<pb::GetHumanReadableSummaryResponse> {
        let request = named.get()?;
        let is_english = locale.split(['-', '_']).next().is_some_and(|language| language.eq_ignore_ascii_case("en"));
        let (content, state) = match is_english {
            true => (Some(summary(&request, request.state_at(cx.now()))?), "AVAILABLE"),
            false => (None, "NOT_SUPPORTED"),
        };
        Ok(pb::GetHumanReadableSummaryResponse {
            summary_content: content,
            locale: Some(locale),
            summary_state: Some(state.into()),
        })
    }
}

/// The request in words.
fn summary(request: &DelegationRequest, state: DelegationState) -> Result<String> {
    let mut text = format!(
        "{} (account {}) asks for temporary access to {} for {}.",
        request.requestor_name,
        request.requestor,
        request
            .owner_account
            .map_or_else(|| "an account".to_owned(), |account: AccountId| format!("account {account}")),
        duration(request.session_seconds),
    );
    let document = read(&request.policy)?;
    for statement in &document.statements {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n- {}", sentence(statement));
    }
    if !request.restriction_arns.is_empty() {
        let _ = write!(
            text,
            "\nRoles that it creates must have the permissions boundary {}.",
            request.restriction_arns.join(" or ")
        );
    }
    if request.only_send_by_owner {
        text.push_str("\nOnly the owner of the request may send the token.");
    }
    let _ = write!(text, "\nState: {}.", state_name(state));
    // The notes of requestor and owner are not repeated: a summary of theirs would be what they want it to be.
    if let Some((end, _)) = text.char_indices().nth(LONGEST - 1) {
        text.truncate(end);
        text.push('…');
    }
    Ok(text)
}

fn sentence(statement: &Statement) -> String {
    let verb = match statement.effect {
        Effect::Allow => "Allows",
        Effect::Deny => "Denies",
    };
    let actions = list(&statement.action.patterns);
    let actions = if statement.action.negated { format!("all actions except {actions}") } else { actions };
    let resources = statement.resource.as_ref().map_or_else(String::new, |resource| {
        let named = match list(&resource.patterns).as_str() {
            "*" => "all resources".to_owned(),
            patterns => patterns.to_owned(),
        };
        format!(" on {}{named}", if resource.negated { "everything except " } else { "" })
    });
    let conditions: Vec<_> = statement
        .conditions
        .iter()
        .map(|condition| {
            let values: Vec<&str> = condition.values.iter().map(|value| &*value.text).collect();
            format!("{} {} {}", condition.key.value, condition.operator, values.join(", "))
        })
        .collect();
    let conditions = if conditions.is_empty() { String::new() } else { format!(", if {}", conditions.join(" and ")) };
    format!("{verb} {actions}{resources}{conditions}.")
}

fn list(texts: &[Text]) -> String {
    let texts: Vec<&str> = texts.iter().map(|text| &*text.value).collect();
    texts.join(", ")
}

/// A duration in words: `1 hour`, `90 minutes`, `301 seconds`.
fn duration(seconds: u32) -> String {
    let (count, unit) = match seconds {
        _ if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_largest_whole_unit() {
        for (seconds, expected) in [(3600, "1 hour"), (7200, "2 hours"), (5400, "90 minutes"), (301, "301 seconds")] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
