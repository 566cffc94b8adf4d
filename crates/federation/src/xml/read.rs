//! From events to elements.

use std::collections::HashSet;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{
    Attribute, Document, ElementData, MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_NAMESPACE, XmlError,
};

const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Parses a document.
pub(super) fn document(text: &str) -> Result<Document, XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(XmlError::TooLarge);
    }
    if !text.chars().all(is_permitted) {
        return Err(XmlError::Malformed);
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    reader.resolver_mut().set_max_namespace_bindings(4 * MAX_ATTRIBUTES);
    let mut building = Building::default();
    let mut namespaces = Namespaces::default();
    let mut is_first = true;
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| XmlError::Malformed)?;
        match event {
            Event::Start(tag) => {
                let namespace = namespaces.get(namespace)?;
                let attributes = attributes(&reader, &tag, &mut namespaces)?;
                building.open(namespace, tag.local_name().as_ref().to_owned(), attributes)?;
            }
            Event::End(_) => building.close(),
            Event::Text(part) => building.add_text(&part.xml10_content())?,
            Event::CData(part) => building.add_text(&part.xml10_content())?,
            Event::GeneralRef(reference) => {
                let mut bytes = [0; 4];
                building.add_text(resolve(&reference)?.encode_utf8(&mut bytes))?;
            }
            Event::Comment(_) => {}
            Event::Decl(_) if is_first => {}
            Event::Decl(_) => return Err(XmlError::Malformed),
            // Comments are the only thing in it that would be harmless.
            Event::DocType(_) | Event::PI(_) => return Err(XmlError::Forbidden),
            Event::Empty(_) => return Err(XmlError::Malformed),
            Event::Eof => return building.finish(),
        }
        is_first = false;
    }
}

/// The document as far as it was read.
#[derive(Default)]
struct Building {
    elements: Vec<ElementData>,
    /// The elements that are open, the innermost last.
    open: Vec<usize>,
    ids: HashSet<String>,
}

impl Building {
    fn open(&mut self, namespace: Arc<str>, name: String, attributes: Vec<Attribute>) -> Result<(), XmlError> {
        if self.elements.len() == MAX_ELEMENTS || self.open.len() == MAX_DEPTH {
            return Err(XmlError::TooLarge);
        }
        // SAML and XML signatures name an element by these attributes.
        let ids = attributes.iter().filter(|one| one.name.eq_ignore_ascii_case("id"));
        for id in ids {
            if !self.ids.insert(id.value.clone()) {
                return Err(XmlError::Repeated);
            }
        }
        let at = self.elements.len();
        match self.open.last() {
            Some(parent) => self.elements[*parent].children.push(at),
            None if at > 0 => return Err(XmlError::Malformed),
            None => {}
        }
        self.elements.push(ElementData { namespace, name, attributes, text: String::new(), children: Vec::new() });
        self.open.push(at);
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
    }

    /// Adds text to the innermost element. Outside of the root there is only white space.
    fn add_text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last() {
            Some(at) => self.elements[*at].text.push_str(text),
            None if text.bytes().all(|byte| byte.is_ascii_whitespace()) => {}
            None => return Err(XmlError::Malformed),
        }
        Ok(())
    }

    fn finish(self) -> Result<Document, XmlError> {
        if self.elements.is_empty() || !self.open.is_empty() {
            return Err(XmlError::Malformed);
        }
        Ok(Document { elements: self.elements })
    }
}

/// The attributes of a start tag without declarations of namespaces.
fn attributes(
    reader: &NsReader<&[u8]>,
    tag: &BytesStart<'_>,
    namespaces: &mut Namespaces,
) -> Result<Vec<Attribute>, XmlError> {
    let mut found: Vec<Attribute> = Vec::new();
    for (number, attribute) in tag.attributes().enumerate() {
        if number == MAX_ATTRIBUTES {
            return Err(XmlError::TooLarge);
        }
        let attribute = attribute.map_err(|error| match error {
            quick_xml::events::attributes::AttrError::Duplicated(..) => XmlError::Repeated,
            _ => XmlError::Malformed,
        })?;
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let namespace = namespaces.get(namespace)?;
        if &*namespace == XMLNS || attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlError::Forbidden)?;
        if !value.chars().all(is_permitted) || attribute.value.contains('<') {
            return Err(XmlError::Malformed);
        }
        let attribute = Attribute { namespace, name: name.as_ref().to_owned(), value: value.into_owned() };
        if found.iter().any(|one| (&one.namespace, &one.name) == (&attribute.namespace, &attribute.name)) {
            return Err(XmlError::Repeated);
        }
        found.push(attribute);
    }
    Ok(found)
}

/// The namespaces of a document, each once: many elements can be in a long one.
#[derive(Default)]
struct Namespaces(HashSet<Arc<str>>);

impl Namespaces {
    fn get(&mut self, resolved: ResolveResult<'_>) -> Result<Arc<str>, XmlError> {
        let bound = match &resolved {
            ResolveResult::Bound(namespace) => namespace.as_ref(),
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(_) => return Err(XmlError::Malformed),
        };
        if bound.len() > MAX_NAMESPACE {
            return Err(XmlError::TooLarge);
        }
        if let Some(known) = self.0.get(bound) {
            return Ok(Arc::clone(known));
        }
        let new: Arc<str> = bound.into();
        self.0.insert(Arc::clone(&new));
        Ok(new)
    }
}

/// The character of a reference: by number, or one of the five names.
fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| XmlError::Malformed)? {
        return Some(character).filter(|one| is_permitted(*one)).ok_or(XmlError::Malformed);
    }
    match &*reference.xml10_content() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(XmlError::Forbidden),
    }
}

/// Whether XML 1.0 permits a character.
fn is_permitted(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
