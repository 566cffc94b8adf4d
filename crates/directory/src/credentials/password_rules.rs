//! What a new password must be like: the account's password policy, or AWS's default policy.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_seal::SecretString;
use bailiwick_storage::{Account, PasswordPolicy};

/// The minimum length of the default policy.
const DEFAULT_LENGTH: usize = 8;
/// The number of kinds of character that the default policy requires.
const DEFAULT_KINDS: usize = 3;
/// The symbols of AWS.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// A kind of character, and whether a policy requires it.
struct Class {
    contains: fn(char) -> bool,
    required: fn(&PasswordPolicy) -> bool,
    message: &'static str,
}

const CLASSES: [Class; 4] = [
    Class {
        contains: |c| c.is_ascii_uppercase(),
        required: |policy| policy.require_uppercase,
        message: "Password should have at least one uppercase letter",
    },
    Class {
        contains: |c| c.is_ascii_lowercase(),
        required: |policy| policy.require_lowercase,
        message: "Password should have at least one lowercase letter",
    },
    Class {
        contains: |c| c.is_ascii_digit(),
        required: |policy| policy.require_numbers,
        message: "Password should have at least one number",
    },
    Class {
        contains: |c| SYMBOLS.contains(c),
        required: |policy| policy.require_symbols,
        message: "Password should have at least one symbol",
    },
];

/// Checks length and characters of a new password. Former passwords are compared elsewhere, since that is slow.
///
/// # Errors
/// `PasswordPolicyViolation`, in AWS's words.
pub fn check(policy: Option<&PasswordPolicy>, account: &Account, password: &SecretString) -> Result<()> {
    let password = password.expose();
    let minimum = policy.map_or(DEFAULT_LENGTH, |policy| policy.minimum_length as usize);
    if password.chars().count() < minimum {
        return Err(violation(format!("Password should have a minimum length of {minimum}")));
    }
    let missing = |class: &&Class| !password.chars().any(class.contains);
    let messages = |classes: Vec<&Class>| classes.iter().map(|class| class.message).collect::<Vec<_>>().join(", ");
    let Some(policy) = policy else {
        let missing: Vec<&Class> = CLASSES.iter().filter(missing).collect();
        let allowed = CLASSES.len() - DEFAULT_KINDS;
        if missing.len() > allowed {
            let more = missing.len() - allowed;
            return Err(violation(format!(
                "Password should meet {more} more of the following requirements: {}",
                messages(missing)
            )));
        }
        let names = [Some(account.name.as_str()), Some(&account.email), account.alias.as_ref().map(|a| a.as_str())];
        if names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(password)) {
            return Err(does_not_conform());
        }
        return Ok(());
    };
    let missing: Vec<&Class> = CLASSES.iter().filter(|class| (class.required)(policy)).filter(missing).collect();
    if missing.is_empty() { Ok(()) } else { Err(violation(messages(missing))) }
}

/// The violation of a policy whose details are not shown: a former password.
pub(crate) fn does_not_conform() -> IamError {
    violation("Password does not conform to the account password policy.".into())
}

fn violation(message: String) -> IamError {
    IamError::new(ErrorCode::PasswordPolicyViolation, message)
}

#[cfg(test)]
mod tests;
