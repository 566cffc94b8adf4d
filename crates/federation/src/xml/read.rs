//! From events to elements.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::{AttrError, Attribute as RawAttribute};
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, QName};

use super::names::{is_name, is_permitted};
use super::scope::{Binding, Scope};
use super::{Attribute, Document, ElementData, MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, Node, XmlError};

/// Parses a document; these namespaces are in scope around its root.
pub(super) fn document(text: &str, around: Vec<Binding>) -> Result<Document, XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(XmlError::TooLarge);
    }
    if !text.chars().all(is_permitted) {
        return Err(XmlError::Malformed);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    let mut building = Building::new(&around);
    let mut is_first = true;
    loop {
        match reader.read_event().map_err(|_| XmlError::Malformed)? {
            Event::Start(tag) => building.open(&tag)?,
            Event::End(_) => building.close(),
            Event::Text(part) => building.add_text(&part.xml10_content())?,
            Event::CData(part) => building.add_text(&part.xml10_content())?,
            Event::GeneralRef(reference) => {
                let mut bytes = [0; 4];
                building.add_text(resolve(&reference)?.encode_utf8(&mut bytes))?;
            }
            Event::Comment(_) => building.has_comments = true,
            Event::Decl(declaration) if is_first => check_version(&declaration)?,
            Event::Decl(_) => return Err(XmlError::Malformed),
            // Comments are the only thing in it that would be harmless.
            Event::DocType(_) | Event::PI(_) => return Err(XmlError::Forbidden),
            Event::Empty(_) => return Err(XmlError::Malformed),
            Event::Eof => return building.finish(around),
        }
        is_first = false;
    }
}

/// Refuses other versions of XML, which have other rules for characters and ends of lines.
fn check_version(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.version() {
        Ok(version) if &*version == "1.0" => Ok(()),
        _ => Err(XmlError::Malformed),
    }
}

/// The document as far as it was read.
struct Building {
    elements: Vec<ElementData>,
    /// The elements that are open, the innermost last.
    open: Vec<usize>,
    ids: HashSet<String>,
    scope: Scope,
    has_comments: bool,
}

impl Building {
    fn new(around: &[Binding]) -> Self {
        Building {
            elements: Vec::new(),
            open: Vec::new(),
            ids: HashSet::new(),
            scope: Scope::new(around),
            has_comments: false,
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.elements.len() == MAX_ELEMENTS || self.open.len() == MAX_DEPTH {
            return Err(XmlError::TooLarge);
        }
        let parent = self.open.last().copied();
        if parent.is_none() && !self.elements.is_empty() {
            return Err(XmlError::Malformed);
        }
        let raw = raw_attributes(tag)?;
        let declared = self.declarations(&raw)?;
        let (prefix, name) = split(tag.name())?;
        let (prefix, namespace) = self.scope.resolve(prefix)?;
        let attributes = self.attributes(&raw)?;
        let at = self.elements.len();
        if let Some(parent) = parent {
            self.elements[parent].nodes.push(Node::Element(at));
        }
        let name = name.to_owned();
        self.elements.push(ElementData { prefix, namespace, name, declared, attributes, nodes: Vec::new(), parent });
        self.open.push(at);
        Ok(())
    }

    fn close(&mut self) {
        if let Some(at) = self.open.pop() {
            self.scope.leave(self.elements[at].declared.len());
        }
    }

    /// The declarations of namespaces of a start tag, which are in scope from now on.
    fn declarations(&mut self, raw: &[RawAttribute<'_>]) -> Result<Vec<Binding>, XmlError> {
        let mut declared: Vec<Binding> = Vec::new();
        for attribute in raw {
            let prefix = match attribute.key.as_namespace_binding() {
                None => continue,
                Some(PrefixDeclaration::Default) => "",
                // An empty prefix is not a name, and would be the default.
                Some(PrefixDeclaration::Named("")) => return Err(XmlError::Malformed),
                Some(PrefixDeclaration::Named(prefix)) => prefix,
            };
            declared.extend(self.scope.declare(prefix, &value(attribute)?)?);
        }
        Ok(declared)
    }

    /// The attributes of a start tag without declarations of namespaces.
    fn attributes(&mut self, raw: &[RawAttribute<'_>]) -> Result<Vec<Attribute>, XmlError> {
        let mut found: Vec<Attribute> = Vec::new();
        for attribute in raw.iter().filter(|one| one.key.as_namespace_binding().is_none()) {
            let (prefix, name) = split(attribute.key)?;
            // The default namespace is not that of attributes.
            let (prefix, namespace) = if prefix.is_empty() { self.scope.none() } else { self.scope.resolve(prefix)? };
            let attribute = Attribute { prefix, namespace, name: name.to_owned(), value: value(attribute)? };
            if found.iter().any(|one| (&one.namespace, &one.name) == (&attribute.namespace, &attribute.name)) {
                return Err(XmlError::Repeated);
            }
            // SAML and XML signatures name an element by these attributes.
            if name.eq_ignore_ascii_case("id") && !self.ids.insert(attribute.value.clone()) {
                return Err(XmlError::Repeated);
            }
            found.push(attribute);
        }
        Ok(found)
    }

    /// Adds text to the innermost element. Outside of the root there is only white space.
    fn add_text(&mut self, text: &str) -> Result<(), XmlError> {
        let Some(at) = self.open.last() else {
            let is_white = text.bytes().all(|byte| byte.is_ascii_whitespace());
            return if is_white { Ok(()) } else { Err(XmlError::Malformed) };
        };
        match self.elements[*at].nodes.last_mut() {
            _ if text.is_empty() => {}
            Some(Node::Text(before)) => before.push_str(text),
            _ => self.elements[*at].nodes.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn finish(self, around: Vec<Binding>) -> Result<Document, XmlError> {
        if self.elements.is_empty() || !self.open.is_empty() {
            return Err(XmlError::Malformed);
        }
        Ok(Document { elements: self.elements, around, has_comments: self.has_comments })
    }
}

/// The attributes of a start tag, declarations of namespaces included. None is twice there.
fn raw_attributes<'t>(tag: &'t BytesStart<'_>) -> Result<Vec<RawAttribute<'t>>, XmlError> {
    let mut found = Vec::new();
    for attribute in tag.attributes() {
        if found.len() == MAX_ATTRIBUTES {
            return Err(XmlError::TooLarge);
        }
        found.push(attribute.map_err(|error| match error {
            AttrError::Duplicated(..) => XmlError::Repeated,
            _ => XmlError::Malformed,
        })?);
    }
    Ok(found)
}

/// The prefix and the rest of a name.
fn split(name: QName<'_>) -> Result<(&str, &str), XmlError> {
    let (local, prefix) = name.decompose();
    let (prefix, local) = (prefix.map(|prefix| prefix.into_inner()), local.into_inner());
    if prefix.is_some_and(|prefix| !is_name(prefix)) || !is_name(local) {
        return Err(XmlError::Malformed);
    }
    Ok((prefix.unwrap_or_default(), local))
}

/// The value of an attribute.
fn value(attribute: &RawAttribute<'_>) -> Result<String, XmlError> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlError::Forbidden)?;
    if !value.chars().all(is_permitted) || attribute.value.contains('<') {
        return Err(XmlError::Malformed);
    }
    Ok(value.into_owned())
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
