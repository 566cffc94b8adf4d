//! Instance profiles, which hand a role to a machine.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{
    AccountId, Arn, ErrorCode, IamError, IdKind, InstanceProfileName, KeyCase, Partition, Path, Result, Tags,
};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, PathPage, Planned};
use bailiwick_storage::{InstanceProfile, Role, Tx};

use super::tags::Tagged;
use crate::address::{Addressed, IdentityRecord as _, Target};
use crate::request::{check_list, path_or_root, required, tags};
use crate::{Directory, view};

/// The service that roles in instance profiles are passed to.
const PASSED_TO: &str = "ec2.amazonaws.com";

/// The ARN of an instance profile with this path and name.
pub(crate) fn arn_of(partition: Partition, account: AccountId, path: &Path, name: &InstanceProfileName) -> Arn {
    Arn::iam(partition, account, format_args!("instance-profile{path}{name}"))
}

impl Addressed for InstanceProfile {
    type Address = InstanceProfileName;

    fn parse(_: &Cx, member: &Option<String>) -> Result<InstanceProfileName> {
        Ok(InstanceProfileName::parse(required(member, "instanceProfileName")?)?)
    }

    async fn find(cx: &Cx, tx: &mut Tx, name: &InstanceProfileName) -> Result<Option<Self>> {
        tx.find(cx.account(), name).await
    }

    fn check(cx: &Cx, name: &InstanceProfileName, stored: Option<&Self>, action: &'static str) -> Check {
        let check = match stored {
            Some(stored) => {
                let arn = arn_of(cx.partition(), stored.account, &stored.path, &stored.name);
                Check::new(action, &arn).aws_resource_tags(&stored.tags)
            }
            None => Check::new(action, &arn_of(cx.partition(), cx.account(), &Path::root(), name)),
        };
        check.displayed_as(format!("instance profile {name}"))
    }

    fn no_such(name: &InstanceProfileName) -> IamError {
        IamError::new(ErrorCode::NoSuchEntity, format!("Instance Profile {name} cannot be found."))
    }
}

impl Tagged for InstanceProfile {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<Self>) -> Result<Self> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.retag_instance_profile(self, tags).await
    }
}

/// Creates an instance profile without a role in the caller's account.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags).
impl Handle<op::CreateInstanceProfile> for Directory {
    type Plan = InstanceProfile;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateInstanceProfileRequest) -> Result<Planned<Self::Plan>> {
        let profile = InstanceProfile {
            account: cx.account(),
            id: cx.new_id(IdKind::InstanceProfile),
            name: InstanceProfileName::parse(required(&req.instance_profile_name, "instanceProfileName")?)?,
            path: path_or_root(&req.path)?,
            created: cx.date(),
            tags: tags(KeyCase::Sensitive, &req.tags)?,
            role: None,
        };
        let arn = arn_of(cx.partition(), profile.account, &profile.path, &profile.name);
        let create = Check::new("iam:CreateInstanceProfile", &arn).request_tags(&profile.tags);
        let tag = Check::new("iam:TagInstanceProfile", &arn).request_tags(&profile.tags);
        let has_tags = !profile.tags.is_empty();
        Ok(Planned::new(profile).check(create).check_if(has_tags, tag))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        profile: InstanceProfile,
    ) -> Result<pb::CreateInstanceProfileResponse> {
        tx.create_instance_profile(&profile).await?;
        Ok(pb::CreateInstanceProfileResponse { instance_profile: Some(full(cx, tx, &profile).await?) })
    }
}

/// Shows an instance profile.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetInstanceProfile> for Directory {
    type Plan = Target<InstanceProfile>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetInstanceProfileRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.instance_profile_name, "iam:GetInstanceProfile").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, profile: Self::Plan) -> Result<pb::GetInstanceProfileResponse> {
        Ok(pb::GetInstanceProfileResponse { instance_profile: Some(full(cx, tx, &profile.get()?).await?) })
    }
}

