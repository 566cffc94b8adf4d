//! Changes to AWS's config and credentials files that leave everything else in them byte for byte.

use zeroize::Zeroizing;

use super::ini::{self, IniError, Line, Place, Sections, Setting};

/// Why a file is not changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EditError {
    /// The file cannot be parsed.
    Parse(IniError),
    /// The changed file would have another meaning than the wanted one.
    Meaning,
}

impl From<IniError> for EditError {
    fn from(error: IniError) -> Self {
        EditError::Parse(error)
    }
}

/// Sets settings of a section, which is added at the end if the file does not have it.
///
/// # Errors
/// When the file cannot be parsed, or a value has characters that a setting cannot have.
pub(super) fn set(text: &str, section: &str, settings: &[(&str, Setting)]) -> Result<Zeroizing<String>, EditError> {
    let places = ini::places(text)?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let length =
        settings.iter().map(|(name, value)| name.len() + value.text().unwrap_or_default().len() + 256).sum::<usize>();
    // Reserved at once: a string that grows would leave copies of secrets in memory.
    let mut out = Zeroizing::new(String::with_capacity(text.len() + section.len() + length + 8));
    let add = |out: &mut String, parts: &[&str]| parts.iter().for_each(|part| out.push_str(part));
    let write = |out: &mut String, indent: usize| {
        let before = " ".repeat(indent);
        for (name, value) in settings {
            match value {
                Setting::Text(text) => add(out, &[&before, name, " = ", text, end]),
                Setting::Nested(nested) => {
                    add(out, &[&before, name, " =", end]);
                    nested.iter().for_each(|(name, text)| add(out, &[&before, "  ", name, " = ", text, end]));
                }
            }
        }
    };
    let is_own = |place: &Place| place.section.as_deref() == Some(section);
    // Settings of a section that are indented would continue one that is not.
    let indent = places.iter().filter(|place| is_own(place)).find_map(|place| match place.line {
        Line::Setting(indent) => Some(indent),
        _ => None,
    });
    let mut is_written = false;
    for (line, place) in text.split_inclusive('\n').zip(&places) {
        if is_own(place) && is_of(place, settings.iter().map(|(name, _)| *name)) {
            continue;
        }
        out.push_str(line);
        if is_own(place) && place.line == Line::Header {
            if !line.ends_with('\n') {
                out.push_str(end);
            }
            write(&mut out, indent.unwrap_or_default());
            is_written = true;
        }
    }
    if !is_written {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(end);
        }
        if !out.is_empty() {
            out.push_str(end);
        }
        add(&mut out, &["[", section, "]", end]);
        write(&mut out, 0);
    }
    let mut expected = ini::parse(text)?;
    let own = expected.entry(section.to_owned()).or_default();
    own.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    means(out, &expected)
}

/// Removes settings of a section, and the section if nothing else is in it.
///
/// # Errors
/// When the file cannot be parsed.
pub(super) fn remove(text: &str, section: &str, names: &[&str]) -> Result<Zeroizing<String>, EditError> {
    let places = ini::places(text)?;
    let is_own = |place: &Place| place.section.as_deref() == Some(section);
    let goes = |place: &Place| is_own(place) && is_of(place, names.iter().copied());
    let is_content = |place: &Place| matches!(place.line, Line::Setting(_) | Line::Continuation | Line::Comment);
    let is_empty = !places.iter().any(|place| is_own(place) && is_content(place) && !goes(place));
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    for (line, place) in text.split_inclusive('\n').zip(&places) {
        if is_empty && is_own(place) && place.line == Line::Header {
            // The empty line that was added with the section.
            let before = out.strip_suffix("\r\n\r\n").map(str::len).map(|length| length + 2);
            let before = before.or_else(|| out.strip_suffix("\n\n").map(str::len).map(|length| length + 1));
            if let Some(length) = before {
                out.truncate(length);
            }
        } else if !goes(place) {
            out.push_str(line);
        }
    }
    let mut expected = ini::parse(text)?;
    if is_empty {
        expected.remove(section);
    } else if let Some(own) = expected.get_mut(section) {
        own.retain(|name, _| !names.contains(&name.as_str()));
    }
    means(out, &expected)
}

/// Whether a line belongs to one of the settings.
fn is_of<'n>(place: &Place, mut names: impl Iterator<Item = &'n str>) -> bool {
    let is_line = matches!(place.line, Line::Setting(_) | Line::Continuation);
    is_line && names.any(|name| place.setting.as_deref() == Some(name))
}

