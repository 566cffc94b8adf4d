//! What an assertion says.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use data_encoding::BASE64;
use jiff::Timestamp;

use super::SamlError;
use super::names::ASSERTION;
use crate::xml::Element;

/// The longest name of a user, in bytes.
const MAX_NAME: usize = 1_024;

/// What a verified assertion says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlAssertion {
    /// Its id, which its issuer uses for no other assertion.
    pub id: String,
    /// When it stops being accepted, skew of clocks included.
    pub expires: Timestamp,
    /// The entity id of the provider.
    pub issuer: String,
    /// The endpoint that it is for, one of those that are accepted.
    pub recipient: String,
    /// The user.
    pub subject: NameId,
    /// When the user's session at the provider ends.
    pub session_ends: Option<Timestamp>,
    /// The values of attributes by name, in the order of the document. A name that is repeated has the values of all.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// The name of a user, as their provider gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// The URI of the kind of name, if there is one.
    pub format: Option<String>,
}

impl SamlAssertion {
    /// The values of the attribute of this name, none if it is absent.
    pub fn values(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// What AWS calls the name qualifier: a hash of the issuer, the account of the provider and the provider's name there.
    /// With the name of the subject it identifies a user.
    pub fn name_qualifier(&self, account: &str, provider: &str) -> String {
        let text = format!("{}{account}/{provider}", self.issuer);
        // AWS documents this function. Nothing relies on its strength: a provider chooses neither account nor name.
        BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
    }

    /// The SHA-256 digest of what identifies the provider and of the assertion's id: two assertions of one provider differ
    /// in it.
    pub fn digest(&self, provider: &str) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&provider.len().to_be_bytes());
        context.update(provider.as_bytes());
        context.update(self.id.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        bytes
    }
}

/// The attributes of an assertion.
///
/// # Errors
/// [`SamlError::Layout`] for attributes that are encrypted, have no name, or a value that is not text.
pub(super) fn attributes(assertion: Element<'_>) -> Result<Vec<(String, Vec<String>)>, SamlError> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for attribute in assertion.children(ASSERTION, "AttributeStatement").flat_map(Element::elements) {
        let name = attribute.attribute("Name").filter(|_| attribute.is(ASSERTION, "Attribute"));
        let name = name.ok_or(SamlError::Layout("expected attributes with a name that are not encrypted"))?;
        let values = attribute.elements().map(value).collect::<Result<Vec<_>, _>>()?;
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.extend(values),
            None => found.push((name.to_owned(), values)),
        }
    }
    Ok(found)
}

/// The text of a value. eduPersonTargetedID has it in a `NameID`.
fn value(value: Element<'_>) -> Result<String, SamlError> {
    let text = match value.only_child(ASSERTION, "NameID") {
        Some(name) if value.elements().count() == 1 => name.text(),
        _ => value.text(),
    };
    let text = text.filter(|_| value.is(ASSERTION, "AttributeValue"));
    text.map(str::to_owned).ok_or(SamlError::Layout("the value of an attribute is not text"))
}

/// The user that an assertion is about.
///
/// # Errors
/// [`SamlError::Layout`] without exactly one name of 1 to 1,024 bytes that is not encrypted and has no white space around
/// it. Without that white space it would be the name of another user, and with it conditions would not find it.
pub(super) fn name_id(subject: Element<'_>) -> Result<NameId, SamlError> {
    let name = subject.only_child(ASSERTION, "NameID");
    let is_name = |text: &&str| (1..=MAX_NAME).contains(&text.len()) && text.trim() == *text;
    let text = name.and_then(|name| Some((name, name.text().filter(is_name)?)));
    let (name, text) = text.ok_or(SamlError::Layout(
        "the Subject has not exactly one NameID of 1 to 1,024 bytes without white space around it",
    ))?;
    Ok(NameId { value: text.to_owned(), format: name.attribute("Format").map(str::to_owned) })
}
