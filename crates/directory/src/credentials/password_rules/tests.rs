use bailiwick_model::{AccountAlias, AccountId};
use bailiwick_storage::AccountState;
use jiff::Timestamp;

use super::*;

fn account() -> Account {
    Account {
        id: AccountId::from_number(111_122_223_333).unwrap(),
        name: "Heron Pond 1".into(),
        email: "Owner1@pond.example".into(),
        state: AccountState::Active,
        created: Timestamp::UNIX_EPOCH,
        management: true,
        alias: Some(AccountAlias::parse("heron-pond-1x").unwrap()),
        role_name: None,
        state_changed: None,
        sessions_valid_after: None,
    }
}

/// A policy without requirements but this minimum length.
fn length(minimum_length: u32) -> PasswordPolicy {
    PasswordPolicy {
        minimum_length,
        require_symbols: false,
        require_numbers: false,
        require_uppercase: false,
        require_lowercase: false,
        allow_users_to_change: false,
        max_age_days: None,
        reuse_prevention: None,
        hard_expiry: None,
    }
}

/// Asserts the message of a violation; none is expected to be fine.
fn check_password(policy: Option<&PasswordPolicy>, password: &str, expected: &str) {
    let result = check(policy, &account(), &SecretString::from(password.to_owned()));
    let message = result.as_ref().err().map_or("", IamError::message);
    assert_eq!(message, expected, "{password}");
    assert!(result.is_ok() || result.is_err_and(|error| error.code() == ErrorCode::PasswordPolicyViolation));
}

#[test]
fn the_default_policy_requires_three_kinds_of_character() {
    let (upper, lower) =
        ("Password should have at least one uppercase letter", "Password should have at least one lowercase letter");
    let (number, symbol) = ("Password should have at least one number", "Password should have at least one symbol");
    let more = |count: usize, missing: &[&str]| {
        format!("Password should meet {count} more of the following requirements: {}", missing.join(", "))
    };
    for (password, expected) in [
        ("Aa1aaaa", "Password should have a minimum length of 8".to_owned()),
        ("Aa1aaaaa", String::new()),
        ("Aa|aaaaa", String::new()),
        ("a1'aaaaa", String::new()),
        ("A1]AAAAA", String::new()),
        ("a1aaaaaa", more(1, &[upper, symbol])),
        ("aaaaaaaa", more(2, &[upper, number, symbol])),
        ("        ", more(3, &[upper, lower, number, symbol])),
        // Neither a letter beyond ASCII nor a sign that AWS does not list counts.
        ("Äaaaaaa1", more(1, &[upper, symbol])),
        ("aaaaaa1;", more(1, &[upper, symbol])),
        ("Aa1öööö", "Password should have a minimum length of 8".to_owned()),
        ("Aa1ööööö", String::new()),
    ] {
        check_password(None, password, &expected);
    }
}

#[test]
fn the_default_policy_refuses_the_name_of_the_account() {
    let refused = "Password does not conform to the account password policy.";
    for (password, expected) in
        [("owner1@POND.example", refused), ("heron-Pond-1x", refused), ("Heron pond 1", refused), ("Heron pond 12", "")]
    {
        check_password(None, password, expected);
    }
    check_password(Some(&length(6)), "Heron Pond 1", "");
}

#[test]
fn a_policy_replaces_the_default() {
    check_password(Some(&length(6)), "aaaaaa", "");
    check_password(Some(&length(6)), "aaaaa", "Password should have a minimum length of 6");
    check_password(Some(&length(128)), &"a".repeat(127), "Password should have a minimum length of 128");
    for (policy, good, bad, expected) in [
        (
            PasswordPolicy { require_uppercase: true, ..length(6) },
            "aaaaaA",
            "aaaa1!",
            "Password should have at least one uppercase letter",
        ),
        (
            PasswordPolicy { require_lowercase: true, ..length(6) },
            "AAAAAa",
            "AAAA1!",
            "Password should have at least one lowercase letter",
        ),
        (
            PasswordPolicy { require_numbers: true, ..length(6) },
            "aaaaa0",
            "aaaaA!",
            "Password should have at least one number",
        ),
        (
            PasswordPolicy { require_symbols: true, ..length(6) },
            "aaaaa_",
            "aaaaA1",
            "Password should have at least one symbol",
        ),
        (
            PasswordPolicy { require_symbols: true, require_numbers: true, ..length(6) },
            "aaaa1_",
            "aaaaaA",
            "Password should have at least one number, Password should have at least one symbol",
        ),
    ] {
        check_password(Some(&policy), good, "");
        check_password(Some(&policy), bad, expected);
    }
}
