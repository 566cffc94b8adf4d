//! Users, groups, roles and what belongs to them: memberships and tags.

mod group;
mod membership;
pub(crate) mod role;
mod tags;
mod user;
