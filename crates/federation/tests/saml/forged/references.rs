//! Ids and references.

use super::{Attack, Row};

pub(super) fn references(attack: &Attack) -> Vec<Row> {
    let signature = attack.signature();
    let evil = |part: &str| attack.around(&attack.evil_with(part));
    vec![
        ("the signature moved to another assertion", evil(signature), "SignatureForm"),
        ("the signature moved, and the id taken over", evil(signature).replace("_evil", "_1"), "Signature"),
        (
            "an id twice",
            attack.around(
                &attack
                    .evil_with(signature)
                    .replace("_evil", "_1")
                    .replace("<saml:Subject>", "<saml:Subject ID=\"_1\">"),
            ),
            "Xml",
        ),
        ("an id twice, once as Id", attack.assertion.replace("<samlp:Status>", "<samlp:Status Id=\"_1\">"), "Xml"),
        ("a digest of another element", attack.info("URI=\"#_1\"", "URI=\"#_response\""), "SignatureForm"),
        ("a reference to the whole document", attack.info("URI=\"#_1\"", "URI=\"\""), "SignatureForm"),
        ("no reference", attack.info(" URI=\"#_1\"", ""), "SignatureForm"),
        ("an XPointer", attack.info("URI=\"#_1\"", "URI=\"#xpointer(id('_1'))\""), "SignatureForm"),
        ("a reference to an address", attack.info("URI=\"#_1\"", "URI=\"http://127.0.0.1/\""), "SignatureForm"),
        (
            "two references",
            attack.info("</ds:Reference>", "</ds:Reference><ds:Reference URI=\"#_1\"></ds:Reference>"),
            "SignatureForm",
        ),
        (
            "an empty id",
            attack.around(&attack.idp.sign(&attack.text.text().replace("ID=\"_1\"", "ID=\"\""), "")),
            "SignatureForm",
        ),
        ("the id in another case", attack.assertion.replace(" ID=\"_1\"", " Id=\"_1\""), "SignatureForm"),
    ]
}
