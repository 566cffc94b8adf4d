//! `bailiwick who-can` and `bailiwick what-can`: who may perform an action, and what a principal may do.

pub(crate) mod what_can;
pub(crate) mod who_can;

use bailiwick_api::authz::{Grant, PartialGrant, StatementRef, Step};

use crate::escapes;

/// How something is allowed: the statement, and the context keys that it depends on.
fn granted(grant: Option<&Grant>) -> String {
    let Some(grant) = grant else { return String::new() };
    let by = match &grant.statement {
        Some(statement) => format!("by {}", place(statement)),
        None => match grant.step() {
            Step::Root => "as root".to_owned(),
            Step::Exception => "without a permission".to_owned(),
            _ => String::new(),
        },
    };
    by + &depending(&grant.context_keys, "; depends on")
}

/// What a statement would allow: for which resources, and under which keys.
fn partly_granted(grant: Option<&PartialGrant>) -> String {
    let Some(grant) = grant else { return String::new() };
    let mut text = grant.statement.as_ref().map(|statement| format!("by {}", place(statement))).unwrap_or_default();
    if !grant.resources.is_empty() {
        let but = if grant.not_resource { "not " } else { "" };
        text += &format!("; on {but}{}", escapes::one_line(&grant.resources.join(", ")));
    }
    text + &depending(&grant.context_keys, "; if the conditions hold on")
}

fn depending(keys: &[String], words: &str) -> String {
    if keys.is_empty() { String::new() } else { format!("{words} {}", escapes::one_line(&keys.join(", "))) }
}

/// A statement: its position, Sid, policy and holder.
fn place(statement: &StatementRef) -> String {
    let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    let number = statement.index.saturating_add(1);
    let is_own_name = statement.policy.is_empty() || statement.policy == statement.attached_to;
    let policy = if is_own_name { "the policy".to_owned() } else { format!("`{}`", statement.policy) };
    let of = if statement.attached_to.is_empty() { String::new() } else { format!(" of {}", statement.attached_to) };
    escapes::one_line(&format!("statement {number}{sid} of {policy}{of}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_in_words() {
        let statement = |policy: &str, sid: Option<&str>| {
            let (policy, attached_to) = (policy.to_owned(), "arn:aws:iam::111122223333:user/ana".to_owned());
            Some(StatementRef { policy, attached_to, index: 2, sid: sid.map(str::to_owned), ..StatementRef::default() })
        };
        let grant = Grant {
            statement: statement("read", Some("A\u{1b}")),
            context_keys: vec!["aws:SourceIp".into(), "s3:prefix".into()],
            ..Grant::default()
        };
        let of = "of arn:aws:iam::111122223333:user/ana";
        let expected = format!(r"by statement 3 (A\u{{1b}}) of `read` {of}; depends on aws:SourceIp, s3:prefix");
        assert_eq!(granted(Some(&grant)), expected);
        assert_eq!(granted(Some(&Grant { step: Step::Root.into(), ..Grant::default() })), "as root");
        assert_eq!(granted(Some(&Grant { step: Step::Exception.into(), ..Grant::default() })), "without a permission");
        let grant = PartialGrant {
            statement: statement("arn:aws:iam::111122223333:user/ana", None),
            resources: vec!["a".into(), "b".into()],
            not_resource: true,
            context_keys: vec!["aws:SourceIp".into()],
        };
        let expected =
            format!("by statement 3 of the policy {of}; on not a, b; if the conditions hold on aws:SourceIp");
        assert_eq!(partly_granted(Some(&grant)), expected);
    }
}
