//! Texts of policies: documents, templates, principals, condition values, ARNs.

use bailiwick_model::Arn;
use bailiwick_policy_lang::operator::Family;
use bailiwick_policy_lang::{fuzz, value};

pub use fuzz::{document as policy_document, principal, template as policy_template};

const FAMILIES: [Family; 8] = [
    Family::String,
    Family::Numeric,
    Family::Date,
    Family::Bool,
    Family::Binary,
    Family::Ip,
    Family::Arn,
    Family::Null,
];

/// A text is a value of each type of condition operator, or it is not. A value of a policy is one of a context as well,
/// and a network contains its own address.
///
/// # Panics
/// If the property does not hold.
pub fn condition_value(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for family in FAMILIES {
        let (in_policy, in_context) = (value::is_policy_value(family, text), value::is_context_value(family, text));
        if family != Family::Ip {
            assert!(!in_context || in_policy, "{family:?}: {text:?} is valid in a context only");
        }
    }
    if let Some(range) = value::IpRange::parse(text) {
        assert!(range.contains(range.address()) && range.is_within(&range.network()), "{text:?}");
    }
    if let Some(address) = value::parse_address(text) {
        assert!(value::IpRange::parse(text).is_some_and(|range| range.contains(address)), "{text:?}");
    }
    if let Some(number) = value::Number::parse(text) {
        assert_eq!(Some(number), value::Number::parse(text));
    }
    if let Some(instant) = value::Instant::parse(text) {
        assert_eq!(instant, value::Instant::parse(text).unwrap());
    }
    if let Some(decoded) = value::Base64::parse(text) {
        assert!(decoded.bytes().count() <= text.len());
    }
}

/// The parts of an ARN make up its text again.
///
/// # Panics
/// If the property does not hold.
pub fn arn(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(arn) = Arn::parse(text) else { return };
    let parts = ["arn", arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
    assert_eq!(parts.join(":"), text);
    assert_eq!(arn.as_str(), text);
    if let Some(account) = arn.account_id() {
        assert_eq!(account.to_string(), arn.account());
    }
    if let Some((kind, _, name)) = arn.typed_resource() {
        assert!(arn.resource().starts_with(kind) && arn.resource().ends_with(name), "{text:?}");
    }
}
