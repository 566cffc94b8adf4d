//! Signed by the provider, but not for this deployment or not for now.

use jiff::SignedDuration;

use super::super::valid::now;
use super::{Attack, Row};
use crate::idp::{AUDIENCE, AssertionText, ENDPOINT};

pub(super) fn conditions(attack: &Attack) -> Vec<Row> {
    let at = |seconds| (now() + SignedDuration::from_secs(seconds)).to_string();
    let signed = |change: fn(&mut AssertionText)| attack.signed(change);
    let set = |change: &dyn Fn(&mut AssertionText)| attack.signed(|text| change(text));
    let restriction = |audience: &str| {
        format!("<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>")
    };
    let envelope = |from: &str, to: &str| {
        let changed = attack.assertion.replacen(from, to, 1);
        assert_ne!(changed, attack.assertion, "{from}");
        changed
    };
    vec![
        ("expired", set(&|text| text.until = at(-61)), "Expired"),
        ("issued long ago", set(&|text| text.issued = at(-361)), "Old"),
        ("issued in the future", set(&|text| text.issued = at(61)), "NotYet"),
        ("too early", set(&|text| text.from = at(61)), "NotYet"),
        (
            "too early for the confirmation",
            set(&|text| text.confirmation = format!(" NotBefore=\"{}\"", at(61))),
            "NotYet",
        ),
        (
            "the session at the provider is over",
            set(&|text| text.authentication = format!(" SessionNotOnOrAfter=\"{}\"", at(0))),
            "Expired",
        ),
        ("not a time", signed(|text| text.until = "tomorrow".into()), "Layout"),
        ("another audience", set(&|text| text.conditions = restriction("urn:other")), "Audience"),
        (
            "an audience that starts like ours",
            set(&|text| text.conditions = restriction(&format!("{AUDIENCE}.evil"))),
            "Audience",
        ),
        ("no audience", signed(|text| text.conditions = String::new()), "Audience"),
        (
            "a second restriction for others",
            set(&|text| text.conditions = restriction(AUDIENCE) + &restriction("urn:other")),
            "Audience",
        ),
        (
            "an unknown condition",
            set(&|text| text.conditions = restriction(AUDIENCE) + "<saml:Condition></saml:Condition>"),
            "Condition",
        ),
        ("another recipient", signed(|text| text.recipient = "https://other.example.com/saml".into()), "Recipient"),
        (
            "a recipient that starts like ours",
            set(&|text| text.recipient = format!("{ENDPOINT}.evil.example")),
            "Recipient",
        ),
        (
            "another destination",
            envelope(&format!("Destination=\"{ENDPOINT}\""), "Destination=\"https://other.example.com\""),
            "Recipient",
        ),
        ("in response to a request", signed(|text| text.confirmation = " InResponseTo=\"_r\"".into()), "InResponseTo"),
        (
            "a response to a request",
            envelope("ID=\"_response\"", "ID=\"_response\" InResponseTo=\"_r\""),
            "InResponseTo",
        ),
        ("another issuer", signed(|text| text.issuer = "urn:other".into()), "Issuer"),
        ("another issuer of the response", envelope("urn:idp", "urn:other"), "Issuer"),
        ("a failed status", envelope("status:Success", "status:Responder"), "Rejected"),
        (
            "no status",
            envelope("samlp:StatusCode Value", "samlp:Code Value").replace("</samlp:StatusCode", "</samlp:Code"),
            "Layout",
        ),
        ("two names", signed(|text| text.name_id = text.name_id.repeat(2)), "Layout"),
        ("no name", signed(|text| text.name_id = String::new()), "Layout"),
        (
            "a name with an element in it",
            signed(|text| text.name_id = "<saml:NameID>alice<x></x></saml:NameID>".into()),
            "Layout",
        ),
        ("a space before a name", signed(|text| text.name_id = "<saml:NameID> alice</saml:NameID>".into()), "Layout"),
        (
            "a no-break space after a name",
            signed(|text| text.name_id = "<saml:NameID>alice\u{a0}</saml:NameID>".into()),
            "Layout",
        ),
        ("a name of white space", signed(|text| text.name_id = "<saml:NameID> </saml:NameID>".into()), "Layout"),
        ("an encrypted name", signed(|text| text.name_id = "<saml:EncryptedID></saml:EncryptedID>".into()), "Layout"),
        ("a value with an element in it", signed(|text| text.attributes[0].1[0] = "alice<x></x>".into()), "Layout"),
        (
            "another method of confirmation",
            {
                let text = attack.text.text().replace("cm:bearer", "cm:sender-vouches");
                attack.around(&attack.idp.sign(&text, "_1"))
            },
            "Layout",
        ),
        (
            "two confirmations",
            {
                let (head, rest) = attack
                    .text
                    .text()
                    .split_once("<saml:SubjectConfirmation ")
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .unwrap();
                let (one, tail) = rest.split_once("</saml:SubjectConfirmation>").unwrap();
                let one = format!("<saml:SubjectConfirmation {one}</saml:SubjectConfirmation>");
                attack.around(&attack.idp.sign(&format!("{head}{one}{one}{tail}"), "_1"))
            },
            "Layout",
        ),
        (
            "SAML 1.1",
            {
                let text = attack.text.text().replace("Version=\"2.0\"", "Version=\"1.1\"");
                attack.around(&attack.idp.sign(&text, "_1"))
            },
            "Layout",
        ),
        (
            "without AuthnStatement",
            {
                let text = attack.text.text().replace("saml:AuthnStatement", "saml:Statement");
                attack.around(&attack.idp.sign(&text, "_1"))
            },
            "Layout",
        ),
    ]
}