/// Lists the instance profiles of the account by name, without tags.
impl Handle<op::ListInstanceProfiles> for Directory {
    type Plan = PathPage;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListInstanceProfilesRequest) -> Result<Planned<PathPage>> {
        let page = PathPage::new(req.path_prefix, req.marker, req.max_items);
        let check = check_list(cx, "iam:ListInstanceProfiles", "instance-profile", &page.prefix);
        Ok(Planned::new(page).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: PathPage) -> Result<pb::ListInstanceProfilesResponse> {
        let pages = plan.page.open(cx, "ListInstanceProfiles")?;
        let found = tx.list(cx.account(), &plan.prefix, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        Ok(pb::ListInstanceProfilesResponse {
            instance_profiles: summaries(cx, tx, &page.items).await?,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Lists the instance profiles that a role is in by name, without tags.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListInstanceProfilesForRole> for Directory {
    type Plan = (Target<Role>, PageRequest);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListInstanceProfilesForRoleRequest,
    ) -> Result<Planned<Self::Plan>> {
        let planned = Target::plan(cx, tx, &req.role_name, "iam:ListInstanceProfilesForRole").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (role, page): Self::Plan,
    ) -> Result<pb::ListInstanceProfilesForRoleResponse> {
        let pages = page.open(cx, "ListInstanceProfilesForRole")?;
        let role = role.get()?;
        let page = pages.answer(tx.list_instance_profiles_of(&role, pages.after(), pages.limit()).await?)?;
        Ok(pb::ListInstanceProfilesForRoleResponse {
            instance_profiles: summaries(cx, tx, &page.items).await?,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Adds a role to an instance profile. The caller passes the role to the machines that the profile is given to.
///
/// # Errors
/// `NoSuchEntity`, `UnmodifiableEntity` (role); `LimitExceeded` if the profile has a role.
impl Handle<op::AddRoleToInstanceProfile> for Directory {
    type Plan = (Target<InstanceProfile>, Target<Role>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::AddRoleToInstanceProfileRequest,
    ) -> Result<Planned<Self::Plan>> {
        let planned = Target::plan(cx, tx, &req.instance_profile_name, "iam:AddRoleToInstanceProfile").await?;
        let role = Target::<Role>::look_up(cx, tx, &req.role_name).await?;
        // No instance is named, so AWS's value has wildcards for region and id.
        let instances = format!("arn:{}:ec2:*:{}:instance/*", cx.partition().as_str(), cx.account());
        let pass = role
            .check(cx, "iam:PassRole")
            .displayed_as(role.absent_arn(cx).as_str())
            .key("iam:PassedToService", PASSED_TO)
            .key("iam:AssociatedResourceArn", instances);
        Ok(planned.with(role).check(pass))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (profile, role): Self::Plan,
    ) -> Result<pb::AddRoleToInstanceProfileResponse> {
        let (profile, role) = (profile.get()?, role.get_modifiable()?);
        tx.add_role_to_instance_profile(&profile, &role).await?;
        Ok(pb::AddRoleToInstanceProfileResponse {})
    }
}

/// Removes a role from an instance profile.
///
/// # Errors
/// `NoSuchEntity`, also for a role that is not in the profile; `UnmodifiableEntity` (role).
impl Handle<op::RemoveRoleFromInstanceProfile> for Directory {
    type Plan = (Target<InstanceProfile>, Target<Role>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::RemoveRoleFromInstanceProfileRequest,
    ) -> Result<Planned<Self::Plan>> {
        let planned = Target::plan(cx, tx, &req.instance_profile_name, "iam:RemoveRoleFromInstanceProfile").await?;
        Ok(planned.with(Target::<Role>::look_up(cx, tx, &req.role_name).await?))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (profile, role): Self::Plan,
    ) -> Result<pb::RemoveRoleFromInstanceProfileResponse> {
        let (profile, role) = (profile.get()?, role.get()?);
        if profile.role != Some(role.id) {
            let message = format!("Role {} in Instance Profile {} cannot be found.", role.name, profile.name);
            return Err(IamError::new(ErrorCode::NoSuchEntity, message));
        }
        role.modifiable()?;
        tx.remove_role_from_instance_profile(&profile, &role).await?;
        Ok(pb::RemoveRoleFromInstanceProfileResponse {})
    }
}

/// Deletes an instance profile that has no role.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` if it has a role.
impl Handle<op::DeleteInstanceProfile> for Directory {
    type Plan = Target<InstanceProfile>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteInstanceProfileRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.instance_profile_name, "iam:DeleteInstanceProfile").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, profile: Self::Plan) -> Result<pb::DeleteInstanceProfileResponse> {
        tx.delete_instance_profile(&profile.get()?).await?;
        Ok(pb::DeleteInstanceProfileResponse {})
    }
}

/// An instance profile with its tags, as CreateInstanceProfile and GetInstanceProfile show it.
async fn full(cx: &Cx, tx: &mut Tx, profile: &InstanceProfile) -> Result<pb::InstanceProfile> {
    Ok(pb::InstanceProfile { tags: view::tags(&profile.tags), ..summary(cx, tx, profile).await? })
}

/// Instance profiles as lists show them.
async fn summaries(cx: &Cx, tx: &mut Tx, profiles: &[InstanceProfile]) -> Result<Vec<pb::InstanceProfile>> {
    let mut shown = Vec::with_capacity(profiles.len());
    for profile in profiles {
        shown.push(summary(cx, tx, profile).await?);
    }
    Ok(shown)
}

/// All instance profiles that a role is in.
pub(crate) async fn profiles_of(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<Vec<pb::InstanceProfile>> {
    let found = tx.list_instance_profiles_of(role, None, usize::MAX).await?;
    summaries(cx, tx, &found.items).await
}

async fn summary(cx: &Cx, tx: &mut Tx, profile: &InstanceProfile) -> Result<pb::InstanceProfile> {
    let mut roles = Vec::new();
    if let Some(id) = &profile.role
        && let Some(role) = tx.find_by_id::<Role>(profile.account, id).await?
    {
        roles.push(view::role_base(cx, tx, &role).await?);
    }
    Ok(pb::InstanceProfile {
        path: Some(profile.path.to_string()),
        instance_profile_name: Some(profile.name.to_string()),
        instance_profile_id: Some(profile.id.to_string()),
        arn: Some(arn_of(cx.partition(), profile.account, &profile.path, &profile.name).to_string()),
        create_date: view::date(profile.created),
        roles,
        tags: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
