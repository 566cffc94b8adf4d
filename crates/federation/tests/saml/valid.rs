//! Responses that are accepted, and what is read of them.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512};
use bailiwick_federation::{DecryptionKey, SamlAssertion, SamlError, SamlMetadata, SamlTrust, verify_saml_response};
use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};

use crate::idp::{AUDIENCE, ENDPOINT, EncryptionKey, SamlIdp, Signed};

pub(super) fn now() -> Timestamp {
    "2030-01-02T03:04:05Z".parse().unwrap()
}

/// A deployment that trusts a provider.
pub(super) struct Relying {
    pub(super) metadata: SamlMetadata,
    pub(super) keys: Vec<DecryptionKey>,
    pub(super) requires_encryption: bool,
}

impl Relying {
    pub(super) fn on(idp: &SamlIdp) -> Self {
        let metadata = SamlMetadata::parse(&idp.metadata()).unwrap();
        Relying { metadata, keys: Vec::new(), requires_encryption: false }
    }

    pub(super) fn verify(&self, xml: &str) -> Result<SamlAssertion, SamlError> {
        self.verify_at(xml, now())
    }

    pub(super) fn verify_at(&self, xml: &str, now: Timestamp) -> Result<SamlAssertion, SamlError> {
        let trust = SamlTrust {
            metadata: &self.metadata,
            decryption_keys: &self.keys,
            requires_encryption: self.requires_encryption,
            is_audience: &|name| [AUDIENCE, ENDPOINT].contains(&name),
            is_recipient: &|url| url == ENDPOINT,
        };
        verify_saml_response(&BASE64.encode(xml.as_bytes()), &trust, now)
    }
}

#[test]
fn the_response_or_the_assertion_or_both_are_signed() {
    for idp in [SamlIdp::rsa("urn:idp"), SamlIdp::ec("urn:idp")] {
        let relying = Relying::on(&idp);
        let mut text = idp.assertion("_1", now()).aws("Role", &["a,b", "c,d"]).aws("RoleSessionName", &["alice"]);
        text.attributes.push(("https://aws.amazon.com/SAML/Attributes/Role".into(), vec!["e,f".into()]));
        text.attributes.push(("urn:oid:1.3.6.1.4.1.5923.1.1.1.10".into(), vec!["<saml:NameID>t</saml:NameID>".into()]));
        text.authentication = " SessionNotOnOrAfter=\"2030-01-02T08:00:00Z\"".into();
        for signed in [Signed::Assertion, Signed::Response, Signed::Both] {
            let read = relying.verify(&idp.response(&text, signed)).unwrap();
            assert_eq!((read.id.as_str(), read.issuer.as_str()), ("_1", "urn:idp"));
            assert_eq!(read.recipient, ENDPOINT);
            assert_eq!(read.expires, now() + SignedDuration::from_secs(360));
            assert_eq!(read.session_ends, Some("2030-01-02T08:00:00Z".parse().unwrap()));
            assert_eq!(read.subject.value, "alice@example.com");
            let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
            assert_eq!(read.subject.format.as_deref(), Some(format));
            assert_eq!(read.values("https://aws.amazon.com/SAML/Attributes/Role"), ["a,b", "c,d", "e,f"]);
            assert_eq!(read.values("https://aws.amazon.com/SAML/Attributes/RoleSessionName"), ["alice"]);
            assert_eq!(read.values("urn:oid:1.3.6.1.4.1.5923.1.1.1.10"), ["t"]);
            assert!(read.values("Role").is_empty());
        }
    }
}

#[test]
fn white_space_and_escapes_can_differ() {
    let idp = SamlIdp::rsa("urn:idp");
    let relying = Relying::on(&idp);
    let xml = idp.response(&idp.assertion("_1", now()), Signed::Assertion);
    for variant in [
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n"),
        xml.replace("Version=\"2.0\"><saml:Issuer>", "Version='2.0'   ><saml:Issuer  >"),
        xml.replace("</samlp:Status>", "</samlp:Status>\n  "),
        xml.replace("alice@example.com", "alice&#64;example.com"),
        xml.replace("</samlp:StatusCode>", "<samlp:StatusCode Value='urn:x'/></samlp:StatusCode>"),
    ] {
        assert_eq!(
            relying.verify(&variant).map(|read| read.subject.value),
            Ok("alice@example.com".into()),
            "{variant}"
        );
    }
}

