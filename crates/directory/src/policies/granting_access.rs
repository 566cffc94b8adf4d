//! ListPoliciesGrantingServiceAccess: which policies of an identity allow actions of a service.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, Result, Tags};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_policy_lang::{Document, Effect, PolicyKind, Statement, parse};
use bailiwick_storage::{Group, Identity, Role, Tx, User};

use crate::Directory;
use crate::address::{IdentityRecord, arn_of_policy};
use crate::request::required;

/// The identity that a request names by ARN, with its policies' holders.
pub struct Named {
    stored: Option<Holders>,
    kind: String,
    name: String,
}

/// A stored identity, and for a user the groups whose policies count too.
enum Holders {
    User(Box<User>),
    Other(Identity),
}

/// Returns the policies of an identity that allow actions of each service in the request. Boundaries, conditions and
/// statements that deny take no part.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for an ARN that is not of a user, group or role; `ValidationError` for a marker, since
/// the list has one page.
impl Handle<op::ListPoliciesGrantingServiceAccess> for Directory {
    type Plan = (Named, pb::ListPoliciesGrantingServiceAccessRequest);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListPoliciesGrantingServiceAccessRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:ListPoliciesGrantingServiceAccess";
        let text = required(&req.arn, "arn")?;
        let unclear = || invalid(format!("ARN {text} is not valid."));
        let arn = Arn::parse(text).map_err(|_| unclear())?;
        let is_own = arn.service() == "iam" && arn.partition() == cx.partition().as_str();
        let (kind, _, name) =
            arn.typed_resource().filter(|_| is_own && arn.account_id().is_some()).ok_or_else(unclear)?;
        let (stored, tags) = match kind {
            "user" => find::<User>(cx, tx, &arn, name).await?.map(|user| {
                let tags = user.tags.clone();
                (Holders::User(Box::new(user)), tags)
            }),
            "role" => find::<Role>(cx, tx, &arn, name).await?.map(|role| (Holders::Other((&role).into()), role.tags)),
            "group" => {
                find::<Group>(cx, tx, &arn, name).await?.map(|group| (Holders::Other((&group).into()), Tags::new()))
            }
            _ => return Err(unclear()),
        }
        .map_or((None, Tags::new()), |(stored, tags)| (Some(stored), tags));
        let check = Check::new(ACTION, &arn).resource_tags(&tags);
        let named = Named { stored, kind: kind.to_owned(), name: name.to_owned() };
        Ok(Planned::new((named, req)).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, req): Self::Plan,
    ) -> Result<pb::ListPoliciesGrantingServiceAccessResponse> {
        PageRequest::new(req.marker, None).open(cx, "ListPoliciesGrantingServiceAccess")?;
        let policies = match named.stored.ok_or_else(|| IamError::no_such(&named.kind, &named.name))? {
            Holders::User(user) => policies_of_user(cx, tx, &user).await?,
            Holders::Other(identity) => policies_of(cx, tx, &identity).await?,
        };
        let mut services: Vec<String> = Vec::new();
        for service in req.service_namespaces {
            if !services.contains(&service) {
                services.push(service);
            }
        }
        let granting = |service: String| pb::ListPoliciesGrantingServiceAccessEntry {
            policies: policies
                .iter()
                .filter(|(document, _)| document.statements.iter().any(|statement| grants(statement, &service)))
                .map(|(_, shown)| shown.clone())
                .collect(),
            service_namespace: Some(service),
        };
        Ok(pb::ListPoliciesGrantingServiceAccessResponse {
            policies_granting_service_access: services.into_iter().map(granting).collect(),
            is_truncated: Some(false),
            marker: None,
        })
    }
}

/// A policy that an identity has, and how a response names it.
pub(crate) type HeldPolicy = (Document, pb::PolicyGrantingServiceAccess);

/// The policies of a user and of the groups that the user is in.
pub(crate) async fn policies_of_user(cx: &Cx, tx: &mut Tx, user: &User) -> Result<Vec<HeldPolicy>> {
    let mut policies = policies_of(cx, tx, &Identity::from(user)).await?;
    for group in tx.list_groups_of(user, None, usize::MAX).await?.items {
        add(cx, tx, &Identity::from(&group), &mut policies).await?;
    }
    Ok(policies)
}

/// The policies that are attached to an identity, then its inline policies.
pub(crate) async fn policies_of(cx: &Cx, tx: &mut Tx, identity: &Identity) -> Result<Vec<HeldPolicy>> {
    let mut policies = Vec::new();
    add(cx, tx, identity, &mut policies).await?;
    Ok(policies)
}

/// The stored identity with exactly this ARN.
pub(crate) async fn find<I: IdentityRecord>(cx: &Cx, tx: &mut Tx, arn: &Arn, name: &str) -> Result<Option<I>> {
    let Ok(name) = I::parse_name(name) else { return Ok(None) };
    let stored = tx.find::<I>(cx.account(), &name).await?;
    Ok(stored.filter(|stored| stored.arn(cx.partition()) == *arn))
}

/// Adds the policies that are attached to an identity, then its inline policies.
async fn add(cx: &Cx, tx: &mut Tx, identity: &Identity, policies: &mut Vec<HeldPolicy>) -> Result<()> {
    for policy in tx.list_attached(identity, "/", None, usize::MAX).await?.items {
        let document = tx.default_version(&policy).await?.document;
        let shown = pb::PolicyGrantingServiceAccess {
            policy_name: Some(policy.name.to_string()),
            policy_type: Some("MANAGED".into()),
            policy_arn: Some(arn_of_policy(cx.partition(), &policy).to_string()),
            ..pb::PolicyGrantingServiceAccess::default()
        };
        // A policy of a user and of a group of the user is one policy.
        if !policies.iter().any(|(_, known)| *known == shown) {
            policies.push((read(&document)?, shown));
        }
    }
    for policy in tx.list_inline_policies(identity, None, usize::MAX).await?.items {
        let shown = pb::PolicyGrantingServiceAccess {
            policy_name: Some(policy.name.to_string()),
            policy_type: Some("INLINE".into()),
            entity_type: Some(identity.kind.as_str().to_ascii_uppercase()),
            entity_name: Some(identity.name.clone()),
            ..pb::PolicyGrantingServiceAccess::default()
        };
        policies.push((read(&policy.document)?, shown));
    }
    Ok(())
}

/// Parses a stored document.
pub(crate) fn read(document: &str) -> Result<Document> {
    parse(document, PolicyKind::Identity).map_err(IamError::internal)
}

/// Whether a statement allows an action of a service.
pub(crate) fn grants(statement: &Statement, service: &str) -> bool {
    let matches = |pattern: &str| match pattern.split_once(':') {
        Some((of, name)) => (of.eq_ignore_ascii_case(service), name.bytes().all(|b| b == b'*')),
        None => (true, true),
    };
    let mut patterns = statement.action.patterns.iter().map(|pattern| matches(&pattern.value));
    let is_named = match statement.action.negated {
        false => patterns.any(|(of_service, _)| of_service),
        // All others are allowed, unless every action of the service is excluded.
        true => !patterns.any(|(of_service, every)| of_service && every),
    };
    statement.effect == Effect::Allow && is_named
}

fn invalid(message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message)
}

#[cfg(test)]
mod tests;
