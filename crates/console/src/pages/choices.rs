//! What exists, as the choices of a form.

use bailiwick_api::iam::{ListGroupsRequest, ListPoliciesRequest, ListUsersRequest, Tag};
use bailiwick_api::op;
use bailiwick_model::IamError;

use crate::person::Person;
use crate::request::Called;
use crate::view::Field;

/// How many are offered. Others are named by their ARN.
const OFFERED: i32 = 1000;

/// The groups of the account; none if the person may not list them.
pub(crate) async fn groups(person: &Person<'_>) -> Vec<(String, String)> {
    let asked = ListGroupsRequest { max_items: Some(OFFERED), ..Default::default() };
    let listed = person.call::<op::ListGroups>(asked).await.map(|listed| listed.groups).unwrap_or_default();
    let name = |name: Option<String>| name.map(|name| (name.clone(), name));
    listed.into_iter().filter_map(|group| name(group.group_name)).collect()
}

/// The users of the account; none if the person may not list them.
pub(crate) async fn users(person: &Person<'_>) -> Vec<(String, String)> {
    let asked = ListUsersRequest { max_items: Some(OFFERED), ..Default::default() };
    let listed = person.call::<op::ListUsers>(asked).await.map(|listed| listed.users).unwrap_or_default();
    let name = |name: Option<String>| name.map(|name| (name.clone(), name));
    listed.into_iter().filter_map(|user| name(user.user_name)).collect()
}

/// The fields that choose managed policies: those of the account by their names, and others by their ARN.
pub(crate) async fn policy_fields(person: &Person<'_>, kept_out: &[String]) -> Vec<Field> {
    let asked = ListPoliciesRequest { scope: Some("Local".to_owned()), max_items: Some(OFFERED), ..Default::default() };
    let listed = person.call::<op::ListPolicies>(asked).await.map(|listed| listed.policies).unwrap_or_default();
    let offered = listed.into_iter().filter_map(|policy| policy.arn.zip(policy.policy_name));
    let offered = offered.filter(|(arn, _)| !kept_out.contains(arn)).collect();
    vec![
        Field::any("policy", "Policies of this account", offered, "No policy to choose, or you may not list them."),
        Field::line("arn", "ARN of another policy", 2048)
            .hint("Of a built-in one: arn:aws:iam::aws:policy/ and its name, such as ReadOnlyAccess."),
    ]
}

/// The ARNs of the policies that were chosen in [`policy_fields`].
pub(crate) fn chosen_policies(person: &Person<'_>) -> Vec<String> {
    let mut chosen = person.form().all("policy");
    chosen.extend(person.form().text("arn"));
    chosen
}

/// The field for the tags of something new.
pub(crate) fn tag_field() -> Field {
    Field::lines("tags", "Tags").hint("One KEY=VALUE in each line, such as team=platform.")
}

/// The tags that were typed in [`tag_field`].
///
/// # Errors
/// `ValidationError` for a line without `=`.
pub(crate) fn typed_tags(person: &Person<'_>) -> Called<Vec<Tag>> {
    let mut tags = Vec::new();
    for line in person.form().raw("tags").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once('=') else {
            let message = format!("`{line}` is not a tag: write KEY=VALUE, such as team=platform");
            return Err(person.failure(IamError::validation(message)));
        };
        tags.push(Tag { key: Some(key.trim().to_owned()), value: Some(value.trim().to_owned()) });
    }
    Ok(tags)
}