#[test]
fn an_encrypted_assertion_is_decrypted_and_verified() {
    let idp = SamlIdp::rsa("urn:idp");
    let (key, newer) = (EncryptionKey::new(), EncryptionKey::new());
    let mut relying = Relying::on(&idp);
    relying.keys = [&newer, &key].iter().map(|one| DecryptionKey::parse_pem(&one.private).unwrap()).collect();
    relying.requires_encryption = true;
    let text = idp.assertion("_1", now());
    let signed = idp.sign(&text.text(), "_1");
    let inside = idp.around(&key.encrypt(&signed), &text.issued, false);
    let around = idp.around(&key.encrypt(&text.text()), &text.issued, true);
    let both = idp.around(&newer.encrypt(&signed), &text.issued, true);
    for xml in [&inside, &around, &both] {
        assert_eq!(relying.verify(xml).map(|read| read.id), Ok("_1".into()));
    }
    // The namespaces of what was encrypted can be declared around it.
    let bare = signed.replacen(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "", 1);
    assert_ne!(bare, signed);
    assert!(relying.verify(&idp.around(&key.encrypt(&bare), &text.issued, false)).is_ok());

    let refused = |xml: &str, expected| assert_eq!(relying.verify(xml), Err(expected));
    refused(&idp.response(&text, Signed::Both), SamlError::NotEncrypted);
    refused(&idp.around(&key.encrypt(&text.text()), &text.issued, false), SamlError::Unsigned);
    refused(&idp.around(&EncryptionKey::new().encrypt(&signed), &text.issued, true), SamlError::Decryption);
    refused(
        &idp.around(&key.encrypt("<a/>"), &text.issued, true),
        SamlError::Layout("what was encrypted is not an Assertion of SAML 2.0"),
    );
    let form = |xml: &str| assert!(matches!(relying.verify(xml), Err(SamlError::EncryptionForm(_))), "{xml}");
    form(&inside.replace("xmlenc11#aes256-gcm", "xmlenc#aes256-cbc"));
    form(&inside.replace("http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"));
    form(&inside.replace("xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5"));
    // A changed response, key or text.
    refused(&around.replace("CipherValue>", "CipherValue> "), SamlError::Signature);
    let changed = |from: &str| inside.replace(from, &from.chars().rev().collect::<String>());
    let value = |xml: &str, at| xml.split("CipherValue>").nth(at).unwrap()[..60].to_owned();
    for at in [1, 3] {
        refused(&changed(&value(&inside, at)), SamlError::Decryption);
    }
}

/// The variants of RSA-OAEP: what providers write by default, and what cannot be computed or has no one meaning.
#[test]
fn keys_are_encrypted_with_variants_of_rsa_oaep() {
    const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    let digest = |name: &str| {
        let space = match name {
            "sha1" | "sha224" => "http://www.w3.org/2000/09/xmldsig#",
            "more#sha384" => "http://www.w3.org/2001/04/xmldsig-",
            _ => "http://www.w3.org/2001/04/xmlenc#",
        };
        format!(
            "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{space}{name}\"></ds:DigestMethod>"
        )
    };
    let mgf = |name: &str| {
        let space = "http://www.w3.org/2009/xmlenc11#";
        format!("<xenc11:MGF xmlns:xenc11=\"{space}\" Algorithm=\"{space}{name}\"></xenc11:MGF>")
    };
    let (sha1, sha256) = (&OAEP_SHA1_MGF1SHA1, &OAEP_SHA256_MGF1SHA256);
    let (mixed, unknown) = ("have different hashes", "expected a key that is encrypted with RSA-OAEP");
    let idp = SamlIdp::ec("urn:idp");
    let key = EncryptionKey::new();
    let mut relying = Relying::on(&idp);
    relying.keys = vec![DecryptionKey::parse_pem(&key.private).unwrap()];
    let text = idp.assertion("_1", now()).aws("Role", &["a,b"]);
    let signed = idp.sign(&text.text(), "_1");
    for (oaep, uri, parameters, expected) in [
        (sha1, MGF1P, String::new(), None),
        (sha1, MGF1P, digest("sha1"), None),
        (sha1, OAEP, String::new(), None),
        (sha1, OAEP, digest("sha1") + &mgf("mgf1sha1"), None),
        (sha256, OAEP, digest("sha256") + &mgf("mgf1sha256"), None),
        (sha256, OAEP, mgf("mgf1sha256") + &digest("sha256"), None),
        (&OAEP_SHA384_MGF1SHA384, OAEP, digest("sha384") + &mgf("mgf1sha384"), None),
        (&OAEP_SHA384_MGF1SHA384, OAEP, digest("more#sha384") + &mgf("mgf1sha384"), None),
        (&OAEP_SHA512_MGF1SHA512, OAEP, digest("sha512") + &mgf("mgf1sha512"), None),
        (sha256, MGF1P, digest("sha256"), Some(mixed)),
        (sha256, OAEP, digest("sha256"), Some(mixed)),
        (sha256, OAEP, digest("sha256") + &mgf("mgf1sha1"), Some(mixed)),
        (sha256, OAEP, mgf("mgf1sha256"), Some(mixed)),
        (sha1, MGF1P, mgf("mgf1sha1"), Some(unknown)),
        (sha1, OAEP, digest("sha224"), Some(unknown)),
        (sha256, OAEP, digest("sha256") + &mgf("mgf1sha224"), Some(unknown)),
        (sha256, OAEP, digest("sha1") + &digest("sha256") + &mgf("mgf1sha256"), Some(unknown)),
        (sha256, OAEP, digest("sha256") + &mgf("mgf1sha1") + &mgf("mgf1sha256"), Some(unknown)),
        (sha1, OAEP, "<xenc:OAEPparams>AAAA</xenc:OAEPparams>".to_owned(), Some(unknown)),
        (sha256, "http://www.w3.org/2001/04/xmlenc#rsa-oaep", String::new(), Some(unknown)),
        (sha1, "http://www.w3.org/2001/04/xmlenc#rsa-1_5", String::new(), Some(unknown)),
    ] {
        let method = format!("Algorithm=\"{uri}\">{parameters}");
        let encrypted = key.encrypt_with(&signed, oaep, &method);
        let read = relying.verify(&idp.around(&encrypted, &text.issued, false));
        match expected {
            None => assert_eq!(read.map(|read| read.id), Ok("_1".into()), "{method}"),
            Some(why) => assert!(read.unwrap_err().to_string().contains(why), "{method}"),
        }
    }
    // Another hash than the one that the method names.
    let other = key.encrypt_with(&signed, sha256, &format!("Algorithm=\"{MGF1P}\">"));
    assert_eq!(relying.verify(&idp.around(&other, &text.issued, false)), Err(SamlError::Decryption));
}

