//! What look-ups show of a record: all but the details of a denial.
//!
//! They have the context and the policies of the caller, which `iam:GetRequestAuthorizationDetails` permits to see. Callers who
//! may look up events see the authorization id in the message.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The name of the member, as it is written.
const MEMBER: &str = "\"authorization\":";

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "additionalEventData")]
    additional: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Additional<'a> {
    #[serde(borrow)]
    authorization: Option<&'a RawValue>,
}

/// The line of a record as look-ups show it. Without the details it is not the line that is in its segment.
pub(crate) fn without_details(mut line: String) -> String {
    if line.contains(MEMBER)
        && let Some(range) = details(&line)
    {
        line.replace_range(range, "");
    }
    line
}

/// Where the details are, with the name of the member.
fn details(line: &str) -> Option<Range<usize>> {
    let additional = serde_json::from_str::<Line<'_>>(line).ok()?.additional?.get();
    let value = serde_json::from_str::<Additional<'_>>(additional).ok()?.authorization?.get();
    // Both are parts of the line.
    let begin = value.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let end = begin + value.len();
    let before = line.get(..begin)?.strip_suffix(MEMBER)?;
    Some(match before.strip_suffix(',') {
        Some(before) => before.len()..end,
        None if line[end..].starts_with(',') => before.len()..end + 1,
        None => before.len()..end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_left_out_and_nothing_else() {
        let details = r#"{"requestContext":{"a":"b"},"evaluations":[],"policies":[{"x":",\"authorization\":{}"}]}"#;
        let with = |details: &str| {
            format!(
                r#"{{"userAgent":",\"authorization\":{{}}","requestParameters":{{"a":1,"authorization":{{"b":2}}}},"additionalEventData":{{{details}}},"eventID":"1"}}"#
            )
        };
        let own = format!(r#""authorization":{details}"#);
        let decision = r#""decision":{"outcome":"EXPLICIT_DENY"}"#;
        assert_eq!(without_details(with(&format!("{decision},{own}"))), with(decision));
        assert_eq!(without_details(with(&format!("{own},{decision}"))), with(decision));
        assert_eq!(without_details(with(&own)), with(""));
        for other in [with(decision), String::new(), "{}".to_owned(), ",\"authorization\":".to_owned()] {
            assert_eq!(without_details(other.clone()), other);
        }
    }
}
