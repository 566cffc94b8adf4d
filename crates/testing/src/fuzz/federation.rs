//! What identity providers issue.

use bailiwick_federation::SamlMetadata;

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
