//! Responses that are refused. Each row is an attack or a mistake: its name, the response, and the kind of the refusal.

mod algorithms;
mod conditions;
mod references;
mod text;
mod wrapped;

use bailiwick_federation::SamlMetadata;
use data_encoding::BASE64;

use super::valid::{Relying, now};
use crate::idp::{AssertionText, SamlIdp, Signed};

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// What an attacker has: a valid response for Alice in each form, and keys of their own.
struct Attack {
    idp: SamlIdp,
    other: SamlIdp,
    text: AssertionText,
    /// Signed assertions and responses.
    assertion: String,
    response: String,
    both: String,
    /// The signed assertion, and the same for Mallory without a signature and with another id.
    signed: String,
    evil: String,
}

impl Attack {
    fn new() -> Self {
        let (idp, other) = (SamlIdp::rsa("urn:idp"), SamlIdp::rsa("urn:idp"));
        let text = idp.assertion("_1", now()).aws("RoleSessionName", &["alice"]);
        let evil = AssertionText { id: "_evil".into(), ..text.clone() }.text().replace("alice", "mallory");
        Attack {
            assertion: idp.response(&text, Signed::Assertion),
            response: idp.response(&text, Signed::Response),
            both: idp.response(&text, Signed::Both),
            signed: idp.sign(&text.text(), "_1"),
            evil,
            idp,
            other,
            text,
        }
    }

    /// An unsigned response around something.
    fn around(&self, part: &str) -> String {
        self.idp.around(part, &self.text.issued, false)
    }

    /// A response with an assertion that the provider signed although something in it is wrong.
    fn signed(&self, change: impl FnOnce(&mut AssertionText)) -> String {
        let mut text = self.text.clone();
        change(&mut text);
        self.idp.response(&text, Signed::Assertion)
    }

    /// A response whose assertion has a changed `SignedInfo`, signed by the provider.
    fn info(&self, from: &str, to: &str) -> String {
        let text = self.text.text();
        let info = self.idp.signed_info(&text, "_1");
        let changed = info.replace(from, to);
        assert_ne!(info, changed, "{from}");
        self.around(&self.idp.sign_info(&text, &changed))
    }

    /// The signature in the signed assertion.
    fn signature(&self) -> &str {
        let (_, rest) = self.signed.split_once("<ds:Signature ").unwrap();
        let (inner, _) = rest.split_once("</ds:Signature>").unwrap();
        let start = self.signed.len() - rest.len() - "<ds:Signature ".len();
        &self.signed[start..start + "<ds:Signature ".len() + inner.len() + "</ds:Signature>".len()]
    }

    /// The evil assertion with something after its issuer.
    fn evil_with(&self, part: &str) -> String {
        self.evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{part}"), 1)
    }

    /// An HMAC with the public key as its secret.
    fn with_hmac(&self) -> String {
        use aws_lc_rs::hmac;
        let text = self.text.text().replace("alice", "mallory");
        let info = self.idp.signed_info(&text, "_1").replace("rsa-sha256", "hmac-sha256");
        let forged = self.idp.sign_info(&text, &info);
        let canonical = info.replacen("<ds:SignedInfo>", &format!("<ds:SignedInfo xmlns:ds=\"{DS}\">"), 1);
        let key = BASE64.decode(self.idp.certificate.as_bytes()).unwrap();
        let value = BASE64.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), canonical.as_bytes()).as_ref());
        let (before, rest) = forged.split_once("<ds:SignatureValue>").unwrap();
        let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
        self.around(&format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}"))
    }
}

type Row = (&'static str, String, &'static str);

#[test]
fn what_is_not_a_valid_response_is_refused() {
    let attack = Attack::new();
    let relying = Relying::on(&attack.idp);
    for xml in [&attack.assertion, &attack.response, &attack.both] {
        relying.verify(xml).unwrap();
    }
    let all = [
        wrapped::wrapped(&attack),
        references::references(&attack),
        algorithms::algorithms(&attack),
        text::text(&attack),
        conditions::conditions(&attack),
    ];
    let rows: Vec<_> = all.into_iter().flatten().collect();
    assert!(rows.len() >= 100, "{}", rows.len());
    let wrong = rows.iter().filter_map(|(name, xml, expected)| {
        let found = match relying.verify(xml) {
            Ok(read) => format!("accepted as {}", read.subject.value),
            Err(error) => format!("{error:?}").split('(').next().unwrap_or_default().to_owned(),
        };
        (found != *expected).then(|| format!("{name}: expected {expected}, found {found}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The keys are those of the metadata, with all types and hashes.
#[test]
fn any_key_of_the_metadata_signs() {
    let (old, new, foreign) = (SamlIdp::rsa("urn:idp"), SamlIdp::ec("urn:idp"), SamlIdp::ec("urn:idp"));
    let mut relying = Relying::on(&old);
    let more = SamlMetadata::parse(&new.metadata()).unwrap().signing_certificates;
    relying.metadata.signing_certificates.extend(more);
    for (idp, is_accepted) in [(&old, true), (&new, true), (&foreign, false)] {
        let xml = idp.response(&idp.assertion("_1", now()), Signed::Both);
        assert_eq!(relying.verify(&xml).is_ok(), is_accepted);
    }
}

/// Every byte of a signed response matters, or changes nothing that is read.
#[test]
fn no_changed_byte_changes_what_is_read() {
    let idp = SamlIdp::ec("urn:idp");
    let relying = Relying::on(&idp);
    let xml = idp.response(&idp.assertion("_1", now()).aws("RoleSessionName", &["alice"]), Signed::Assertion);
    let read = relying.verify(&xml).unwrap();
    for (at, replacement) in (0..xml.len()).step_by(3).zip(["", "a", "<", " ", "&#x41;", "\""].iter().cycle()) {
        let changed = format!("{}{replacement}{}", &xml[..at], &xml[at + 1..]);
        if let Ok(other) = relying.verify(&changed) {
            assert_eq!(other, read, "{at} {replacement:?}");
        }
    }
}
