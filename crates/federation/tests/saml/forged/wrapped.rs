//! An assertion of the attacker, and the signed one somewhere else.

use super::{Attack, Row};

pub(super) fn wrapped(attack: &Attack) -> Vec<Row> {
    let Attack { evil, signed, .. } = attack;
    let signature = attack.signature();
    let unsigned = attack.text.text();
    let object =
        |part: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{part}</ds:Object></ds:Signature>"));
    let extensions = |part: &str| {
        let status = "<samlp:Status>";
        attack.around(evil).replacen(status, &format!("<samlp:Extensions>{part}</samlp:Extensions>{status}"), 1)
    };
    let in_key_info = signature.replace("</ds:KeyInfo>", &format!("{unsigned}</ds:KeyInfo>"));
    vec![
        ("wrapping: the signed assertion after", attack.around(&format!("{evil}{signed}")), "Layout"),
        ("wrapping: the signed assertion before", attack.around(&format!("{signed}{evil}")), "Layout"),
        ("wrapping: in the evil assertion", attack.around(&attack.evil_with(signed)), "Layout"),
        (
            "wrapping: the evil one in the signed one",
            attack.around(&signed.replace("<saml:Subject>", &format!("{evil}<saml:Subject>"))),
            "Layout",
        ),
        ("wrapping: in the signature's Object", attack.around(&attack.evil_with(&object(&unsigned))), "Layout"),
        ("wrapping: in KeyInfo", attack.around(&attack.evil_with(&in_key_info)), "Layout"),
        ("wrapping: in Extensions", extensions(signed), "Layout"),
        (
            "wrapping: in Status",
            attack.around(evil).replace(
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{signed}</samlp:StatusDetail></samlp:Status>"),
            ),
            "Layout",
        ),
        (
            "wrapping: in an attribute",
            attack.around(&evil.replace("mallory</saml:AttributeValue>", &format!("{signed}</saml:AttributeValue>"))),
            "Layout",
        ),
        (
            "wrapping: in Advice",
            attack.around(
                &evil.replace(
                    "<saml:AuthnStatement",
                    &format!("<saml:Advice>{signed}</saml:Advice><saml:AuthnStatement"),
                ),
            ),
            "Layout",
        ),
        (
            "wrapping: the signed response in a response",
            attack.around(evil).replace(
                "</samlp:Status>",
                &format!("</samlp:Status>{}", attack.response.replace("_response", "_inner")),
            ),
            "Layout",
        ),
        (
            "wrapping: the signed response in Extensions",
            extensions(&attack.response.replace("ID=\"_response\"", "ID=\"_x\"")),
            "Layout",
        ),
        (
            "wrapping: the response's signature with the signed response in its Object",
            {
                let (head, tail) = attack.response.split_once("<ds:Signature ").unwrap();
                let (own, rest) = tail.split_once("</ds:Signature>").unwrap();
                let original = format!("{head}{rest}");
                let object = format!("<ds:Signature {own}<ds:Object>{original}</ds:Object></ds:Signature>");
                let outer = attack.around(evil).replace("_response", "_outer");
                outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{object}"), 1)
            },
            "Layout",
        ),
        (
            "two assertions, both signed",
            attack.around(&format!("{signed}{}", attack.idp.sign(evil, "_evil"))),
            "Layout",
        ),
        (
            "an assertion beside an encrypted one",
            attack.around(&format!(
                "{signed}<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"
            )),
            "Layout",
        ),
        ("the assertion in an unknown element", attack.around(&format!("<x>{signed}</x>")), "Layout"),
        ("the signature beside the assertion", attack.around(&format!("{signature}{evil}")), "SignatureForm"),
        (
            "the signature in the Subject",
            attack.around(&evil.replace("<saml:Subject>", &format!("<saml:Subject>{signature}"))),
            "Layout",
        ),
        (
            "two signatures of one element",
            attack.around(&signed.replace(signature, &format!("{signature}{signature}"))),
            "Layout",
        ),
        ("an assertion without a response", signed.clone(), "Layout"),
        ("no assertion", attack.around(""), "Layout"),
    ]
}
