use bailiwick_federation::{NameId, SamlAssertion};
use jiff::Timestamp;

use super::*;

/// An assertion with these values of the attribute `Role`.
fn with_roles(roles: &[&str]) -> SamlAssertion {
    let attribute = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        (format!("https://aws.amazon.com/SAML/Attributes/{name}"), values)
    };
    SamlAssertion {
        id: "_1".to_owned(),
        expires: Timestamp::UNIX_EPOCH,
        issuer: "urn:idp".to_owned(),
        recipient: "https://signin.aws.amazon.com/saml".to_owned(),
        subject: NameId { value: "alice".to_owned(), format: None },
        session_ends: None,
        attributes: vec![attribute("RoleSessionName", &["alice"]), attribute("Role", roles)],
    }
}

#[test]
fn roles_are_named_with_their_provider() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/dev,ops";
    const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/idp";
    let allows = |values: &[&str]| Attributes::read(&with_roles(values)).unwrap().allow(ROLE, PROVIDER);
    for value in [
        format!("{ROLE},{PROVIDER}"),
        format!("{PROVIDER},{ROLE}"),
        format!("\n  {ROLE} ,\n  {PROVIDER}\n"),
        format!(" {PROVIDER} , {ROLE} "),
    ] {
        assert!(allows(&[&value]) && allows(&["", "x,y", &value]), "{value}");
    }
    for value in [
        String::new(),
        ",".to_owned(),
        ROLE.to_owned(),
        format!("{ROLE},"),
        format!("{ROLE}{PROVIDER}"),
        format!("{ROLE} {PROVIDER}"),
        format!("{ROLE},,{PROVIDER}"),
        format!("{ROLE},{ROLE}"),
        format!("{PROVIDER},{PROVIDER}"),
        format!("x{ROLE},{PROVIDER}"),
        format!("{ROLE}x,{PROVIDER}"),
        format!("{ROLE},{PROVIDER}x"),
        format!("{ROLE},{PROVIDER},x"),
        format!("{PROVIDER},{ROLE},x"),
        format!("{PROVIDER},{ROLE}x"),
        format!("{ROLE},x,{PROVIDER}"),
        format!("{},{PROVIDER}", ROLE.to_uppercase()),
        format!("arn:aws:iam::111122223333:role/dev,{PROVIDER}"),
        format!("{ROLE}\u{ff0c}{PROVIDER}"),
    ] {
        assert!(!allows(&[&value]), "{value}");
    }
    // A role in one value and its provider in another are refused.
    assert!(!allows(&[ROLE, PROVIDER]) && !allows(&[&format!("{ROLE},"), PROVIDER]));
}
