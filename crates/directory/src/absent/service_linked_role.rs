//! Roles that are linked to services: there are none.

use super::{Place, absent, missing, text};

absent! {
    get DeleteServiceLinkedRole |req| Place::Role(&req.role_name) => |_, req| {
        missing(format!("The service-linked role with name {} cannot be found.", text(&req.role_name)))
    };
    get GetServiceLinkedRoleDeletionStatus |req| Place::DeletionTask(&req.deletion_task_id) => |_, req| {
        missing(format!("The deletion task with id {} cannot be found.", text(&req.deletion_task_id)))
    };
}
