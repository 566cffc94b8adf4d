//! The text of an explanation.

use std::fmt;

use bailiwick_policy_lang::PolicyKind;

use super::layout::{Page, Quoted, Shown, row};
use super::words::{caller, several};
use super::{Absent, AbsentReason, Explanation, Finding, Suggestion, Verdict};
use crate::decision::{Outcome, Step};
use crate::request::Principal;

/// The text shows this many near misses and counts the others.
const SHOWN: usize = 5;

/// The other failures that the text shows for a near miss.
const SHOWN_ALSO: usize = 3;

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::default();
        page.line(0, 2, &self.headline());
        page.blank();
        let who = match self.principal {
            Principal::Anonymous => "nobody that is known (anonymous)",
            principal => principal.name(),
        };
        page.line(2, 12, &format!("who:      {}", Shown(who)));
        page.line(2, 12, &format!("action:   {}", Shown(self.action)));
        page.line(2, 12, &format!("resource: {}", Shown(self.resource)));
        if self.decision.step != Step::Exception {
            self.verdicts(&mut page);
            self.misses(&mut page);
        }
        for (n, note) in self.notes.iter().enumerate() {
            if n == 0 {
                page.blank();
            }
            page.line(0, 2, &format!("Note: {}", Shown(note)));
        }
        self.advice(&mut page);
        f.write_str(&page.into_text())
    }
}

