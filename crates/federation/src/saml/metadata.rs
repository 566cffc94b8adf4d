//! The metadata of an identity provider: who it is, and with which certificates it signs.

use jiff::Timestamp;

use super::names::{METADATA, PROTOCOL, SIGNATURE};
use super::time;
use crate::x509::{Certificate, decode_base64};
use crate::xml::{Document, Element, XmlError};

/// The longest entity id and the longest location, in bytes.
const MAX_URI: usize = 1_024;
/// The largest number of certificates, and of endpoints.
const MAX_LIST: usize = 64;
/// The largest certificate, in bytes. The certificates of metadata are kept in memory.
const MAX_CERTIFICATE: usize = 16 * 1024;

/// Why a text is not the metadata of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is not XML that is accepted.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The root is another element.
    #[error("the root element is not an EntityDescriptor of SAML 2.0")]
    NotEntity,
    /// There is no entity id, or it is too long.
    #[error("the EntityDescriptor has no entityID of 1 to 1,024 characters")]
    NoEntityId,
    /// There is not exactly one description of an identity provider.
    #[error("the EntityDescriptor has not exactly one IDPSSODescriptor that supports the protocol of SAML 2.0")]
    NotProvider,
    /// No certificate to sign with, or too many.
    #[error("the IDPSSODescriptor has no signing certificate, or more than 64")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("an X509Certificate is not a certificate")]
    Certificate,
    /// No endpoint for sign-in, too many, or one without a binding and a location.
    #[error("the IDPSSODescriptor has not 1 to 64 elements SingleSignOnService with Binding and Location")]
    Endpoint,
    /// A time cannot be read.
    #[error("validUntil is not a time in UTC")]
    Time,
}

/// Where an identity provider signs users in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URI of the binding, such as `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect`.
    pub binding: String,
    /// The URL.
    pub location: String,
}

/// What the metadata of an identity provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlMetadata {
    /// Its id, which is the `Issuer` of its assertions.
    pub entity_id: String,
    /// The certificates of the keys that sign its assertions. Their dates and issuers are not checked: the metadata is
    /// what makes them trusted.
    pub signing_certificates: Vec<Certificate>,
    /// Where it signs users in, in the order of the document.
    pub sign_on: Vec<Endpoint>,
    /// Until when the metadata may be used; the earlier time if both descriptors have one.
    pub valid_until: Option<Timestamp>,
}

impl SamlMetadata {
    /// Parses metadata: an `EntityDescriptor` with one `IDPSSODescriptor`. Signatures of the document are not verified,
    /// because an administrator provides it.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        let document = Document::parse(text)?;
        let entity = document.root();
        if !entity.is(METADATA, "EntityDescriptor") {
            return Err(MetadataError::NotEntity);
        }
        let entity_id = entity.attribute("entityID").filter(|id| is_uri(id)).ok_or(MetadataError::NoEntityId)?;
        let mut providers = entity.children(METADATA, "IDPSSODescriptor").filter(|one| supports_saml_2(*one));
        let (Some(provider), None) = (providers.next(), providers.next()) else {
            return Err(MetadataError::NotProvider);
        };
        let times = [valid_until(entity)?, valid_until(provider)?];
        Ok(SamlMetadata {
            entity_id: entity_id.to_owned(),
            signing_certificates: signing_certificates(provider)?,
            sign_on: endpoints(provider)?,
            valid_until: times.into_iter().flatten().min(),
        })
    }
}

fn is_uri(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_URI
}

fn supports_saml_2(provider: Element<'_>) -> bool {
    let protocols = provider.attribute("protocolSupportEnumeration").unwrap_or_default();
    protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
}

/// The certificates of keys for signing, or for every use. Repetitions are left out.
fn signing_certificates(provider: Element<'_>) -> Result<Vec<Certificate>, MetadataError> {
    let keys = provider.children(METADATA, "KeyDescriptor");
    let signing = keys.filter(|key| matches!(key.attribute("use"), None | Some("signing")));
    let texts = signing
        .flat_map(|key| key.children(SIGNATURE, "KeyInfo"))
        .flat_map(|info| info.children(SIGNATURE, "X509Data"))
        .flat_map(|data| data.children(SIGNATURE, "X509Certificate"));
    let mut found: Vec<Certificate> = Vec::new();
    for text in texts {
        let der = text.text().and_then(decode_base64).filter(|der| der.len() <= MAX_CERTIFICATE);
        let der = der.ok_or(MetadataError::Certificate)?;
        let certificate = Certificate::from_der(der).map_err(|_| MetadataError::Certificate)?;
        if !found.contains(&certificate) {
            found.push(certificate);
        }
        if found.len() > MAX_LIST {
            return Err(MetadataError::NoCertificate);
        }
    }
    if found.is_empty() { Err(MetadataError::NoCertificate) } else { Ok(found) }
}

fn endpoints(provider: Element<'_>) -> Result<Vec<Endpoint>, MetadataError> {
    let mut found = Vec::new();
    for service in provider.children(METADATA, "SingleSignOnService") {
        let uri = |name| service.attribute(name).filter(|uri| is_uri(uri)).map(str::to_owned);
        let (Some(binding), Some(location)) = (uri("Binding"), uri("Location")) else {
            return Err(MetadataError::Endpoint);
        };
        found.push(Endpoint { binding, location });
    }
    if found.is_empty() || found.len() > MAX_LIST { Err(MetadataError::Endpoint) } else { Ok(found) }
}

fn valid_until(element: Element<'_>) -> Result<Option<Timestamp>, MetadataError> {
    let Some(text) = element.attribute("validUntil") else { return Ok(None) };
    time::parse(text).map(Some).ok_or(MetadataError::Time)
}

#[cfg(test)]
mod tests;