/// The text, if it is read as expected.
fn means(text: Zeroizing<String>, expected: &Sections) -> Result<Zeroizing<String>, EditError> {
    match ini::parse(&text) {
        Ok(found) if found == *expected => Ok(text),
        _ => Err(EditError::Meaning),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["aws_access_key_id", "aws_session_token"];
    fn new() -> [(&'static str, Setting); 2] {
        [(NAMES[0], text("NEW")), (NAMES[1], text("a+/=b"))]
    }

    fn text(value: &str) -> Setting {
        Setting::Text(Zeroizing::new(value.to_owned()))
    }

    const LINES: &str = "aws_access_key_id = NEW\naws_session_token = a+/=b\n";

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let check = |before: &str, expected: &str| {
            let after = set(before, "p", &new()).unwrap();
            assert_eq!(*after, expected.replace("NEW\n", LINES), "{before:?}");
            // A second time changes nothing.
            assert_eq!(*set(&after, "p", &new()).unwrap(), *after, "{before:?}");
        };
        check("", "[p]\nNEW\n");
        check("[default]\nx = 1\n", "[default]\nx = 1\n\n[p]\nNEW\n");
        check("[default]\nx = 1", "[default]\nx = 1\n\n[p]\nNEW\n");
        check("# only a comment\n", "# only a comment\n\n[p]\nNEW\n");
        check("[p]", "[p]\nNEW\n");
        check("[p]\n", "[p]\nNEW\n");
        check("[p] # mine\n\n[q]\nx=1\n", "[p] # mine\nNEW\n\n[q]\nx=1\n");
        check(
            "# top\n[a]\naws_access_key_id = OTHER\n\n; mine\n[p]\n# mine\nAWS_Access_Key_Id:OLD\nregion   =  x  # y\naws_session_token = one\n  two\n# end\n[z]\n",
            "# top\n[a]\naws_access_key_id = OTHER\n\n; mine\n[p]\nNEW\n# mine\nregion   =  x  # y\n# end\n[z]\n",
        );
        check("[p]\ns3 =\n  aws_session_token = nested\n", "[p]\nNEW\ns3 =\n  aws_session_token = nested\n");
        check("[a]\nx = 1\n  [p]\n", "[a]\nx = 1\n  [p]\n\n[p]\nNEW\n");
        check("\u{a0}\n[p]\ny=é漢\n", "\u{a0}\n[p]\nNEW\ny=é漢\n");
    }

    #[test]
    fn indentation_and_line_ends_are_those_of_the_file() {
        let found = set("[p]\r\nx = 1\r\n", "p", &new()).unwrap();
        assert_eq!(*found, "[p]\r\naws_access_key_id = NEW\r\naws_session_token = a+/=b\r\nx = 1\r\n");
        let found = set("[p]\n  x = 1\n  y = 2\n", "p", &new()).unwrap();
        assert_eq!(*found, "[p]\n  aws_access_key_id = NEW\n  aws_session_token = a+/=b\n  x = 1\n  y = 2\n");
    }

    #[test]
    fn nested_settings() {
        let nested = Setting::Nested([("endpoint_url".to_owned(), "http://127.0.0.1:7470".to_owned())].into());
        let found = set("[a]\nx = 1\n", "services s", &[("iam", nested.clone()), ("sts", nested.clone())]).unwrap();
        let lines = "[services s]\niam =\n  endpoint_url = http://127.0.0.1:7470\nsts =\n  endpoint_url = http://127.0.0.1:7470\n";
        assert_eq!(*found, format!("[a]\nx = 1\n\n{lines}"));
        assert_eq!(*set(&found, "services s", &[("iam", nested.clone()), ("sts", nested)]).unwrap(), *found);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for value in ["a\nb", "a\n[q]", " a", "a ", "a\r", "a\r[q]", "a\r[q]\rcredential_process = x"] {
            assert_eq!(set("[p]\n", "p", &[("x", text(value))]), Err(EditError::Meaning), "{value:?}");
        }
        for section in ["a\nb", "p]\n[q", "p]\r[q", "a\rb", ""] {
            assert!(set("", section, &new()).is_err() || section.is_empty(), "{section:?}");
        }
        let duplicate = IniError { line: 2, problem: "the section [p] is duplicated".to_owned() };
        assert_eq!(set("[p]\n[p]\n", "p", &new()), Err(EditError::Parse(duplicate)));
    }

    #[test]
    fn what_was_set_is_removed() {
        for before in
            ["[default]\nx = 1\n", "# c\n", "[default]\r\nx = 1\r\n", "[p]\nregion = x\n[q]\n", "[p]\n# mine\n", ""]
        {
            let after = set(before, "p", &new()).unwrap();
            assert_eq!(*remove(&after, "p", &NAMES).unwrap(), before, "{before:?}");
            assert_eq!(*remove(before, "p", &NAMES).unwrap(), before, "{before:?}: nothing to remove");
        }
        let found = remove("[a]\nx=1\n\n[p]\naws_access_key_id=A\n\n[b]\ny=2\n", "p", &NAMES).unwrap();
        assert_eq!(*found, "[a]\nx=1\n\n[b]\ny=2\n");
    }
}
