//! Instance profiles, which the file has with the roles.

use bailiwick_api::iam as pb;

use super::super::identity::path;
use super::super::step::{Call, Step};
use super::{Object, Phase, Planner, Verdict};

impl Planner<'_> {
    /// Compares the instance profiles of all roles.
    pub(super) fn profiles(&self) -> Vec<Object> {
        let roles = self.file.roles.iter();
        roles.flat_map(|role| role.instance_profile_list.iter().map(|profile| self.profile(role, profile))).collect()
    }

    fn profile(&self, role: &pb::RoleDetail, profile: &pb::InstanceProfile) -> Object {
        let name = profile.instance_profile_name.clone().unwrap_or_default();
        let role_name = role.role_name.clone().unwrap_or_default();
        let mut object = Object::new(Phase::InstanceProfiles, format!("instance-profile/{name}"), Verdict::Equal);
        object.needs = vec![format!("role/{role_name}")];
        let add = |role: &str| {
            let (instance_profile_name, role_name) = (Some(name.clone()), Some(role.to_owned()));
            Call::AddRoleToInstanceProfile(pb::AddRoleToInstanceProfileRequest { instance_profile_name, role_name })
        };
        let remove = |role: &str| {
            let (instance_profile_name, role_name) = (Some(name.clone()), Some(role.to_owned()));
            let request = pb::RemoveRoleFromInstanceProfileRequest { instance_profile_name, role_name };
            Call::RemoveRoleFromInstanceProfile(request)
        };
        let added = Step::new(format!("add role/{role_name}"), add(&role_name), [remove(&role_name)]);
        let wanted_path = path(profile.path.as_deref());
        let Some(old) = self.state.profiles.get(&name.to_lowercase()) else {
            let create = Call::CreateInstanceProfile(pb::CreateInstanceProfileRequest {
                instance_profile_name: Some(name.clone()),
                path: Some(wanted_path),
                tags: profile.tags.clone(),
            });
            let delete = Call::DeleteInstanceProfile(pb::DeleteInstanceProfileRequest {
                instance_profile_name: Some(name.clone()),
            });
            object.verdict = Verdict::Create;
            object.steps = vec![Step::new("create it", create, [delete]), added];
            return object;
        };
        let old_path = path(old.path.as_deref());
        let old_roles: Vec<String> = old.roles.iter().filter_map(|role| role.role_name.clone()).collect();
        if old_path != wanted_path {
            object.block(vec![format!("the account has it with path `{old_path}`, the file with `{wanted_path}`")]);
        } else if !old_roles.iter().any(|old| old.eq_ignore_ascii_case(&role_name)) {
            if self.keep_existing {
                object.verdict = Verdict::Keep("the account has it with another role".into());
                return object;
            }
            object.verdict = Verdict::Change;
            for old in &old_roles {
                object.steps.push(Step::new(format!("remove role/{old}"), remove(old), [add(old)]));
            }
            object.steps.push(added);
        }
        object
    }
}
