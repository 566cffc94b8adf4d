//! Role templates: there are none.

use super::{Place, absent, missing, text};

absent! {
    get GetRoleTemplateVersion |req| Place::Account => |_, req| {
        missing(format!("The role template {} cannot be found.", text(&req.template_arn)))
    };
}
