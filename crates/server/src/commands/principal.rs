//! The principal that a report is about.

use bailiwick_model::Arn;

/// Reads the ARN of a user or role. The server compares its account.
pub(super) fn principal(text: &str) -> Result<String, String> {
    let is_principal = Arn::parse(text)
        .is_ok_and(|arn| arn.service() == "iam" && matches!(arn.typed_resource(), Some(("user" | "role", ..))));
    if is_principal {
        return Ok(text.to_owned());
    }
    Err("expected the ARN of a user or role, such as arn:aws:iam::111122223333:user/alice".to_owned())
}

/// Reads the ARN of a user, a role or the root user of an account.
pub(super) fn principal_or_root(text: &str) -> Result<String, String> {
    let is_root = Arn::parse(text).is_ok_and(|arn| arn.service() == "iam" && arn.resource() == "root");
    let expected = || {
        "expected the ARN of a user, a role or the root user, such as arn:aws:iam::111122223333:user/alice".to_owned()
    };
    if is_root { Ok(text.to_owned()) } else { principal(text).map_err(|_| expected()) }
}

#[cfg(test)]
mod tests {
    use super::{principal, principal_or_root};

    #[test]
    fn principals_are_users_and_roles() {
        for text in ["arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:role/ci/deploy"] {
            assert_eq!(principal(text).as_deref(), Ok(text));
        }
        let others = ["", "bob", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:group/staff"];
        for text in others.into_iter().chain(["arn:aws:sts::111122223333:assumed-role/ci/x"]) {
            assert!(principal(text).unwrap_err().contains("ARN of a user or role"), "{text}");
            assert_eq!(principal_or_root(text).is_ok(), text.ends_with(":root"), "{text}");
        }
    }
}
