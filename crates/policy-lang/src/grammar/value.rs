//! The form of actions, resources and variables.

use bailiwick_model::Partition;

use super::Grammar;
use crate::catalogue::Catalogue;
use crate::document::Text;
use crate::error::ErrorKind;
use crate::json::quoted;
use crate::span::Span;
use crate::template::{Template, TemplateError};

impl Grammar {
    /// `*`, or `service:Name` with wildcards.
    pub(super) fn action_pattern(&mut self, pattern: &Text) {
        if &*pattern.value == "*" {
            return;
        }
        let mut parts = pattern.value.split(':');
        let (service, name) = (parts.next().unwrap_or(""), parts.next());
        let expected = "`*`, or a service prefix, a colon and the name of an action";
        let kind = match name {
            None => ErrorKind::ActionPrefix,
            _ if service.is_empty() => ErrorKind::ActionPrefix,
            _ if parts.next().is_some() => ErrorKind::ActionColons,
            _ if !service.bytes().all(is_vendor) => ErrorKind::ActionVendor,
            Some(name) if name.is_empty() || !name.bytes().all(is_action) => ErrorKind::ActionCharacter,
            Some(_) => return,
        };
        // Of a prefix that is wrong, it is the prefix that the message is about.
        let found = if kind == ErrorKind::ActionVendor { service } else { &*pattern.value };
        let mut services = Catalogue::builtin().services().filter(|_| kind == ErrorKind::ActionPrefix);
        let meant = services.find_map(|known| Some(format!("{}:{}", known.prefix, known.action(found)?.name)));
        self.misspelt(kind, pattern.span, found, expected, meant);
    }

    /// `*`, or an ARN with wildcards and variables.
    pub(super) fn resource_pattern(&mut self, pattern: &Text) {
        let text = &*pattern.value;
        if text == "*" {
            return;
        }
        if text.strip_prefix("arn:").is_none_or(str::is_empty) {
            // AWS looks for a partition after the first colon, whatever stands before it.
            let partition = text.split(':').nth(1).filter(|name| !name.is_empty());
            let kind = match partition {
                Some(name) if !Partition::ALL.iter().any(|known| known.as_str() == name) => {
                    ErrorKind::ResourcePartition
                }
                _ => ErrorKind::ResourceFormat,
            };
            self.problem(kind, pattern.span, quoted(text), "`*` or an ARN");
        }
        self.variables(text, pattern.span);
    }

    /// Refuses broken variables, where the version knows them.
    pub(super) fn variables(&mut self, text: &str, span: Span) {
        if !self.version.has_variables() || !Template::is_needed(text) {
            return;
        }
        if let Some(Err(error)) = Template::new(text).find(Result::is_err) {
            let kind = match error {
                TemplateError::MissingBrace(_) => ErrorKind::VariableBrace,
                TemplateError::MissingQuote(_) => ErrorKind::VariableQuote,
                TemplateError::Empty(_) => ErrorKind::VariableEmpty,
                TemplateError::Space(_) => ErrorKind::VariableSpace,
                TemplateError::Character(_) => ErrorKind::VariableCharacter,
            };
            let found = quoted(text.get(error.offset()..).unwrap_or(text));
            let expected = "`${key}` or `${key, 'default'}` (`${$}` for a plain dollar sign)";
            self.problem(kind, span, found, expected);
        }
    }
}

fn is_vendor(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._*?".contains(&byte)
}

/// Spaces, as no action has them: AWS takes them all the same.
fn is_action(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"*?-_./ ".contains(&byte)
}