/// Each limit in time with the skew of clocks of a minute.
#[test]
fn an_assertion_is_accepted_for_a_while() {
    let idp = SamlIdp::ec("urn:idp");
    let relying = Relying::on(&idp);
    let text = idp.assertion("_1", now());
    let xml = |text: &crate::idp::AssertionText| idp.response(text, Signed::Assertion);
    let check = |xml: &str, seconds: i64, expected: Option<SamlError>| {
        let at = now() + SignedDuration::from_secs(seconds);
        assert_eq!(relying.verify_at(xml, at).err(), expected, "{seconds}");
    };
    let short = xml(&crate::idp::AssertionText { until: "2030-01-02T03:05:05Z".into(), ..text.clone() });
    check(&short, 119, None);
    check(&short, 120, Some(SamlError::Expired));
    let long = xml(&crate::idp::AssertionText { until: "2030-01-03T03:05:05Z".into(), ..text.clone() });
    check(&long, 359, None);
    check(&long, 360, Some(SamlError::Old));
    check(&long, -60, None);
    check(&long, -61, Some(SamlError::NotYet));
    let later = xml(&crate::idp::AssertionText { from: "2030-01-02T03:06:05Z".into(), ..text.clone() });
    check(&later, 60, None);
    check(&later, 59, Some(SamlError::NotYet));
    let authentication = " SessionNotOnOrAfter=\"2030-01-02T03:04:06Z\"".to_owned();
    let ending = xml(&crate::idp::AssertionText { authentication, ..text });
    check(&ending, 0, None);
    check(&ending, 1, Some(SamlError::Expired));
}

#[test]
fn metadata_ends() {
    let idp = SamlIdp::ec("urn:idp");
    let mut relying = Relying::on(&idp);
    let xml = idp.response(&idp.assertion("_1", now()), Signed::Assertion);
    for (until, expected) in [("2030-01-02T03:04:06Z", None), ("2030-01-02T03:04:05Z", Some(SamlError::Metadata))] {
        relying.metadata.valid_until = Some(until.parse().unwrap());
        assert_eq!(relying.verify(&xml).err(), expected);
    }
}

/// A document of the size limit takes time in proportion to its size: nothing is copied for each element.
#[test]
fn a_large_response_is_verified_once() {
    let idp = SamlIdp::ec("urn:idp");
    let relying = Relying::on(&idp);
    let response = |values: usize| {
        let mut text = idp.assertion("_1", now());
        text.attributes.push(("a".into(), vec!["v".to_owned(); values]));
        idp.response(&text, Signed::Both)
    };
    let fastest = |xml: &str| {
        let once = || {
            let began = std::time::Instant::now();
            relying.verify(xml).unwrap();
            began.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (small, large) = (response(500), response(5_000));
    assert!((190_000..262_144).contains(&large.len()), "{}", large.len());
    assert_eq!(relying.verify(&large).unwrap().values("a").len(), 5_000);
    // Ten times the elements: a copy for each would take a hundred times as long.
    assert!(fastest(&large) < 50 * fastest(&small));
    let longer =
        large.replace("<saml:AttributeStatement>", &format!("<saml:AttributeStatement>{}", " ".repeat(100_000)));
    assert_eq!(relying.verify(&longer), Err(SamlError::Encoding));
}

/// The corpus of the fuzz target has responses that are valid once their assertion is signed.
#[test]
fn the_corpus_is_valid_once_it_is_signed() {
    let idp = SamlIdp::ec("urn:idp");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/saml_response");
    for (name, is_valid) in [("plain", true), ("declaration", true), ("escapes", true), ("two", false)] {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let (before, rest) = text.split_once("<saml:Assertion ").unwrap();
        let (assertion, after) = rest.split_once("</saml:Assertion>").unwrap();
        let signed = idp.sign(&format!("<saml:Assertion {assertion}</saml:Assertion>"), "_1");
        assert_eq!(Relying::on(&idp).verify(&format!("{before}{signed}{after}")).is_ok(), is_valid, "{name}");
    }
}
