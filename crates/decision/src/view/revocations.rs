//! Revoked sessions, by access key.

use std::sync::Arc;

use bailiwick_model::{AccessKeyId, AccountId};
use jiff::Timestamp;

use super::{View, ViewBuilder};
use crate::Session;

/// A revocation.
#[derive(Debug)]
pub(super) struct Revocation {
    account: AccountId,
    subject: Box<str>,
    valid_after: Timestamp,
}

impl Revocation {
    fn is_of(&self, account: AccountId, subject: &str) -> bool {
        self.account == account && *self.subject == *subject
    }
}

impl View {
    /// Returns whether a session of a principal in this account was revoked by what [`Session::revocable_by`] names.
    pub fn is_revoked(&self, account: AccountId, session: &Session) -> bool {
        session
            .revocable_by(account)
            .any(|(account, subject)| self.is_subject_revoked(account, subject, session.issued))
    }

    /// Returns whether what was issued to an access key at this time was revoked by it: of a bearer token without a session,
    /// the long-term key that signed for it.
    pub fn is_key_revoked(&self, account: AccountId, key: &AccessKeyId, issued: Timestamp) -> bool {
        self.is_subject_revoked(account, key.as_str(), issued)
    }

    fn is_subject_revoked(&self, account: AccountId, subject: &str, issued: Timestamp) -> bool {
        // Usually there is none.
        if self.revocations.len() == 0 {
            return false;
        }
        let subject = &*subject.to_ascii_lowercase();
        let hash = self.hash((account, subject));
        let found = self.revocations.get(hash, |revocation| revocation.is_of(account, subject));
        found.is_some_and(|revocation| issued < revocation.valid_after)
    }
}

impl ViewBuilder {
    /// Revokes the session of this access key, or those issued to it, if issued before this time; `None` removes the
    /// revocation.
    pub fn set_session_revocation(&mut self, account: AccountId, subject: &str, valid_after: Option<Timestamp>) {
        let subject = &*subject.to_ascii_lowercase();
        let hash = self.next.hash((account, subject));
        let is_same = |old: &Arc<Revocation>| old.is_of(account, subject);
        match valid_after {
            Some(valid_after) => {
                let revocation = Revocation { account, subject: subject.into(), valid_after };
                self.next.revocations.insert(hash, Arc::new(revocation), is_same);
            }
            None => {
                self.next.revocations.remove(hash, is_same);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{AccessKeyKind, Partition};

    use super::*;
    use crate::SessionKind;

    #[test]
    fn sessions_issued_before_are_revoked_by_key_and_parent() {
        let account = |number| AccountId::from_number(number).unwrap();
        let key = |of, kind, byte| AccessKeyId::new(kind, account(of), [byte; 6]);
        let at = |second| Timestamp::from_second(second).unwrap();
        let (own, parent) = (key(1, AccessKeyKind::Temporary, 1), key(2, AccessKeyKind::LongTerm, 2));
        let wider = key(1, AccessKeyKind::Temporary, 3);
        let session = |issued| Session {
            parent_key: Some(parent.clone()),
            scoped_from: vec![wider.clone()],
            ..Session::new(SessionKind::AssumeRole, own.clone(), at(issued), at(99))
        };
        for (of, subject, revoked) in [
            (1, own.as_str(), true),
            (2, own.as_str(), false),
            (2, parent.as_str(), true),
            (1, parent.as_str(), false),
            (1, wider.as_str(), true),
        ] {
            let mut builder = ViewBuilder::new(Partition::Aws);
            builder.set_session_revocation(account(of), subject, Some(at(10)));
            let view = builder.publish(1);
            assert_eq!(view.is_revoked(account(1), &session(9)), revoked, "{of} {subject}");
            assert!(!view.is_revoked(account(1), &session(10)), "{subject}");
            builder.set_session_revocation(account(of), subject, None);
            assert!(!builder.publish(2).is_revoked(account(1), &session(9)), "{subject}");
        }
    }
}
