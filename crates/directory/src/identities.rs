//! Users, groups, roles and what belongs to them: memberships and tags.

mod group;
mod membership;
mod rename;
pub(crate) mod role;
mod service_linked_role;
mod tags;
mod user;

pub(crate) use tags::Tagged;
