//! Notes on a denial, beside the statements of policies.

use bailiwick_decision::{KeySource, ResolvedSubject, StoredResource, SubjectKind};
use bailiwick_evaluator::{ContextKey, Explanation, Failure, GlobalKey, PolicyKind, Request};
use bailiwick_model::UniqueId;
use bailiwick_policy_lang::Catalogue;

/// Adds notes on unknown names and missing keys, and shows principals by their ARNs.
pub(super) fn add(explanation: &mut Explanation<'_>, resolved: &ResolvedSubject<'_>, request: &Request<'_>) {
    let catalogue = resolved.view().catalogue();
    let stored = StoredResource::find(resolved.view(), request.resource_account.id, request.resource);
    let is_reserved = |key: &ContextKey| match KeySource::of(key) {
        KeySource::Bailiwick => true,
        KeySource::StoredResource => stored.has_tags(),
        KeySource::PassRole | KeySource::Service => false,
    };
    explanation.check_names(catalogue);
    let (reserved, unsent): (Vec<_>, Vec<_>) = explanation
        .missing_keys()
        .into_iter()
        .filter(|key| is_known(catalogue, key))
        .map(|key| (ContextKey::new(&key), key))
        .partition(|(key, _)| is_reserved(key));
    let mut notes: Vec<String> = reserved.iter().map(|(key, _)| absent(key, resolved)).collect();
    let unsent: Vec<String> = unsent.into_iter().map(|(_, key)| format!("`{key}`")).collect();
    if !unsent.is_empty() {
        let keys = unsent.join(", ");
        notes.push(format!("The asking service did not send {keys}, which only it could know."));
    }
    notes.dedup();
    explanation.notes.extend(notes);
    name_principals(explanation, resolved);
}

/// Returns whether a service could send a key. It could not if a known service does not define the key.
fn is_known(catalogue: &Catalogue, key: &str) -> bool {
    let prefix = key.split_once(':').map_or("", |(prefix, _)| prefix);
    let is_judged = prefix.eq_ignore_ascii_case("aws") || catalogue.service(prefix).is_some();
    !is_judged || catalogue.key(key).is_some()
}

/// Explains why a key that Bailiwick sets is absent.
fn absent(key: &ContextKey, resolved: &ResolvedSubject<'_>) -> String {
    let name = key.as_written();
    let session = resolved.subject().session().is_some();
    let caller = match resolved.subject().kind() {
        SubjectKind::Root => "the root user",
        SubjectKind::User | SubjectKind::UnknownUser => "a user",
        SubjectKind::RoleSession => "a role's session",
        SubjectKind::FederatedUser => "a federated user",
        SubjectKind::Service => "a service",
        SubjectKind::IdentityProvider => "a principal of an identity provider",
        SubjectKind::Anonymous => "anonymous",
    };
    match key.global() {
        Some(GlobalKey::MultiFactorAuthPresent) => {
            format!("Only temporary credentials have `{name}`, and the caller has none.")
        }
        Some(GlobalKey::MultiFactorAuthAge) if session => "The caller's session was issued without MFA.".to_owned(),
        Some(GlobalKey::MultiFactorAuthAge) => {
            format!("Only temporary credentials issued with MFA have `{name}`, and the caller has none.")
        }
        Some(GlobalKey::UserName) => format!("Only users have `{name}`; the caller is {caller}."),
        Some(GlobalKey::PrincipalTag) => format!("The caller has no tag `{}`.", key.tag().unwrap_or_default()),
        Some(GlobalKey::TokenIssueTime | GlobalKey::SourceIdentity | GlobalKey::FederatedProvider) if session => {
            format!("The caller's session has no `{name}`.")
        }
        Some(GlobalKey::TokenIssueTime | GlobalKey::SourceIdentity | GlobalKey::FederatedProvider) => {
            format!("Only sessions have `{name}`, and the caller's credentials do not belong to one.")
        }
        Some(GlobalKey::ResourceTag | GlobalKey::IamResourceTag) => {
            format!("The resource has no tag `{}`.", key.tag().unwrap_or_default())
        }
        Some(
            GlobalKey::PrincipalOrgId
            | GlobalKey::PrincipalOrgPaths
            | GlobalKey::ResourceOrgId
            | GlobalKey::ResourceOrgPaths,
        ) => {
            format!("There is no organization, so `{name}` has no value.")
        }
        Some(GlobalKey::ResourceAccount) => "The resource does not belong to an account.".to_owned(),
        Some(GlobalKey::PrincipalServiceName | GlobalKey::PrincipalServiceNamesList) => {
            format!("Only services have `{name}`; the caller is {caller}.")
        }
        _ => format!("Bailiwick itself sets `{name}`, and has no value for this caller, which is {caller}."),
    }
}

/// Shows the users and roles that policies name, which are bound by their unique ids, as ARNs if they exist.
fn name_principals(explanation: &mut Explanation<'_>, resolved: &ResolvedSubject<'_>) {
    let mut gone = Vec::new();
    // A policy in the question has no name, and the asking service knows its content.
    for miss in explanation.near_misses.iter_mut().filter(|miss| miss.statement.policy.is_some()) {
        for failure in std::iter::once(&mut miss.failure).chain(&mut miss.also) {
            let Failure::Principal { expected, .. } = failure else { continue };
            for principal in expected {
                let Ok(id) = UniqueId::parse(&principal.written) else { continue };
                match resolved.view().entity(&id) {
                    Some(entity) => principal.written = entity.arn(resolved.view().partition()).as_str().into(),
                    None => gone.push(format!(
                        "`{id}` was a user or role that no longer exists; one with its name now is another."
                    )),
                }
            }
        }
    }
    gone.sort_unstable();
    gone.dedup();
    explanation.notes.extend(gone);
}

/// Removes what the trust policy of a role that does not exist says, and adds a note.
pub(super) fn no_such_role(explanation: &mut Explanation<'_>) {
    let is_trust = |kind: PolicyKind| kind == PolicyKind::Trust;
    explanation.near_misses.retain(|miss| !is_trust(miss.statement.at.kind));
    explanation.findings.iter_mut().filter(|finding| is_trust(finding.kind)).for_each(|finding| finding.policies = 0);
    explanation.suggestions.clear();
    explanation.notes.push(format!("There is no role `{}`.", explanation.resource));
}