impl Explanation<'_> {
    fn headline(&self) -> String {
        let decision = &self.decision;
        match (decision.outcome, &self.decided_by) {
            (Outcome::Allowed, _) if decision.step == Step::Exception => {
                "Allowed: this action needs no permission.".to_owned()
            }
            (Outcome::Allowed, None) => {
                "Allowed: the root user may do everything in its own account, and nothing denies it.".to_owned()
            }
            (Outcome::Allowed, Some(statement)) => {
                let by_resource = matches!(statement.at.kind, PolicyKind::Resource | PolicyKind::Trust);
                let identity = self.findings.iter().find(|finding| finding.kind == PolicyKind::Identity);
                let why = match decision.step {
                    Step::CrossAccount => " Across accounts both sides must allow, and both do.",
                    Step::SameAccount if by_resource && identity.is_some_and(|f| f.verdict == Verdict::Silent) => {
                        " It speaks to the caller himself, so no identity-based policy need allow it."
                    }
                    _ => "",
                };
                format!("Allowed by {statement}.{why}")
            }
            (Outcome::ExplicitDeny, Some(statement)) => format!("Denied by {statement}. A deny always wins."),
            (Outcome::ExplicitDeny, None) => "Denied: a deny always wins.".to_owned(),
            (Outcome::ImplicitDeny, _) => self.implicit(),
        }
    }

    fn implicit(&self) -> String {
        if self.is_hopeless() {
            let why = if self.is_root_assuming() { "root can't assume roles" } else { "no policy could allow it" };
            return format!("Denied: {why}.");
        }
        let is_bare = matches!(self.principal, Principal::FederatedUser { .. });
        let wanting: Vec<PolicyKind> = self.wanting();
        let first = wanting.first().copied().or(self.decision.lacking);
        let Some(kind) = first else { return "Denied: nothing allows it.".to_owned() };
        let mut out = match kind {
            PolicyKind::Session if is_bare && self.is_absent(kind) => {
                "Denied: a federated user's session that was made without session policies has no rights of its own."
                    .to_owned()
            }
            kind => format!("Denied: {}.", self.does_not_allow(kind)),
        };
        let more: Vec<String> = wanting.iter().filter(|other| **other != kind).map(|kind| self.of_it(*kind)).collect();
        let crosses = self.decision.step == Step::CrossAccount;
        if crosses {
            out.push_str(" Caller and resource are in different accounts, so both sides must allow it.");
        }
        if !more.is_empty() {
            let has = if more.len() > 1 { "have" } else { "has" };
            out.push_str(&format!(" {} {has} to allow it as well.", capital(&row(&more, "and"))));
        } else if self.decision.step == Step::Unattached {
            out.push_str(&format!(" Nothing else can allow it to {}.", caller(&self.principal)));
        }
        out
    }

    /// The types of policy that lack an Allow, each once.
    fn wanting(&self) -> Vec<PolicyKind> {
        let mut kinds: Vec<PolicyKind> = self.suggestions.iter().map(|suggestion| suggestion.kind).collect();
        kinds.dedup();
        kinds
    }

    fn is_absent(&self, kind: PolicyKind) -> bool {
        self.absent.iter().any(|absent| absent.kind == kind)
    }

    fn does_not_allow(&self, kind: PolicyKind) -> String {
        match kind {
            PolicyKind::Identity | PolicyKind::Session => format!("no {} allows it", kind.describe()),
            PolicyKind::Scp | PolicyKind::Rcp => {
                let levels: Vec<String> = self
                    .findings
                    .iter()
                    .filter(|finding| finding.kind == kind && finding.verdict == Verdict::Silent)
                    .map(|finding| (finding.level + 1).to_string())
                    .collect();
                let of = if levels.len() > 1 { "levels" } else { "level" };
                format!("no {} of {of} {} allows it", kind.describe(), row(&levels, "and"))
            }
            kind if self.is_absent(kind) => format!("there is no {} that allows it", kind.describe()),
            kind => format!("the {} does not allow it", kind.describe()),
        }
    }

    /// A type of policy that would have to allow as well.
    fn of_it(&self, kind: PolicyKind) -> String {
        match kind {
            PolicyKind::Identity | PolicyKind::Session => format!("an {}", kind.describe()).replace("an s", "a s"),
            PolicyKind::Scp => "each level of service control policies".to_owned(),
            kind if self.is_absent(kind) => format!("a {}", kind.describe()),
            kind => format!("the {}", kind.describe()),
        }
    }

    fn verdicts(&self, page: &mut Page) {
        page.blank();
        page.line(0, 2, "What the policies say:");
        for finding in &self.findings {
            page.line(2, 4, &self.verdict(finding));
        }
        let none: Vec<String> = self
            .absent
            .iter()
            .filter(|absent| absent.why == AbsentReason::NoneThere)
            .map(|absent| absent.kind.describe().to_owned())
            .collect();
        for absent in self.absent.iter().filter(|absent| absent.why != AbsentReason::NoneThere) {
            page.line(2, 4, &self.absence(absent));
        }
        if !none.is_empty() {
            page.line(2, 4, &format!("no {} takes part", row(&none, "or")));
        }
    }

    fn verdict(&self, finding: &Finding<'_>) -> String {
        let kind = finding.kind;
        let level = match kind {
            PolicyKind::Scp | PolicyKind::Rcp => format!(", level {}", finding.level + 1),
            _ => String::new(),
        };
        let label = match finding.policies {
            1 => format!("{}{level}", kind.describe()),
            0 => format!("{}{level}", several(kind)),
            count => format!("{}{level} ({count})", several(kind)),
        };
        let said = match (finding.verdict, &finding.statement) {
            (Verdict::Allows, Some(statement)) => format!("allowed by {}", statement.short()),
            (Verdict::Denies, Some(statement)) => format!("denied by {}", statement.short()),
            _ => {
                let is_needless = self.decision.is_allowed() && !finding.required;
                let said = match (finding.policies, kind) {
                    (0, PolicyKind::Rcp) => "there are none",
                    (1, PolicyKind::Rcp) => "does not deny it",
                    (_, PolicyKind::Rcp) => "none denies it",
                    (0, _) if is_needless => "there are none, and none is needed",
                    (1, _) if is_needless => "does not allow it, and need not",
                    (_, _) if is_needless => "none allows it, and none need",
                    (0, _) => "there are none",
                    (1, _) => "does not allow it",
                    _ => "none allows it",
                };
                said.to_owned()
            }
        };
        format!("{label}: {said}")
    }

    fn absence(&self, absent: &Absent) -> String {
        let kinds = several(absent.kind);
        match (absent.why, absent.kind) {
            (AbsentReason::NoneThere, _) => format!("{kinds}: there are none"),
            (AbsentReason::NoIdentity, PolicyKind::Scp) => {
                format!("{kinds}: bind accounts, and {} is of none", caller(&self.principal))
            }
            (AbsentReason::NoIdentity, _) => format!("{kinds}: {} has none", caller(&self.principal)),
            (AbsentReason::ManagementAccount, PolicyKind::Rcp) => {
                format!("{kinds}: do not bind resources of the management account")
            }
            (AbsentReason::ManagementAccount, _) => format!("{kinds}: do not bind the management account"),
            (AbsentReason::ServiceLinkedRole, _) => format!("{kinds}: do not bind service-linked roles"),
        }
    }

    fn misses(&self, page: &mut Page) {
        if self.near_misses.is_empty() {
            return;
        }
        page.blank();
        page.line(0, 2, "What came nearest:");
        for (n, miss) in self.near_misses.iter().take(SHOWN).enumerate() {
            page.line(2, 5, &format!("{}. {}", n + 1, miss.statement));
            page.line(5, 7, &miss.failure.to_string());
            for also in miss.also.iter().take(SHOWN_ALSO) {
                page.line(5, 7, &format!("also, {also}"));
            }
            if miss.also.len() > SHOWN_ALSO {
                page.line(5, 7, &format!("and {} more of its conditions", miss.also.len() - SHOWN_ALSO));
            }
        }
        if self.near_misses.len() > SHOWN {
            page.line(2, 5, &format!("and {} more", self.near_misses.len() - SHOWN));
        }
    }

    fn advice(&self, page: &mut Page) {
        let is_explicit = self.decision.outcome == Outcome::ExplicitDeny;
        if is_explicit {
            page.blank();
            if let [_, others @ ..] = &*self.denies
                && !others.is_empty()
            {
                page.line(0, 2, "Also denied by:");
                for deny in self.denies.iter().filter(|deny| Some(deny.at) != self.decision.statement) {
                    page.line(2, 4, &format!("- {deny}"));
                }
                page.blank();
            }
            let deny = if self.denies.len() > 1 { "these denies" } else { "this deny" };
            let then = if self.is_hopeless() {
                "it could not be allowed either".to_owned()
            } else if self.suggestions.is_empty() {
                "it would be allowed".to_owned()
            } else {
                let lacking: Vec<String> = self.wanting().into_iter().map(|kind| self.of_it(kind)).collect();
                let have = if lacking.len() > 1 { "have" } else { "has" };
                format!("it would still be denied: {} {have} to allow it as well", row(&lacking, "and"))
            };
            page.line(0, 2, &format!("Without {deny} {then}."));
        }
        for (n, suggestion) in self.suggestions.iter().enumerate() {
            if n == 0 {
                page.blank();
            }
            let so = match n {
                0 => "Suggestion: if this is to be allowed, add",
                _ => "and",
            };
            page.line(0, 2, &format!("{so} {}", self.place(suggestion)));
            page.json(2, &suggestion.statement);
        }
        if !self.suggestions.is_empty() && is_explicit {
            let deny = if self.denies.len() > 1 { "the denies are" } else { "the deny is" };
            page.line(0, 2, &format!("Warning: no Allow helps as long as {deny} there."));
        }
    }

    /// Where a suggestion belongs.
    fn place(&self, suggestion: &Suggestion) -> String {
        let kind = suggestion.kind;
        let of = suggestion.attach_to.as_deref().map(|of| format!(" of {}", Quoted(of))).unwrap_or_default();
        let the = if self.is_absent(kind) { "a new" } else { "the" };
        let place = match kind {
            PolicyKind::Identity => format!("to an {}{of}", kind.describe()),
            PolicyKind::Session => "to a session policy, when the session is made anew".to_owned(),
            PolicyKind::Scp | PolicyKind::Rcp => {
                format!("to a {} of level {}", kind.describe(), suggestion.level + 1)
            }
            PolicyKind::Boundary | PolicyKind::Resource | PolicyKind::Trust => {
                format!("to {the} {}{of}", kind.describe())
            }
            PolicyKind::Endpoint => format!("to {the} {}", kind.describe()),
        };
        match suggestion.needs_variables {
            true => format!("{place} (one with \"Version\": \"2012-10-17\")"),
            false => place,
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
