//! What services ask about counts as a use of the service by the caller, where it was allowed.

use std::borrow::Cow;

use bailiwick_decision::SubjectKind;
use bailiwick_operation::Cx;
use bailiwick_policy_lang::Catalogue;
use jiff::Timestamp;

use super::caller::QuestionSubject;
use super::render::DecisionView;

/// Records the use of an action by the caller that a service asked about. Service principals and callers without
/// credentials have no uses.
pub(super) fn note(cx: &Cx, catalogue: &Catalogue, about: &QuestionSubject, action: &str, decided: &DecisionView) {
    let subject = &about.subject;
    let is_caller = matches!(
        subject.kind(),
        SubjectKind::Root | SubjectKind::User | SubjectKind::RoleSession | SubjectKind::FederatedUser
    );
    let Some(account) = subject.account().filter(|_| is_caller && decided.is_allowed()) else { return };
    let deployment = cx.deployment();
    let region = about.region.as_ref().unwrap_or(&deployment.region);
    let now = Timestamp::from_second(cx.now().as_second()).unwrap_or(cx.now());
    deployment.recent_uses.services.note(account, subject.id(), &tracked(catalogue, action), region.as_str(), now);
}

/// The action as its service spells it. Of a service or action that is in no catalogue, only the prefix is recorded, since
/// a service could ask about any number of names.
fn tracked<'a>(catalogue: &Catalogue, action: &'a str) -> Cow<'a, str> {
    let (prefix, name) = action.split_once(':').unwrap_or((action, ""));
    let known = catalogue.service(prefix).and_then(|service| service.action(name));
    match known {
        Some(known) if *known.name == *name && prefix.bytes().all(|b| !b.is_ascii_uppercase()) => action.into(),
        Some(known) => format!("{}:{}", prefix.to_ascii_lowercase(), known.name).into(),
        None => format!("{}:", prefix.to_ascii_lowercase()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_recorded_as_its_service_spells_it() {
        for (asked, expected) in [
            ("iam:GetUser", "iam:GetUser"),
            ("IAM:getuser", "iam:GetUser"),
            ("iam:Fly", "iam:"),
            ("Birds:Fly", "birds:"),
        ] {
            assert_eq!(tracked(Catalogue::builtin(), asked), expected);
        }
    }
}
