//! Entry points of fuzz targets: properties that hold for every input.
//!
//! Each function panics if its property does not hold.

use crate::kind::PolicyKind;
use crate::principal::{PrincipalKind, PrincipalName};
use crate::template::Template;
use crate::{Limits, SaveRules, Validation};

/// Any text is read or refused, under every kind; what was read prints, and what was printed reads and prints the same.
///
/// # Panics
/// If the property does not hold.
pub fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = crate::non_whitespace_len(text);
    for kind in PolicyKind::ALL {
        for finding in crate::validate(text, kind, &Validation::default()) {
            assert!(!finding.details.is_empty() && !finding.locations.is_empty());
            assert!(finding.locations.iter().all(|location| location.span.end.offset as usize <= text.len()));
        }
        let all = crate::parse_all(text, kind, &Limits::default());
        match crate::parse(text, kind) {
            Err(first) => {
                let errors = all.expect_err("refused once, refused twice");
                assert!(errors.contains(&first), "{first}");
                for error in errors {
                    assert!(error.span.end.offset as usize <= text.len(), "{error}");
                    let _ = (error.to_string(), error.aws_message());
                }
            }
            Ok(document) => {
                assert_eq!(all.as_ref(), Ok(&document));
                let _ = crate::parse_strict(text, kind, &SaveRules::default());
                let printed = crate::to_json(&document);
                let again = crate::parse(&printed, kind).expect("what was printed is a document");
                assert_eq!(crate::to_json(&again), printed);
                let pretty = crate::to_pretty_json(&document);
                assert_eq!(crate::format(&pretty, kind).as_ref(), Ok(&pretty));
                let same = crate::rewrite_principals(text, kind, |_, _| None);
                assert_eq!(same.as_deref(), Ok(text));
            }
        }
    }
}

/// Any text is cut into pieces that make up the text again, or is refused at a place within it.
///
/// # Panics
/// If the property does not hold.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Template::parse(text) {
        Ok(pieces) => assert_eq!(pieces.is_empty(), text.is_empty()),
        Err(error) => assert!(text.get(error.offset()..).is_some_and(|rest| rest.starts_with("${"))),
    }
}

/// Any text is a principal of a kind, or is none.
pub fn principal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for kind in [PrincipalKind::Aws, PrincipalKind::Service, PrincipalKind::Federated, PrincipalKind::CanonicalUser] {
        let _ = PrincipalName::parse(kind, text);
    }
}
