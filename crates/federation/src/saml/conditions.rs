//! Whether a verified assertion is for this deployment, and for now.

use jiff::{SignedDuration, Timestamp};

use super::names::{ASSERTION, BEARER};
use super::{SamlError, SamlTrust, time};
use crate::xml::Element;

/// How far the clocks of provider and deployment may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How long an assertion is accepted after it was issued, skew excluded.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(5);

/// Times and endpoint of an assertion that may be used.
pub(super) struct Accepted {
    /// When it stops being accepted.
    pub(super) expires: Timestamp,
    pub(super) recipient: String,
    pub(super) session_ends: Option<Timestamp>,
}

/// Checks issuer, audience, recipient and times of an assertion.
///
/// # Errors
/// [`SamlError`] of what does not hold.
pub(super) fn check(assertion: Element<'_>, trust: &SamlTrust<'_>, now: Timestamp) -> Result<Accepted, SamlError> {
    if assertion.attribute("Version") != Some("2.0") {
        return Err(SamlError::Layout("expected an Assertion of version 2.0"));
    }
    check_issuer(only(assertion, "Issuer")?, trust)?;
    let issued = required_time(assertion, "IssueInstant")?;
    if issued > plus(now, SKEW) {
        return Err(SamlError::NotYet);
    }
    if plus(issued, MAX_AGE + SKEW) <= now {
        return Err(SamlError::Old);
    }
    let mut expires = plus(issued, MAX_AGE);
    let confirmation = check_confirmation(only(assertion, "Subject")?, trust)?;
    let conditions = only(assertion, "Conditions")?;
    for limited in [confirmation, conditions] {
        if attribute_time(limited, "NotBefore")?.is_some_and(|time| time > plus(now, SKEW)) {
            return Err(SamlError::NotYet);
        }
        if let Some(time) = attribute_time(limited, "NotOnOrAfter")? {
            expires = expires.min(time);
        }
    }
    let expires = plus(expires, SKEW);
    if expires <= now {
        return Err(SamlError::Expired);
    }
    check_conditions(conditions, trust)?;
    let recipient = confirmation.attribute("Recipient").unwrap_or_default().to_owned();
    Ok(Accepted { expires, recipient, session_ends: session_ends(assertion, now)? })
}

/// Checks that an element names the provider.
///
/// # Errors
/// [`SamlError::Issuer`].
pub(super) fn check_issuer(issuer: Element<'_>, trust: &SamlTrust<'_>) -> Result<(), SamlError> {
    let is_provider = issuer.text().is_some_and(|text| text.trim() == trust.metadata.entity_id);
    if is_provider { Ok(()) } else { Err(SamlError::Issuer) }
}

/// The data of the one confirmation: by a bearer, for one of the accepted endpoints, with an end, and of no request.
fn check_confirmation<'d>(subject: Element<'d>, trust: &SamlTrust<'_>) -> Result<Element<'d>, SamlError> {
    let confirmation = only(subject, "SubjectConfirmation")?;
    if confirmation.attribute("Method") != Some(BEARER) {
        return Err(SamlError::Layout("expected a SubjectConfirmation of the method bearer"));
    }
    let data = only(confirmation, "SubjectConfirmationData")?;
    required_time(data, "NotOnOrAfter")?;
    if !data.attribute("Recipient").is_some_and(trust.is_recipient) {
        return Err(SamlError::Recipient);
    }
    if data.attribute("InResponseTo").is_some() {
        return Err(SamlError::InResponseTo);
    }
    Ok(data)
}

/// Checks that every restriction of audiences has one of the accepted ones, and that there are no unknown conditions.
fn check_conditions(conditions: Element<'_>, trust: &SamlTrust<'_>) -> Result<(), SamlError> {
    let mut restricted = false;
    for condition in conditions.elements() {
        if condition.is(ASSERTION, "AudienceRestriction") {
            let mut audiences = condition.children(ASSERTION, "Audience");
            let is_ours = |audience: Element<'_>| audience.text().is_some_and(|text| (trust.is_audience)(text.trim()));
            if !audiences.any(is_ours) {
                return Err(SamlError::Audience);
            }
            restricted = true;
        } else if !["OneTimeUse", "ProxyRestriction"].iter().any(|name| condition.is(ASSERTION, name)) {
            return Err(SamlError::Condition);
        }
    }
    if restricted { Ok(()) } else { Err(SamlError::Audience) }
}

/// When the session at the provider ends: the earliest time of the statements, of which there is at least one.
fn session_ends(assertion: Element<'_>, now: Timestamp) -> Result<Option<Timestamp>, SamlError> {
    let mut statements = assertion.children(ASSERTION, "AuthnStatement").peekable();
    if statements.peek().is_none() {
        return Err(SamlError::Layout("the assertion has no AuthnStatement"));
    }
    let mut ends: Option<Timestamp> = None;
    for statement in statements {
        if let Some(time) = attribute_time(statement, "SessionNotOnOrAfter")? {
            ends = Some(ends.map_or(time, |known| known.min(time)));
        }
    }
    if ends.is_some_and(|ends| ends <= now) { Err(SamlError::Expired) } else { Ok(ends) }
}

fn only<'d>(element: Element<'d>, name: &'d str) -> Result<Element<'d>, SamlError> {
    element.only_child(ASSERTION, name).ok_or(SamlError::Layout(
        "expected exactly one Issuer, Subject and Conditions in an Assertion, and one SubjectConfirmation with data in \
         a Subject",
    ))
}

fn attribute_time(element: Element<'_>, name: &str) -> Result<Option<Timestamp>, SamlError> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    time::parse(text).map(Some).ok_or(SamlError::Layout("a time is not one of xs:dateTime"))
}

fn required_time(element: Element<'_>, name: &str) -> Result<Timestamp, SamlError> {
    attribute_time(element, name)?.ok_or(SamlError::Layout("expected IssueInstant and NotOnOrAfter"))
}

/// A time that is later; the last one possible if there is none.
fn plus(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
