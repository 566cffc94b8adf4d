//! Names of users, groups, roles, policies and sessions.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A text is not a valid name. The message says what was expected and never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: expected {expected}")]
pub struct NameError {
    what: &'static str,
    expected: &'static str,
}

impl NameError {
    /// Creates the error for a value called `what`, which must be `expected`.
    pub const fn new(what: &'static str, expected: &'static str) -> Self {
        NameError { what, expected }
    }

    /// What was parsed, as in `user name`.
    pub const fn what(self) -> &'static str {
        self.what
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        ///
        /// The case is preserved. Equality, order and hash ignore ASCII case, since names are unique without regard to
        /// case.
        #[derive(Clone)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses letters, digits and `_+=,.@-`.
            ///
            /// # Errors
            /// Returned for a text that is too short, too long, or has another character.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if ($min..=$max).contains(&text.len()) && text.bytes().all(is_name_byte) {
                    Ok($name(text.into()))
                } else {
                    Err(NameError::new(
                        $what,
                        concat!(stringify!($min), " to ", stringify!($max), " letters, digits and the characters _+=,.@-"),
                    ))
                }
            }

            /// The name in the case it was made with.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form that names are compared and found by: ASCII lower case.
            pub fn key(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for b in self.0.bytes() {
                    state.write_u8(b.to_ascii_lowercase());
                }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                let lower = |s: &str| s.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
                lower(&self.0).cmp(&lower(&other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

name_type!(
    /// The name of a user. At most 64 characters when made; AWS looks up names of up to 128.
    UserName, "user name", 1..=128
);
name_type!(
    /// The name of a group.
    GroupName, "group name", 1..=128
);
name_type!(
    /// The name of a role.
    RoleName, "role name", 1..=64
);
name_type!(
    /// The name of a managed or an inline policy.
    PolicyName, "policy name", 1..=128
);
name_type!(
    /// The name of an instance profile.
    InstanceProfileName, "instance profile name", 1..=128
);
name_type!(
    /// The name of a server certificate.
    ServerCertificateName, "server certificate name", 1..=128
);
name_type!(
    /// The name of a virtual MFA device. AWS's serial number, which contains path and name, has at most 256 characters.
    MfaDeviceName, "virtual MFA device name", 1..=226
);

/// The name of a role session, chosen by the caller of AssumeRole. Comparison is case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName(Box<str>);

impl SessionName {
    /// Parses 2 to 64 letters, digits and `_+=,.@-`.
    ///
    /// # Errors
    /// Returned for a text of any other form.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if (2..=64).contains(&text.len()) && text.bytes().all(is_name_byte) {
            Ok(SessionName(text.into()))
        } else {
            Err(NameError::new("session name", "2 to 64 letters, digits and the characters _+=,.@-"))
        }
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SessionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_preserve_it() {
        let (a, b) = (UserName::parse("Bob").unwrap(), UserName::parse("BOB").unwrap());
        assert_eq!(a, b);
        assert_eq!(a.key(), b.key());
        assert_eq!(a.as_str(), "Bob");
    }

    #[test]
    fn names_accept_only_the_characters_of_aws() {
        for good in ["a", "A_b+c=d,e.f@g-h", &"x".repeat(128)] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "a:b", "a*", "ä", "a\n", "a\0", &"x".repeat(129)] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SessionName::parse("x").is_err());
        assert_ne!(SessionName::parse("ab").unwrap(), SessionName::parse("AB").unwrap());
    }
}
