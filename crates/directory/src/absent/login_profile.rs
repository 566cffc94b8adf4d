//! Passwords of users: there are none.

use bailiwick_model::{ErrorCode, IamError};
use bailiwick_operation::Cx;

use super::{Place, absent, missing};

absent! {
    get GetLoginProfile UpdateLoginProfile DeleteLoginProfile
        |req| Place::User(&req.user_name) => |cx, req| unknown(cx, &req.user_name);
    get ChangePassword |req| Place::User(&None) => |cx, _| match cx.caller().user() {
        Some(_) => unknown(cx, &None),
        None => IamError::new(ErrorCode::InvalidUserType, "Only IAM Users can change their own password"),
    };
}

/// The user that is named, or the caller.
fn unknown(cx: &Cx, name: &Option<String>) -> IamError {
    let caller = || cx.caller().user().map_or("root".to_owned(), |(_, name)| name.to_string());
    missing(format!("Login Profile for User {} cannot be found.", name.clone().unwrap_or_else(caller)))
}
