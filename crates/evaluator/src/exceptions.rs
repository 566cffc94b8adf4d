//! The actions that AWS permits without a policy that allows them, and those of Bailiwick.

/// The reason why an action needs no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exception {
    /// Succeeds for every authenticated caller, whatever policies say.
    Always,
    /// Allowed to users for themselves, unless denied, if the password policy of the account lets users change their
    /// own passwords. [`crate::decide`] does not know that setting: the caller applies [`of`] after an implicit deny.
    OwnPassword,
}

/// The list: actions in lower case.
pub const LIST: &[(&str, Exception)] = &[
    ("sts:getcalleridentity", Exception::Always),
    ("sts:getsessiontoken", Exception::Always),
    ("iam:changepassword", Exception::OwnPassword),
    ("iam:getaccountpasswordpolicy", Exception::OwnPassword),
    ("bailiwick:explaindenial", Exception::Always),
    ("bailiwick:getsignincredentials", Exception::Always),
    ("bailiwick:signout", Exception::Always),
];

/// The exception for an action, if there is one.
#[must_use]
pub fn of(action: &str) -> Option<Exception> {
    // Their services have three letters, or nine as `bailiwick`, so other actions cost two comparisons.
    let bytes = action.as_bytes();
    if bytes.get(3) != Some(&b':') && bytes.get(9) != Some(&b':') {
        return None;
    }
    LIST.iter().find(|(name, _)| name.eq_ignore_ascii_case(action)).map(|(_, exception)| *exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_in_any_case() {
        for (action, exception) in LIST {
            assert_eq!(of(action), Some(*exception));
            assert_eq!(of(&action.to_uppercase()), Some(*exception));
            assert_eq!(of(&format!("{action}s")), None);
        }
        assert_eq!(of("sts:AssumeRole"), None);
        assert_eq!(of(""), None);
    }
}
