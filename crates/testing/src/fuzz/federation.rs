//! What identity providers issue, and the certificates and keys that users upload.

use std::sync::LazyLock;

use bailiwick_federation::{
    Assertion, CREDENTIAL_ID_BYTES, Ceremony, Certificate, KeyEncoding, PrivateKey, Registration, SamlAssertion,
    SamlMetadata, SamlTrust, SshPublicKey, StoredCredential, WebauthnError, verify_assertion, verify_registration,
    verify_saml_response,
};
use data_encoding::BASE64;
use jiff::Timestamp;

use crate::authenticator::{Authenticator, client_data};
use crate::saml::{AUDIENCE, ENDPOINT, SamlIdp};

/// A text is the metadata of a SAML provider, or it is not. What is read of it is complete and bounded.
///
/// # Panics
/// If the property does not hold.
pub fn saml_metadata(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(read) = SamlMetadata::parse(text) else { return };
    assert!(!read.entity_id.is_empty() && read.entity_id.len() <= text.len());
    assert!(!read.signing_certificates.is_empty() && !read.sign_on.is_empty());
    assert!(read.sign_on.iter().all(|one| !one.binding.is_empty() && !one.location.is_empty()));
    // Comments and white space around the document do not change what is read.
    assert_eq!(SamlMetadata::parse(&format!("{text}\n<!-- end -->\n")), Ok(read));
}

/// A text that is not signed is never accepted. With its first assertion signed, what is read is what was signed. The time
/// is that of the corpus: 2030-01-02, 03:04:05.
///
/// # Panics
/// If the property does not hold.
pub fn saml_response(bytes: &[u8]) {
    static IDP: LazyLock<SamlIdp> = LazyLock::new(|| SamlIdp::ec("urn:idp"));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert_eq!(verified(&IDP, text), None);
    let Some(start) = text.find("<saml:Assertion ") else { return };
    let Some((assertion, after)) = text[start..].split_once("</saml:Assertion>") else { return };
    let assertion = format!("{assertion}</saml:Assertion>");
    let Some((id, _)) = assertion.split_once(" ID=\"").and_then(|(_, rest)| rest.split_once('"')) else { return };
    let response = format!("{}{}{after}", &text[..start], IDP.sign(&assertion, id));
    if let Some(read) = verified(&IDP, &response) {
        assert!(read.id == id && read.issuer == IDP.entity_id && read.recipient == ENDPOINT);
        // An attacker can change what is around the assertion, but nothing in it.
        let around = format!("<x>{response}</x>");
        assert_eq!(verified(&IDP, &around), None);
        let changed = response.replacen("</saml:Subject>", " </saml:Subject>", 1);
        assert_eq!(verified(&IDP, &changed), None);
    }
}

fn verified(idp: &SamlIdp, xml: &str) -> Option<SamlAssertion> {
    let metadata = SamlMetadata::parse(&idp.metadata()).unwrap();
    let trust = SamlTrust {
        metadata: &metadata,
        decryption_keys: &[],
        requires_encryption: false,
        is_audience: &|name| name == AUDIENCE,
        is_recipient: &|url| url == ENDPOINT,
    };
    let now = Timestamp::from_second(1_893_553_445).unwrap();
    verify_saml_response(&BASE64.encode(xml.as_bytes()), &trust, now).ok()
}

/// Bytes are a certificate, or certificates or a private key in PEM form, or they are not. A certificate is the same when it is
/// read again.
///
/// # Panics
/// If the property does not hold.
pub fn certificate(bytes: &[u8]) {
    let read = Certificate::from_der(bytes.to_vec());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let key = PrivateKey::parse_pem(text);
        let all = Certificate::parse_pem(text).unwrap_or_default();
        for one in &all {
            assert_eq!(Certificate::from_der(one.der().to_vec()).as_ref(), Ok(one));
            let _ = key.as_ref().map(|key| one.belongs_to(key));
        }
        if let [first, chain @ ..] = all.as_slice() {
            assert!(first.break_in(chain).is_none_or(|at| at < chain.len().cast_signed()));
        }
    }
    if let Ok(one) = read {
        assert_eq!(one.der(), bytes);
        // Any time is fine, also one before the other.
        let _ = (one.digest(), one.not_before(), one.not_after(), one.is_issued_by(&one));
    }
}

/// A text is a public key for SSH, or it is not. A key is the same in every encoding.
///
/// # Panics
/// If the property does not hold.
pub fn ssh_public_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok((key, _)) = SshPublicKey::parse(text) else { return };
    for encoding in [KeyEncoding::Ssh, KeyEncoding::Pem] {
        let written = key.to_text(encoding);
        assert!(written.is_ok_and(|text| SshPublicKey::parse(&text) == Ok((key.clone(), encoding))));
    }
    assert_eq!(SshPublicKey::from_der(key.der()).as_ref(), Ok(&key));
}

/// The first byte says what the others are: `r` an attestation object, `c` client data, `d` the data of an authenticator,
/// which are signed. What is accepted is within its bounds, and no changed byte of signed data is.
///
/// # Panics
/// If the property does not hold.
pub fn webauthn(bytes: &[u8]) {
    static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(Authenticator::eddsa);
    let origins = ["https://iam.example.com".to_owned()];
    let ceremony =
        Ceremony { relying_party: "iam.example.com", origins: &origins, challenge: &[7; 32], user_verification: false };
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let create = client_data("webauthn.create", ceremony.challenge, &origins[0]);
    let get = client_data("webauthn.get", ceremony.challenge, &origins[0]);
    let register = |client_data: &[u8], attestation_object: &[u8]| {
        verify_registration(Registration { client_data, attestation_object }, &ceremony)
    };
    let stored = StoredCredential {
        id: &AUTHENTICATOR.id,
        user_handle: b"user",
        public_key: &AUTHENTICATOR.cose_key(),
        counter: 0,
        backup_eligible: false,
    };
    let assert = |client_data: &[u8], data: &[u8], signature: &[u8]| {
        let assertion = Assertion {
            credential_id: &AUTHENTICATOR.id,
            client_data,
            authenticator_data: data,
            signature,
            user_handle: None,
        };
        verify_assertion(assertion, &stored, &ceremony)
    };
    match kind {
        b'r' => {
            if let Ok(read) = register(create.as_bytes(), bytes) {
                assert!(CREDENTIAL_ID_BYTES.contains(&read.id.len()));
                assert!(bytes.windows(read.public_key.len()).any(|part| part == read.public_key));
                assert!(register(create.as_bytes(), &[bytes, &[0]].concat()).is_err());
                assert!(register(get.as_bytes(), bytes).is_err());
            }
        }
        b'c' => {
            let object = crate::authenticator::attestation_object(b"too short");
            if let Err(WebauthnError::Truncated) = register(bytes, &object) {
                // The client data were accepted.
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(serde_json::from_str::<serde_json::Value>(text).unwrap()["origin"] == origins[0]);
                assert!(register(&[b"{", bytes].concat(), &object) != Err(WebauthnError::Truncated));
            }
        }
        b'd' => {
            let signature = AUTHENTICATOR.sign(bytes, get.as_bytes());
            if assert(get.as_bytes(), bytes, &signature).is_ok() {
                assert!(bytes[32] & 1 == 1);
                for at in [0, 32, 36, bytes.len() - 1] {
                    let mut changed = bytes.to_vec();
                    changed[at] ^= 0x80;
                    assert!(assert(get.as_bytes(), &changed, &signature).is_err());
                }
                assert!(assert(create.as_bytes(), bytes, &AUTHENTICATOR.sign(bytes, create.as_bytes())).is_err());
            }
        }
        _ => {}
    }
}
