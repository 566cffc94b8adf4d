//! The account's password policy: there is none.

use super::{Place, absent, missing};

absent! {
    get GetAccountPasswordPolicy |req| Place::Account => |cx, _| {
        missing(format!("The Password Policy with domain name {} cannot be found.", cx.account()))
    };
    get DeleteAccountPasswordPolicy |req| Place::Account => |_, _| {
        missing("The account policy with name PasswordPolicy cannot be found.".into())
    };
}
