//! Algorithms, transforms and keys.

use super::{Attack, DS, Row};
use crate::idp::{RSA_SHA256, Signed};

pub(super) fn algorithms(attack: &Attack) -> Vec<Row> {
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let transform = |uri: &str| format!("<ds:Transforms><ds:Transform Algorithm=\"{uri}\"></ds:Transform>");
    let evil = attack.text.text().replace("alice", "mallory");
    vec![
        ("RSA with SHA-1", attack.info(RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "SignatureForm"),
        (
            "a digest of SHA-1",
            attack.info("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
            "SignatureForm",
        ),
        (
            "a digest of MD5",
            attack.info("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#md5"),
            "SignatureForm",
        ),
        ("ECDSA with an RSA key", attack.info("rsa-sha256", "ecdsa-sha256"), "Signature"),
        ("another hash than that of the signature", attack.info("rsa-sha256", "rsa-sha512"), "Signature"),
        ("HMAC with the public key", attack.with_hmac(), "SignatureForm"),
        ("no algorithm", attack.info(&format!(" Algorithm=\"{RSA_SHA256}\""), ""), "SignatureForm"),
        (
            "a truncated signature",
            attack.info("rsa-sha256\">", "rsa-sha256\"><ds:HMACOutputLength>8</ds:HMACOutputLength>"),
            "SignatureForm",
        ),
        (
            "a stylesheet",
            attack.info("<ds:Transforms>", &transform("http://www.w3.org/TR/1999/REC-xslt-19991116")),
            "SignatureForm",
        ),
        (
            "an XPath filter",
            attack.info("<ds:Transforms>", &transform("http://www.w3.org/TR/1999/REC-xpath-19991116")),
            "SignatureForm",
        ),
        ("decoding of base64", attack.info("<ds:Transforms>", &transform(&format!("{DS}base64"))), "SignatureForm"),
        (
            "one transform",
            attack.info(&format!("<ds:Transform Algorithm=\"{DS}enveloped-signature\"></ds:Transform>"), ""),
            "SignatureForm",
        ),
        ("a transform twice", attack.info("<ds:Transforms>", &transform(exclusive)), "SignatureForm"),
        (
            "canonicalization with comments",
            attack.info(exclusive, &format!("{exclusive}WithComments")),
            "SignatureForm",
        ),
        (
            "inclusive canonicalization",
            attack.info(exclusive, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            "SignatureForm",
        ),
        (
            "a SignedInfo without a SignatureValue",
            attack.assertion.replace("ds:SignatureValue>", "ds:Value>"),
            "SignatureForm",
        ),
        (
            "an Object",
            attack.assertion.replace("</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>"),
            "SignatureForm",
        ),
        ("a KeyInfo with the attacker's key", attack.around(&attack.other.sign(&evil, "_1")), "Signature"),
        ("signed with the key of another provider", attack.other.response(&attack.text, Signed::Both), "Signature"),
        (
            "signed by another key, the certificate replaced",
            attack.around(&attack.other.sign(&evil, "_1")).replace(&attack.other.certificate, &attack.idp.certificate),
            "Signature",
        ),
        ("no signature", attack.idp.response(&attack.text, Signed::Nothing), "Unsigned"),
        (
            "an empty signature",
            attack.around(&attack.text.text().replacen(
                "</saml:Issuer>",
                &format!("</saml:Issuer><ds:Signature xmlns:ds=\"{DS}\"></ds:Signature>"),
                1,
            )),
            "SignatureForm",
        ),
        (
            "an empty value",
            {
                let (before, rest) = attack.assertion.split_once("<ds:SignatureValue>").unwrap();
                format!("{before}<ds:SignatureValue>{}", &rest[rest.find("</ds:SignatureValue>").unwrap()..])
            },
            "Signature",
        ),
        ("a signature in another namespace", attack.assertion.replace(DS, "urn:ds"), "Unsigned"),
        (
            "only one of two signatures is good",
            attack.both.replacen("alice@example.com", "mallory@example.com", 1),
            "Signature",
        ),
        (
            "both signed, that of the assertion by another key",
            attack.idp.around(&attack.other.sign(&attack.text.text(), "_1"), &attack.text.issued, true),
            "Signature",
        ),
        (
            "both signed, that of the response by another key",
            attack.other.around(&attack.signed, &attack.text.issued, true),
            "Signature",
        ),
    ]
}
