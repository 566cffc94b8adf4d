//! Which findings a request asks for, and from when on a credential counts as old or unused.

use bailiwick_api::account as pb;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::Cx;
use bailiwick_storage::CredentialRules;
use jiff::{SignedDuration, Timestamp};

use crate::credentials::lifecycle::End;
use crate::view;

/// The days after which something counts as old or unused, unless the request says otherwise.
const DAYS: i32 = 90;

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Criteria {
    kinds: Vec<i32>,
    minimum_severity: i32,
    unused_before: Timestamp,
    old_before: Timestamp,
    pub(super) unused_days: i32,
    pub(super) key_age_days: i32,
}

impl Criteria {
    /// # Errors
    /// `ValidationError` for a kind or a severity that does not exist.
    pub(super) fn new(cx: &Cx, request: &pb::ListFindingsRequest) -> Result<Self> {
        if let Some(unknown) = request.kinds.iter().find(|kind| pb::FindingKind::try_from(**kind).is_err()) {
            let error = IamError::validation(format!("{unknown} is not a kind of finding."));
            return Err(error.field("kinds", "expected values of FindingKind"));
        }
        let severity = request.minimum_severity.unwrap_or_default();
        if pb::FindingSeverity::try_from(severity).is_err() {
            let error = IamError::validation(format!("{severity} is not a severity of findings."));
            return Err(error.field("minimum_severity", "expected a value of FindingSeverity"));
        }
        let unused_days = request.unused_days.unwrap_or(DAYS);
        let key_age_days = request.key_age_days.unwrap_or(DAYS);
        Ok(Criteria {
            kinds: request.kinds.clone(),
            minimum_severity: severity,
            unused_before: before(cx.now(), unused_days),
            old_before: before(cx.now(), key_age_days),
            unused_days,
            key_age_days,
        })
    }

    /// Whether the request asks for a finding of this kind and severity.
    pub(super) fn wants(&self, finding: &pb::Finding) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&finding.kind)) && finding.severity >= self.minimum_severity
    }

    /// Whether something that was last used at that time counts as unused.
    pub(super) fn is_unused(&self, last_used: Timestamp) -> bool {
        last_used <= self.unused_before
    }

    /// Whether an access key of that time counts as old.
    pub(super) fn is_old(&self, created: Timestamp) -> bool {
        created <= self.old_before
    }
}

fn before(now: Timestamp, days: i32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// A finding about `resource`.
pub(super) fn finding(
    kind: pb::FindingKind,
    severity: pb::FindingSeverity,
    resource: &str,
    text: impl Into<String>,
    recommendation: &str,
) -> pb::Finding {
    pb::Finding {
        kind: kind.into(),
        severity: severity.into(),
        resource: resource.to_owned(),
        subject: None,
        text: text.into(),
        recommendation: recommendation.to_owned(),
        since: None,
    }
}

/// A finding about an access key, or a password without a key, that the credential rules will disable soon.
pub(super) fn ends(
    cx: &Cx,
    rules: &CredentialRules,
    end: Option<End>,
    resource: &str,
    key: Option<&str>,
) -> Option<pb::Finding> {
    let end = end.filter(|end| rules.warns_from(end.at) <= cx.now())?;
    let what = key.map_or_else(|| "The password".to_owned(), |key| format!("The access key {key}"));
    let text = format!("{what} ends at {} by the credential rules of the account.", end.at);
    let advice = match (end.reason, key) {
        (End::MAXIMUM_AGE, _) => "Create another access key, use it, then delete this one.",
        (_, Some(_)) => "Use the access key, or delete it if nothing needs it.",
        (_, None) => "Sign in, or delete the login profile if the user does not need it.",
    };
    let found = finding(pb::FindingKind::CredentialEnds, pb::FindingSeverity::High, resource, text, advice);
    Some(about(found, key, Some(end.since)))
}

/// Adds what the finding is about, and since when.
pub(super) fn about(mut finding: pb::Finding, subject: Option<&str>, since: Option<Timestamp>) -> pb::Finding {
    finding.subject = subject.map(str::to_owned);
    finding.since = since.and_then(view::date);
    finding
}
