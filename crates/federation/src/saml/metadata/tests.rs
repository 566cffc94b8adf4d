use rcgen::{CertificateParams, KeyPair};

use super::*;

/// Certificates as metadata has them: base64 in lines, and their DER.
fn certificate() -> (String, Vec<u8>) {
    let made = CertificateParams::new(Vec::new()).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap();
    let text: String =
        made.pem().lines().filter(|line| !line.starts_with('-')).map(|line| format!("  {line}\n")).collect();
    (text, made.der().to_vec())
}

fn key(usage: &str, certificate: &str) -> String {
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

const SERVICE: &str = "<md:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://id.example.com/sso'/>";

/// An entity with these attributes and an identity provider with this content.
fn entity(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md='{METADATA}' xmlns:ds='{SIGNATURE}' {attributes}>\
         <md:IDPSSODescriptor protocolSupportEnumeration='urn:other {PROTOCOL}'>{content}</md:IDPSSODescriptor>\
         <md:SPSSODescriptor protocolSupportEnumeration='{PROTOCOL}'/></md:EntityDescriptor>"
    )
}

const ID: &str = "entityID='urn:idp'";

#[test]
fn metadata_names_the_issuer_its_keys_and_where_it_signs_in() {
    let ((first, first_der), (second, second_der), (other, _)) = (certificate(), certificate(), certificate());
    let keys = [
        key(" use='signing'", &first),
        key(" use='encryption'", &other),
        key("", &second),
        key(" use='signing'", &first.replace('\n', "")),
    ];
    let second_service = "<md:SingleSignOnService Binding='urn:b' Location='https://id.example.com/b?a=1&amp;c=2'/>";
    let parsed = SamlMetadata::parse(&entity(ID, &format!("{}{SERVICE}{second_service}", keys.concat()))).unwrap();
    assert_eq!(parsed.entity_id, "urn:idp");
    let ders: Vec<&[u8]> = parsed.signing_certificates.iter().map(Certificate::der).collect();
    assert_eq!(ders, [first_der, second_der]);
    let endpoints: Vec<_> = parsed.sign_on.iter().map(|one| (one.binding.as_str(), one.location.as_str())).collect();
    let expected = [
        ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "https://id.example.com/sso"),
        ("urn:b", "https://id.example.com/b?a=1&c=2"),
    ];
    assert_eq!(endpoints, expected);
    assert_eq!(parsed.valid_until, None);
}

#[test]
fn the_earlier_time_holds() {
    let content = format!("{}{SERVICE}", key("", &certificate().0));
    let until = |text: String| SamlMetadata::parse(&text).map(|parsed| parsed.valid_until.map(|time| time.to_string()));
    for (given, expected) in [
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05.678Z", "2030-01-02T03:04:05.678Z"),
        ("2030-01-02T03:04:05", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05+01:00", "2030-01-02T02:04:05Z"),
        (" 2001-01-02T03:04:05Z ", "2001-01-02T03:04:05Z"),
    ] {
        let of_entity = entity(&format!("{ID} validUntil='{given}'"), &content);
        assert_eq!(until(of_entity).unwrap().as_deref(), Some(expected));
    }
    let both = entity(&format!("{ID} validUntil='2030-01-01T00:00:00Z'"), &content)
        .replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor validUntil='2029-01-01T00:00:00Z' ");
    assert_eq!(until(both).unwrap().as_deref(), Some("2029-01-01T00:00:00Z"));
    for bad in ["", "tomorrow", "2030-13-01T00:00:00Z", "2030-01-01T25:00:00Z", "99999-01-01T00:00:00Z"] {
        let text = entity(&format!("{ID} validUntil='{bad}'"), &content);
        assert_eq!(until(text), Err(MetadataError::Time), "{bad}");
    }
}

#[test]
fn what_is_not_the_metadata_of_one_provider_is_refused() {
    let signing = key("", &certificate().0);
    let content = format!("{signing}{SERVICE}");
    let good = entity(ID, &content);
    SamlMetadata::parse(&good).unwrap();
    let check = |text: &str, expected: MetadataError| assert_eq!(SamlMetadata::parse(text), Err(expected), "{text}");
    check("text", XmlError::Malformed.into());
    check(&format!("<!DOCTYPE a>{good}"), XmlError::Forbidden.into());
    check("<a/>", MetadataError::NotEntity);
    check(&good.replace("SAML:2.0:metadata", "SAML:1.1:metadata"), MetadataError::NotEntity);
    check(
        &format!("<md:EntitiesDescriptor xmlns:md='{METADATA}'>{good}</md:EntitiesDescriptor>"),
        MetadataError::NotEntity,
    );
    check(&entity("", &content), MetadataError::NoEntityId);
    check(&entity("entityID=''", &content), MetadataError::NoEntityId);
    check(&entity(&format!("entityID='{}'", "a".repeat(1_025)), &content), MetadataError::NoEntityId);
    check(&good.replace("IDPSSODescriptor", "RoleDescriptor"), MetadataError::NotProvider);
    check(&good.replace("SAML:2.0:protocol", "SAML:1.1:protocol"), MetadataError::NotProvider);
    check(&good.replace("SPSSODescriptor", "IDPSSODescriptor"), MetadataError::NotProvider);
    check(&entity(ID, SERVICE), MetadataError::NoCertificate);
    check(
        &entity(ID, &format!("{}{SERVICE}", key(" use='encryption'", &certificate().0))),
        MetadataError::NoCertificate,
    );
    check(&entity(ID, &format!("{}{SERVICE}", key("", "AAAA"))), MetadataError::Certificate);
    check(&entity(ID, &format!("{}{SERVICE}", key("", "*"))), MetadataError::Certificate);
    check(&entity(ID, &signing), MetadataError::Endpoint);
    check(&good.replace("Location=", "Place="), MetadataError::Endpoint);
    check(&entity(ID, &format!("{signing}{}", SERVICE.repeat(65))), MetadataError::Endpoint);
}
