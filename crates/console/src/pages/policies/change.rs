//! The changes of a managed policy.

use bailiwick_api::iam::{
    DeletePolicyRequest, DeletePolicyVersionRequest, ListPolicyVersionsRequest, Policy, SetDefaultPolicyVersionRequest,
    Tag, TagPolicyRequest, UntagPolicyRequest,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError};

use crate::person::{Page, Person};
use crate::request::Called;

/// Changes the policy as the form asks.
pub(crate) async fn answer(person: &Person<'_>, policy: &Policy) -> Called<Page> {
    let form = person.form();
    let policy_arn = policy.arn.clone();
    let version_id = form.text("version");
    let message = match person.asked() {
        "set-default" => {
            let asked = SetDefaultPolicyVersionRequest { policy_arn, version_id };
            person.call::<op::SetDefaultPolicyVersion>(asked).await?;
            format!("{} is the default version now.", form.typed("version"))
        }
        "delete-version" => {
            let asked = DeletePolicyVersionRequest { policy_arn, version_id };
            person.call::<op::DeletePolicyVersion>(asked).await?;
            format!("The version {} was deleted.", form.typed("version"))
        }
        "add-tag" => {
            let tag = Tag { key: form.text("key"), value: Some(form.typed("value")) };
            person.call::<op::TagPolicy>(TagPolicyRequest { policy_arn, tags: vec![tag] }).await?;
            "The tag was set.".to_owned()
        }
        "remove-tag" => {
            let tag_keys = form.text("key").into_iter().collect();
            person.call::<op::UntagPolicy>(UntagPolicyRequest { policy_arn, tag_keys }).await?;
            "The tag was removed.".to_owned()
        }
        "delete" => return delete(person, policy).await,
        _ => return Err(person.unknown_change()),
    };
    Ok(person.changed(message))
}

/// Deletes the policy with its versions. AWS refuses to delete one that is attached: that is found before a version is
/// deleted.
async fn delete(person: &Person<'_>, policy: &Policy) -> Called<Page> {
    let name = policy.policy_name.as_deref().unwrap_or_default();
    person.check_typed(name)?;
    if policy.attachment_count.unwrap_or_default() > 0
        || policy.permissions_boundary_usage_count.unwrap_or_default() > 0
    {
        let message = format!(
            "{name} is attached, or is a permissions boundary: detach it first, as the tab `Attached to` shows"
        );
        return Err(person.failure(IamError::new(ErrorCode::DeleteConflict, message)));
    }
    let policy_arn = policy.arn.clone();
    let asked = ListPolicyVersionsRequest { policy_arn: policy_arn.clone(), ..Default::default() };
    for version in person.call::<op::ListPolicyVersions>(asked).await?.versions {
        if version.is_default_version != Some(true) {
            let asked = DeletePolicyVersionRequest { policy_arn: policy_arn.clone(), version_id: version.version_id };
            person.call::<op::DeletePolicyVersion>(asked).await?;
        }
    }
    person.call::<op::DeletePolicy>(DeletePolicyRequest { policy_arn }).await?;
    Ok(person.done("/console/policies", format!("The policy {name} was deleted.")))
}
