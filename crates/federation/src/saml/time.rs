//! Times of SAML.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Parses a time of `xs:dateTime`, which SAML has in UTC, with or without a `Z`.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let without_zone = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>().ok().or_else(without_zone)
}
