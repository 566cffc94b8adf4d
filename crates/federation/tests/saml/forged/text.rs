//! Changed text, and what XML can do.

use super::{Attack, Row};

const ENTITIES: &str = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
                        <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>";

pub(super) fn text(attack: &Attack) -> Vec<Row> {
    let change = |from: &str, to: &str| {
        let changed = attack.assertion.replace(from, to);
        assert_ne!(changed, attack.assertion, "{from}");
        changed
    };
    vec![
        ("another name", change("alice@example.com", "mallory@example.com"), "Signature"),
        ("another session name", change(">alice<", ">root<"), "Signature"),
        (
            "an attribute more",
            change("<saml:AttributeStatement>", "<saml:AttributeStatement><saml:Attribute Name=\"x\"/>"),
            "Signature",
        ),
        ("white space in a value", change(">alice<", "> alice<"), "Signature"),
        (
            "another namespace of one element",
            change("<saml:Conditions", "<saml:Conditions xmlns:saml=\"urn:x\""),
            "Signature",
        ),
        ("a comment in a name", change("alice@example.com", "alice@example.com<!-- -->.evil.example"), "Layout"),
        ("a comment in the signed name", change("alice@example.com", "alice@<!-- x -->example.com"), "Layout"),
        ("a comment before the response", format!("<!-- x -->{}", attack.assertion), "Layout"),
        ("a document type", format!("<!DOCTYPE x>{}", attack.assertion), "Xml"),
        (
            "an external entity",
            format!("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>{}", change("alice@", "&e;@")),
            "Xml",
        ),
        (
            "an external document type",
            format!("<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'>{}", attack.assertion),
            "Xml",
        ),
        ("an entity bomb", format!("{ENTITIES}{}", change("alice@", "&c;@")), "Xml"),
        ("an undeclared entity", change("alice@", "&e;@"), "Xml"),
        ("a processing instruction", change("<samlp:Status>", "<?php x?><samlp:Status>"), "Xml"),
        ("an attribute twice", change("ID=\"_1\"", "ID=\"_1\" ID=\"_1\""), "Xml"),
        (
            "too deep",
            change("<samlp:Status>", &format!("{}{}<samlp:Status>", "<x>".repeat(100), "</x>".repeat(100))),
            "Xml",
        ),
        (
            // Its canonical text would be 160 times as long. It is made before the signature is verified.
            "a namespace that many elements of the signature repeat",
            change("<ds:SignedInfo>", &format!("<ds:SignedInfo>{}", "<a:x/>".repeat(1_000)))
                .replace("<samlp:Response ", &format!("<samlp:Response xmlns:a=\"{}\" ", "u".repeat(1_000))),
            "Xml",
        ),
        ("cut off", attack.assertion[..attack.assertion.len() - 20].to_owned(), "Xml"),
        ("two documents", format!("{0}{0}", attack.assertion), "Xml"),
        ("not XML", "alice".to_owned(), "Xml"),
        ("another version of XML", format!("<?xml version=\"1.1\"?>{}", attack.assertion), "Xml"),
    ]
}
