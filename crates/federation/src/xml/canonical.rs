//! Exclusive XML canonicalization 1.0 without comments.

use super::{Attribute, Element, Node, XmlError};

impl<'d> Element<'d> {
    /// The canonical text of an element, as if `without` were not in the document. The prefixes in `inclusive`, of which
    /// the empty one is the default namespace, are written where they are in scope rather than where they are used.
    ///
    /// The canonical text can be much longer than the document: a namespace that is declared once is written again on each
    /// of the elements next to each other that use it.
    ///
    /// # Errors
    /// [`XmlError::TooLarge`] if the canonical text is longer than `max` bytes.
    pub(crate) fn canonical(
        self,
        without: Option<Element<'d>>,
        inclusive: &[&'d str],
        max: usize,
    ) -> Result<String, XmlError> {
        let mut writer = Writer { text: String::new(), rendered: Vec::new(), inclusive, without, max };
        writer.element(self, true)?;
        writer.within_limit()?;
        Ok(writer.text)
    }
}

struct Writer<'d, 'p> {
    text: String,
    /// The declarations that the elements around have written, as prefix and namespace, the innermost last.
    rendered: Vec<(&'d str, &'d str)>,
    inclusive: &'p [&'d str],
    without: Option<Element<'d>>,
    max: usize,
}

impl<'d> Writer<'d, '_> {
    // The recursion is as deep as the document, which has a limit.
    fn element(&mut self, element: Element<'d>, is_first: bool) -> Result<(), XmlError> {
        // An element has a bounded number of bounded declarations.
        self.within_limit()?;
        let data = element.data();
        let before = self.rendered.len();
        self.text.push('<');
        self.name(&data.prefix, &data.name);
        for (prefix, namespace) in self.declarations(element, is_first) {
            self.text.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.text.push_str(prefix);
            self.value(namespace);
            self.rendered.push((prefix, namespace));
        }
        let mut attributes: Vec<&Attribute> = data.attributes.iter().collect();
        attributes.sort_by_key(|one| (&*one.namespace, one.name.as_str()));
        for attribute in attributes {
            self.text.push(' ');
            self.name(&attribute.prefix, &attribute.name);
            self.value(&attribute.value);
        }
        self.text.push('>');
        for node in &data.nodes {
            match node {
                Node::Text(text) => self.content(text),
                Node::Element(at) => {
                    let child = Element { document: element.document, at: *at };
                    if self.without != Some(child) {
                        self.element(child, false)?;
                    }
                }
            }
        }
        self.text.push_str("</");
        self.name(&data.prefix, &data.name);
        self.text.push('>');
        self.rendered.truncate(before);
        Ok(())
    }

    fn within_limit(&self) -> Result<(), XmlError> {
        if self.text.len() > self.max { Err(XmlError::TooLarge) } else { Ok(()) }
    }

    /// The declarations to write on an element, by prefix.
    fn declarations(&self, element: Element<'d>, is_first: bool) -> Vec<(&'d str, &'d str)> {
        let data = element.data();
        let of_attributes = data.attributes.iter().filter(|one| !one.prefix.is_empty());
        let mut needed: Vec<(&str, &str)> = of_attributes
            .map(|one| (&*one.prefix, &*one.namespace))
            .chain([(&*data.prefix, &*data.namespace)])
            .collect();
        for prefix in self.inclusive {
            // What is in scope changes only where something is declared.
            if is_first || data.declared.iter().any(|binding| &*binding.prefix == *prefix) {
                let namespace = element.in_scope(prefix);
                // Another prefix than the default stands for no namespace only where it is not declared.
                if prefix.is_empty() || !namespace.is_empty() {
                    needed.push((prefix, namespace));
                }
            }
        }
        needed.retain(|(prefix, namespace)| *prefix != "xml" && self.rendered_as(prefix) != *namespace);
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// The namespace that a prefix stands for by what is written; empty for none.
    fn rendered_as(&self, prefix: &str) -> &'d str {
        let found = self.rendered.iter().rev().find(|(rendered, _)| *rendered == prefix);
        found.map_or("", |(_, namespace)| *namespace)
    }

    fn name(&mut self, prefix: &str, name: &str) {
        if !prefix.is_empty() {
            self.text.push_str(prefix);
            self.text.push(':');
        }
        self.text.push_str(name);
    }

    /// Writes the value of an attribute with its equals sign.
    fn value(&mut self, value: &str) {
        self.text.push_str("=\"");
        for character in value.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '"' => self.text.push_str("&quot;"),
                '\t' => self.text.push_str("&#x9;"),
                '\n' => self.text.push_str("&#xA;"),
                '\r' => self.text.push_str("&#xD;"),
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    fn content(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '\r' => self.text.push_str("&#xD;"),
                other => self.text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests;
