//! What an import did or would do, as text or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::apply::Done;
use super::plan::{Object, Verdict};
use super::rewrite::Rewrite;
use crate::escapes;

/// The report of an import.
pub(super) struct Report<'a> {
    /// The plan.
    pub(super) objects: &'a [Object],
    /// The results, if changes were made.
    pub(super) done: Option<&'a [Done]>,
    /// The rewriting of ARNs.
    pub(super) rewrite: &'a Rewrite,
}

/// What the report says of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Created,
    Changed,
    Equal,
    Kept,
    Refused,
    Incomplete,
}

impl Outcome {
    const ALL: [Outcome; 6] =
        [Outcome::Created, Outcome::Changed, Outcome::Equal, Outcome::Kept, Outcome::Refused, Outcome::Incomplete];

    fn word(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Changed => "changed",
            Outcome::Equal => "equal",
            Outcome::Kept => "kept",
            Outcome::Refused => "cannot be loaded",
            Outcome::Incomplete => "incomplete",
        }
    }
}

impl Report<'_> {
    /// Whether every object is, or would be, as the file has it.
    pub(super) fn is_good(&self) -> bool {
        !self.rows().any(|(_, outcome, _)| matches!(outcome, Outcome::Refused | Outcome::Incomplete))
    }

    /// The objects with their outcomes and reasons.
    fn rows(&self) -> impl Iterator<Item = (&Object, Outcome, Vec<String>)> {
        self.objects.iter().enumerate().map(|(at, object)| {
            let done = self.done.and_then(|done| done.get(at));
            let (outcome, why) = match (&object.verdict, done) {
                (Verdict::Equal, _) => (Outcome::Equal, Vec::new()),
                (Verdict::Keep(why), _) => (Outcome::Kept, vec![why.clone()]),
                (Verdict::Blocked(why), _) => (Outcome::Refused, why.clone()),
                (_, Some(Done::Refused(why))) => (Outcome::Refused, vec![why.clone()]),
                (_, Some(Done::Incomplete(why))) => (Outcome::Incomplete, vec![why.clone()]),
                (_, Some(Done::Untried)) => (Outcome::Refused, vec!["the server no longer answers".into()]),
                (Verdict::Create, _) => (Outcome::Created, Vec::new()),
                (Verdict::Change, _) => (Outcome::Changed, Vec::new()),
            };
            (object, outcome, why)
        })
    }

    /// One line for each object that is not equal, and the counts.
    pub(super) fn text(&self) -> String {
        let would = if self.done.is_some() { "" } else { "would be " };
        let mut text = String::new();
        let mut counts = Vec::new();
        for (object, outcome, why) in self.rows() {
            let (name, why) = (escapes::one_line(&object.name), why.join("; "));
            let why = escapes::one_line(&why);
            let _ = match outcome {
                Outcome::Equal => Ok(()),
                Outcome::Created => writeln!(text, "{would}created: {name}"),
                Outcome::Changed => {
                    let steps = object.steps.iter().chain(&object.last);
                    let steps: String = steps.map(|step| format!("  {}\n", escapes::one_line(&step.what))).collect();
                    write!(text, "{would}changed: {name}\n{steps}")
                }
                Outcome::Kept | Outcome::Refused | Outcome::Incomplete => {
                    writeln!(text, "{}: {name}: {why}", outcome.word())
                }
            };
            counts.push(outcome);
        }
        let count = |outcome| counts.iter().filter(|each| **each == outcome).count();
        let said: Vec<String> = Outcome::ALL
            .iter()
            .filter(|outcome| {
                matches!(outcome, Outcome::Created | Outcome::Changed | Outcome::Equal) || count(**outcome) > 0
            })
            .map(|outcome| match outcome {
                Outcome::Created | Outcome::Changed => format!("{} {would}{}", count(*outcome), outcome.word()),
                _ => format!("{} {}", count(*outcome), outcome.word()),
            })
            .collect();
        let _ = writeln!(text, "{}", said.join(", "));
        if self.rewrite.count() > 0 {
            let (from, to, count) = (self.rewrite.from(), self.rewrite.to(), self.rewrite.count());
            let _ = writeln!(text, "{count} values in documents that name account {from} name {to} instead");
        }
        if self.done.is_none() {
            text.push_str("nothing was changed; --apply makes the changes\n");
        }
        text
    }

    /// Every object.
    pub(super) fn json(&self) -> Value {
        let objects: Vec<Value> = self
            .rows()
            .map(|(object, outcome, why)| {
                let steps: Vec<&str> = object.steps.iter().chain(&object.last).map(|step| step.what.as_str()).collect();
                json!({"object": object.name, "outcome": outcome.word(), "steps": steps, "reasons": why})
            })
            .collect();
        json!({
            "applied": self.done.is_some(),
            "sourceAccount": self.rewrite.from(),
            "targetAccount": self.rewrite.to(),
            "rewrittenValues": self.rewrite.count(),
            "objects": objects,
        })
    }
}
