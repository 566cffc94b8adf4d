//! Users, groups, roles, instance profiles, and what belongs to them: memberships and tags.

mod group;
pub(crate) mod instance_profile;
mod membership;
mod rename;
pub(crate) mod role;
mod role_template;
mod service_linked_role;
pub(crate) mod tags;
mod user;

pub(crate) use tags::Tagged;
