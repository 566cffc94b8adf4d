//! The context of a request as lines `KEY=VALUE[,TYPE]`, as the command `bailiwick explain` takes it.

use bailiwick_api::authz::{ContextEntry, ContextType};
use bailiwick_api::iam;
use bailiwick_model::{ErrorCode, IamError, Result};

use crate::form::Form;

/// The types by name; after each one that of its lists.
const TYPES: [(&str, ContextType); 12] = [
    ("string", ContextType::String),
    ("stringList", ContextType::StringList),
    ("numeric", ContextType::Numeric),
    ("numericList", ContextType::NumericList),
    ("boolean", ContextType::Boolean),
    ("booleanList", ContextType::BooleanList),
    ("ip", ContextType::Ip),
    ("ipList", ContextType::IpList),
    ("binary", ContextType::Binary),
    ("binaryList", ContextType::BinaryList),
    ("date", ContextType::Date),
    ("dateList", ContextType::DateList),
];

/// The context that was typed, with the key that was filled in beside it.
pub(in crate::pages) fn typed_lines(query: &Form) -> String {
    let mut lines = query.raw("context").to_owned();
    if let Some(key) = query.text("key") {
        if !lines.is_empty() && !lines.ends_with('\n') {
            lines.push('\n');
        }
        lines.push_str(&format!("{key}={}", query.typed("value")));
    }
    lines
}

/// Parses the lines. Empty lines do not count. Several lines of one key are its values, all of one type.
///
/// # Errors
/// `InvalidInput` with the line.
pub(in crate::pages) fn entries(text: &str) -> Result<Vec<ContextEntry>> {
    let mut entries: Vec<ContextEntry> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let refused = |why: &str| {
            let message = format!("line {} of the context, `{}`, {why}", at + 1, line.trim());
            IamError::new(ErrorCode::InvalidInput, message)
        };
        let pair = line.trim().split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, rest)) = pair.filter(|(key, _)| !key.is_empty()) else {
            return Err(refused("is not KEY=VALUE, such as aws:SourceIp=10.0.0.1"));
        };
        let (value, kind) = typed(rest).unwrap_or((rest, ContextType::Unspecified));
        let Some(entry) = entries.iter_mut().find(|entry| entry.key.eq_ignore_ascii_case(key)) else {
            entries.push(ContextEntry { key: key.to_owned(), r#type: kind.into(), values: vec![value.to_owned()] });
            continue;
        };
        let old = entry.r#type();
        if kind != ContextType::Unspecified && old != ContextType::Unspecified && list_of(old) != list_of(kind) {
            return Err(refused("has another type than an earlier line of the key"));
        }
        let kind = if kind == ContextType::Unspecified { old } else { kind };
        entry.r#type = list_of(kind).into();
        entry.values.push(value.to_owned());
    }
    Ok(entries)
}

/// The entries of those lines as IAM's simulator takes them: what names no type is a text.
///
/// # Errors
/// As [`entries`].
pub(in crate::pages) fn simulated(text: &str) -> Result<Vec<iam::ContextEntry>> {
    let simulated = |entry: ContextEntry| {
        let kind = match entry.r#type() {
            ContextType::Unspecified if entry.values.len() > 1 => ContextType::StringList,
            ContextType::Unspecified => ContextType::String,
            kind => kind,
        };
        let name = TYPES.iter().find(|(_, known)| *known == kind).map(|(name, _)| (*name).to_owned());
        iam::ContextEntry {
            context_key_name: Some(entry.key),
            context_key_values: entry.values,
            context_key_type: name,
        }
    };
    Ok(entries(text)?.into_iter().map(simulated).collect())
}

/// The value and the type behind its last comma, if that is one.
fn typed(text: &str) -> Option<(&str, ContextType)> {
    let (value, name) = text.rsplit_once(',')?;
    let (_, kind) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))?;
    Some((value, *kind))
}

/// The type of several values of a type.
fn list_of(kind: ContextType) -> ContextType {
    let at = TYPES.iter().position(|(_, known)| *known == kind);
    at.map_or(kind, |at| TYPES[at | 1].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_filled_in_is_added() {
        for (query, expected) in [
            ("context=a%3D1&key=&value=x", "a=1"),
            ("key=+aws:SourceIp+&value=10.0.0.1", "aws:SourceIp=10.0.0.1"),
            ("context=a%3D1&key=b&value=2", "a=1\nb=2"),
            ("context=a%3D1%0D%0A&key=b", "a=1\r\nb="),
        ] {
            assert_eq!(typed_lines(&Form::parse(query.as_bytes()).unwrap()), expected, "{query}");
        }
    }

    #[test]
    fn lines_become_entries() {
        let shown = |text: &str| match entries(text) {
            Ok(entries) => entries
                .iter()
                .map(|entry| format!("{} {:?} {}", entry.key, entry.r#type(), entry.values.join("|")))
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => error.message().to_owned(),
        };
        for (text, expected) in [
            ("", ""),
            ("\r\n aws:SourceIp = 10.0.0.1 \r\n", "aws:SourceIp Unspecified 10.0.0.1"),
            ("s3:prefix=", "s3:prefix Unspecified "),
            ("x:note=seen,ip,string", "x:note String seen,ip"),
            ("x:n=1,numeric\nX:N=2", "x:n NumericList 1|2"),
            ("aws:TagKeys=a\naws:TagKeys=b", "aws:TagKeys Unspecified a|b"),
            ("a=b\nnothing", "line 2 of the context, `nothing`, is not KEY=VALUE, such as aws:SourceIp=10.0.0.1"),
            ("=x", "line 1 of the context, `=x`, is not KEY=VALUE, such as aws:SourceIp=10.0.0.1"),
            (
                "a=1,ip\na=2,numeric",
                "line 2 of the context, `a=2,numeric`, has another type than an earlier line of the key",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
