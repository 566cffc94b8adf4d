//! The calls of a principal, and the decisions about it, in pages: what reports are made from.

use std::fmt;
use std::str::FromStr;

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, counted_as};
use jiff::Timestamp;

use crate::handlers::window;
use crate::query::{Position, PositionError};
use crate::{Attribute, LookUp, Query, RecordedCall};

/// A user or role whose calls are read.
#[derive(Clone, Debug)]
pub struct RecordedPrincipal {
    arn: Arn,
    /// What the ARN of each session of the role begins with; none for a user.
    sessions: Option<String>,
}

/// Which calls to read, newest first: those of the caller's account in a window, of one principal or of all.
#[derive(Clone, Debug)]
pub struct CallQuery {
    /// The principal; none for all.
    pub principal: Option<RecordedPrincipal>,
    /// The earliest event time, inclusive.
    pub from: Option<Timestamp>,
    /// The latest event time, inclusive.
    pub to: Option<Timestamp>,
}

/// Where reading continues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallPosition {
    /// Whether the calls of the principal are read, and decisions that other services asked for are next.
    is_in_decisions: bool,
    after: Option<Position>,
}

/// A page of calls.
#[derive(Debug, Default)]
pub struct CallPage {
    /// The calls, and the decisions about the principal.
    pub calls: Vec<RecordedCall>,
    /// Successful calls of the principal that asked for a decision about another principal.
    pub requests: Vec<RecordedCall>,
    /// The number of records that were read.
    pub records: usize,
    /// Where reading continues; none at the end.
    pub next: Option<CallPosition>,
    /// The segments that may have such calls and cannot be read, by name.
    pub unreadable: Vec<String>,
}

impl CallQuery {
    /// Reads the window of a request.
    ///
    /// # Errors
    /// `InvalidInput` for times in the wrong order.
    pub fn new(
        principal: Option<RecordedPrincipal>,
        start: Option<prost_types::Timestamp>,
        end: Option<prost_types::Timestamp>,
    ) -> Result<Self> {
        let (from, to) = window(start, end)?;
        Ok(CallQuery { principal, from, to })
    }
}

impl RecordedPrincipal {
    /// Parses the ARN of a user or role of the caller's account.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn parse(cx: &Cx, text: &str) -> Result<Self> {
        let why = "principalArn must be the ARN of a user or role of the caller's account";
        let refused = || IamError::new(ErrorCode::InvalidInput, why).field("principalArn", why);
        let arn = Arn::parse(text).map_err(|_| refused())?;
        let (partition, account) = (cx.partition(), cx.account());
        let is_own =
            arn.service() == "iam" && arn.partition() == partition.as_str() && arn.account_id() == Some(account);
        let sessions = match arn.typed_resource().filter(|_| is_own) {
            Some(("user", ..)) => None,
            Some(("role", _, name)) => {
                Some(Arn::sts(partition, account, format_args!("assumed-role/{name}/")).as_str().to_owned())
            }
            _ => return Err(refused()),
        };
        Ok(RecordedPrincipal { arn, sessions })
    }

    /// Whether an ARN is that of the user or of a session of the role.
    fn is(&self, arn: &str) -> bool {
        match &self.sessions {
            Some(sessions) => arn.starts_with(&**sessions),
            None => arn == self.arn.as_str(),
        }
    }
}

impl LookUp {
    /// Reads a page of calls.
    ///
    /// # Errors
    /// `ServiceFailure` when the folder can't be read.
    pub async fn calls(&self, cx: &Cx, query: &CallQuery, at: CallPosition, limit: usize) -> Result<CallPage> {
        let (from, to) = (query.from, query.to);
        let mut look_up = Query { from, to, after: at.after, limit, ..Query::of(cx) };
        look_up.filters.extend(query.principal.as_ref().map(|principal| match at.is_in_decisions {
            false => (Attribute::PrincipalArn, principal.arn.as_str().to_owned()),
            true => (Attribute::EventCategory, "Decision".to_owned()),
        }));
        let found = self.page(&counted_as(cx.caller()), &look_up).await?;
        let (records, unreadable) = (found.events.len(), found.unreadable);
        let mut page = CallPage { records, unreadable, ..CallPage::default() };
        for call in found.events.iter().filter_map(|event| RecordedCall::read(&event.line)) {
            match &query.principal {
                Some(principal) if at.is_in_decisions => {
                    if call.is_decision() && principal.is(call.principal_arn()) {
                        page.calls.push(call);
                    }
                }
                Some(_) if call.is_decision() => page.requests.push(call),
                _ => page.calls.push(call),
            }
        }
        page.next = match found.next {
            Some(_) => Some(CallPosition { after: found.next, ..at }),
            None if query.principal.is_some() && !at.is_in_decisions => {
                Some(CallPosition { is_in_decisions: true, after: None })
            }
            None => None,
        };
        Ok(page)
    }
}

impl fmt::Display for CallPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_in_decisions { "decisions" } else { "calls" })?;
        self.after.iter().try_for_each(|after| write!(f, "/{after}"))
    }
}

impl FromStr for CallPosition {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (part, after) = match text.split_once('/') {
            Some((part, after)) => (part, Some(after.parse()?)),
            None => (text, None),
        };
        let is_in_decisions = match part {
            "decisions" => true,
            "calls" => false,
            _ => return Err(PositionError),
        };
        Ok(CallPosition { is_in_decisions, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_again() {
        for text in ["calls", "calls/-5/7", "decisions", "decisions/5/7"] {
            assert_eq!(text.parse::<CallPosition>().unwrap().to_string(), text);
        }
        for text in ["", "call", "calls/", "calls/1", "decisions/a/1"] {
            assert_eq!(text.parse::<CallPosition>(), Err(PositionError), "{text}");
        }
    }
}
