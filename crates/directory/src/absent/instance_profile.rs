//! Instance profiles: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListInstanceProfiles |req| Place::Account;
    list ListInstanceProfilesForRole |req| Place::Role(&req.role_name);
    get GetInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile RemoveRoleFromInstanceProfile
        ListInstanceProfileTags
        |req| named(&req.instance_profile_name) => |_, req| unknown(&req.instance_profile_name);
    tag TagInstanceProfile |req| named(&req.instance_profile_name) => |_, req| unknown(&req.instance_profile_name);
    untag UntagInstanceProfile |req| named(&req.instance_profile_name) => |_, req| unknown(&req.instance_profile_name);
}

fn named(name: &Option<String>) -> Place<'_> {
    Place::Named("instance-profile", "instanceProfileName", name)
}

fn unknown(name: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("Instance Profile {} cannot be found.", text(name)))
}
