//! What identity providers issue, and the certificates and keys that users upload.

use bailiwick_federation::{Certificate, KeyEncoding, PrivateKey, SamlMetadata, SshPublicKey};

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
            assert!(first.first_break_in(chain).is_none_or(|at| at < chain.len()));
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
