//! AWS's exceptions to "what nothing allows is denied". There are no others.

/// Why an action needs no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// Succeeds for every authenticated caller, whatever policies say.
    Always,
    /// Allowed to a user on himself, unless denied, where the account's password policy lets users change their own
    /// passwords. [`crate::decide`] does not know that setting: who does, asks [`of`] after an implicit deny.
    OwnPassword,
}

/// The list: actions in lower case.
pub const LIST: &[(&str, Exception)] = &[
    ("sts:getcalleridentity", Exception::Always),
    ("sts:getsessiontoken", Exception::Always),
    ("iam:changepassword", Exception::OwnPassword),
    ("iam:getaccountpasswordpolicy", Exception::OwnPassword),
];

/// The exception for an action, if there is one.
#[must_use]
pub fn of(action: &str) -> Option<Exception> {
    LIST.iter().find(|(name, _)| name.eq_ignore_ascii_case(action)).map(|(_, exception)| *exception)
}
