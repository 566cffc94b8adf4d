//! Whether the caller has the rights that a delegation request asks for, as far as policies alone tell.

use bailiwick_model::Result;
use bailiwick_operation::{Cx, Principal};
use bailiwick_policy_lang::{Document, Effect, Statement};
use bailiwick_storage::{Identity, Role, Tx, User};

use crate::policies::granting_access::{grants, policies_of, policies_of_user, read};

/// `ALLOWED` for root, and for a caller whose policies allow everything, deny nothing, and are limited by nothing; `DENIED` if
/// none of them allows any action of a service that is asked for; otherwise `UNSURE`.
///
/// # Errors
/// `ServiceFailure` when the store fails.
pub(super) async fn check_permissions(cx: &Cx, tx: &mut Tx, policy: &str) -> Result<&'static str> {
    let asked = read(policy)?;
    let is_scoped = cx.caller().session.as_ref().is_some_and(|session| session.is_limited());
    let (documents, boundary) = match &cx.caller().principal {
        Principal::Root { .. } if is_scoped => return Ok("UNSURE"),
        Principal::Root { .. } => return Ok("ALLOWED"),
        // Federated users may not call IAM.
        Principal::FederatedUser { .. } => return Ok("DENIED"),
        Principal::User { account, id, .. } => match tx.find_by_id::<User>(*account, id).await? {
            Some(user) => (documents(policies_of_user(cx, tx, &user).await?), user.boundary),
            None => return Ok("DENIED"),
        },
        Principal::RoleSession { account, id, .. } => match tx.find_by_id::<Role>(*account, id).await? {
            Some(role) => (documents(policies_of(cx, tx, &Identity::from(&role)).await?), role.boundary),
            None => return Ok("DENIED"),
        },
    };
    Ok(match () {
        () if asks_for_more(&asked, &documents) => "DENIED",
        () if boundary.is_none() && !is_scoped && allow_everything(&documents) => "ALLOWED",
        () => "UNSURE",
    })
}

fn documents<T>(held: Vec<(Document, T)>) -> Vec<Document> {
    held.into_iter().map(|(document, _)| document).collect()
}

fn statements(documents: &[Document]) -> impl Iterator<Item = &Statement> {
    documents.iter().flat_map(|document| &document.statements)
}

/// Whether the request allows actions of a service of which the documents allow none.
fn asks_for_more(asked: &Document, held: &[Document]) -> bool {
    let patterns = asked.statements.iter().flat_map(|statement| &statement.action.patterns);
    let mut services = patterns.filter_map(|pattern| pattern.value.split_once(':'));
    services.any(|(service, _)| !statements(held).any(|statement| grants(statement, service)))
}

fn allow_everything(documents: &[Document]) -> bool {
    let is_all = |statement: &Statement| {
        let resource = statement.resource.as_ref();
        !statement.action.negated
            && statement.action.patterns.iter().any(|pattern| &*pattern.value == "*")
            && resource.is_some_and(|resource| !resource.negated && resource.patterns.iter().any(|p| &*p.value == "*"))
            && statement.conditions.is_empty()
    };
    statements(documents).all(|statement| statement.effect == Effect::Allow) && statements(documents).any(is_all)
}
