//! The details of a denied request to another service, which asked for the decision.
//!
//! The record is of the asking service's account, and its details are for the account of the principal: look-ups do not show
//! them. They have neither the policies of other accounts nor the tags of their resources, as encoded messages; a policy
//! that the service gave is for its own account.

use bailiwick_decision::ResolvedSubject;
use bailiwick_model::mask::masked;
use bailiwick_model::{AccessKeyId, Arn, Result};
use bailiwick_operation::{AuthorizationDetails, Cx, DeniedPrincipal};
use bailiwick_policy_lang::Catalogue;

use super::evaluated::EvaluatedPolicies;
use super::evaluation::{MAX_VALUE, cut};
use super::target::{Evaluated, Target};
use crate::Authz;
use crate::decide::denial_message::is_resource_tag;
use crate::decide::disclosure::{Disclosure, Viewer};
use crate::decide::given_keys::GivenKeys;
use crate::decide::question::{Question, StoredTags};
use crate::explained_denial::ExplainedDenial;
use crate::work_budget::WorkBudget;

impl Authz {
    /// Explains the denial of a question; none if the principal has no account. `access_key` is the one that the principal
    /// signed with.
    ///
    /// # Errors
    /// Those of [`Question::with`]; `LimitExceeded` if that takes too long.
    pub(crate) fn explain_question(
        &self,
        cx: &Cx,
        question: &Question<'_>,
        subject: &ResolvedSubject<'_>,
        access_key: Option<&AccessKeyId>,
        context: &[&GivenKeys<'_>],
        work: &mut WorkBudget,
    ) -> Result<Option<ExplainedDenial>> {
        let Some(account) = subject.subject().account() else { return Ok(None) };
        let viewer = Viewer::in_account(cx, account);
        let resource = question.account(subject);
        let sees_resource = viewer.may_see(resource);
        let tags = if sees_resource { StoredTags::Shown } else { StoredTags::Hidden };
        let given = context.iter().flat_map(|keys| keys.names());
        let trust = Arn::parse(question.resource).ok().and_then(|arn| subject.view().entity_by_arn(&arn));
        let trust = trust.filter(|entity| entity.is_role());
        let target = &Target {
            action: question.action,
            resource: question.resource,
            account: resource,
            keys: given.filter(|name| !is_of_request(name) && (sees_resource || !is_resource_tag(name))).collect(),
            trust: trust.map(|role| (role.account, role.id)),
            given_policy: question.policy_text,
        };
        let (mut details, mut policies) = (AuthorizationDetails::default(), EvaluatedPolicies::default());
        let message = question.with(cx, subject, context, tags, |request, applied, _| {
            let is_given = question.has_given_policy();
            let disclosure = Disclosure::of_principal(viewer, cx.account(), resource, is_given, applied);
            let evaluated = Evaluated { request, applied, resolved: subject, target, disclosure, is_denial: true };
            let denied = evaluated.add_to(&mut details, &mut policies, work)?;
            Ok(denied.message(request).to_string())
        })?;
        details.principal = Some(DeniedPrincipal {
            account_id: account.to_string(),
            arn: subject.arn().to_owned(),
            principal_id: subject.user_id().to_owned(),
            access_key_id: access_key.map(ToString::to_string).unwrap_or_default(),
            message: cut(&masked(&message), 4 * MAX_VALUE),
        });
        details.truncated |= policies.is_truncated;
        let documents;
        (details.policies, documents) = policies.finish();
        Ok(Some(ExplainedDenial { details, documents, principal: subject.entity().map(|entity| entity.id) }))
    }
}

/// Whether a key that the service gave is of the request as a whole, such as `aws:SourceIp`, and not of the resource.
fn is_of_request(key: &str) -> bool {
    let is_global = || Catalogue::builtin().global_keys().any(|global| global.name.eq_ignore_ascii_case(key));
    !key.contains('/') && !key.to_ascii_lowercase().starts_with("aws:resource") && is_global()
}
