//! Revoked sessions, by what they have in common.

use std::sync::Arc;

use bailiwick_model::{AccessKeyId, AccountId, Arn, Issue, UniqueId, revocation_subject};
use jiff::Timestamp;

use super::{View, ViewBuilder};
use crate::Session;

/// A revocation, and what it is about.
#[derive(Debug)]
pub(super) struct Revocation {
    account: AccountId,
    subject: Box<str>,
    revocation: bailiwick_model::Revocation,
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
            .any(|(account, subject)| self.is_subject_revoked(account, subject, session.issue()))
    }

    /// Returns whether what was issued to an access key then was revoked by it: of a bearer token without a session, the
    /// long-term key that signed for it.
    pub fn is_key_revoked(&self, account: AccountId, key: &AccessKeyId, issue: Issue) -> bool {
        self.is_subject_revoked(account, key.as_str(), issue)
    }

    /// Returns whether what was issued then was revoked with everything of an account, which has this mark.
    pub fn is_account_revoked(&self, account: AccountId, mark: Option<Timestamp>, issue: Issue) -> bool {
        self.is_mark_later(mark, account, || revocation_subject::ACCOUNT.into(), issue)
    }

    /// Returns whether what was issued then was revoked with everything of a user or role, which has this mark.
    pub fn is_identity_revoked(
        &self,
        account: AccountId,
        id: &UniqueId,
        mark: Option<Timestamp>,
        issue: Issue,
    ) -> bool {
        self.is_mark_later(mark, account, || revocation_subject::identity(id), issue)
    }

    /// Returns whether what was issued then came through an earlier provider with this ARN. None exists if there is no time of
    /// creation.
    pub fn is_of_earlier_provider(&self, arn: &Arn, created: Timestamp, issue: Issue) -> bool {
        let Some(account) = arn.account_id() else { return true };
        self.is_mark_later(Some(created), account, || arn.resource().to_owned(), issue)
    }

    fn is_mark_later(
        &self,
        mark: Option<Timestamp>,
        account: AccountId,
        subject: impl FnOnce() -> String,
        issue: Issue,
    ) -> bool {
        let found = mark.and_then(|_| self.revocation(account, subject));
        bailiwick_model::Revocation::mark_ends(mark, found, issue)
    }

    fn is_subject_revoked(&self, account: AccountId, subject: &str, issue: Issue) -> bool {
        self.revocation(account, || subject.to_owned()).is_some_and(|revocation| revocation.ends(issue))
    }

    fn revocation(&self, account: AccountId, subject: impl FnOnce() -> String) -> Option<bailiwick_model::Revocation> {
        // Usually there is none.
        if self.revocations.len() == 0 {
            return None;
        }
        let mut subject = subject();
        subject.make_ascii_lowercase();
        let hash = self.hash((account, &*subject));
        let found = self.revocations.get(hash, |revocation| revocation.is_of(account, &subject));
        found.map(|found| found.revocation)
    }
}

impl ViewBuilder {
    /// Revokes the sessions that have this in common; `None` removes the revocation. The subject is the id of an access key or
    /// delegation request, one of [`revocation_subject`], or the resource of a provider's ARN.
    pub fn set_session_revocation(
        &mut self,
        account: AccountId,
        subject: &str,
        revocation: Option<bailiwick_model::Revocation>,
    ) {
        let subject = &*subject.to_ascii_lowercase();
        let hash = self.next.hash((account, subject));
        let is_same = |old: &Arc<Revocation>| old.is_of(account, subject);
        match revocation {
            Some(revocation) => {
                let revocation = Revocation { account, subject: subject.into(), revocation };
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
    use bailiwick_model::{AccessKeyKind, IdKind, Partition, Revocation, StorePosition};

    use super::*;
    use crate::SessionKind;

    fn account(number: u64) -> AccountId {
        AccountId::from_number(number).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn on(revision: u64) -> Option<StorePosition> {
        Some(StorePosition { epoch: 1, restore_id: 0, revision })
    }

    fn revocation() -> Revocation {
        Revocation { valid_after: at(10), position: on(7).unwrap() }
    }

    #[test]
    fn sessions_issued_before_are_revoked_by_key_and_parent() {
        let key = |of, kind, byte| AccessKeyId::new(kind, account(of), [byte; 6]);
        let (own, parent) = (key(1, AccessKeyKind::Temporary, 1), key(2, AccessKeyKind::LongTerm, 2));
        let wider = key(1, AccessKeyKind::Temporary, 3);
        let session = |issued, position| Session {
            parent_key: Some(parent.clone()),
            scoped_from: vec![wider.clone()],
            ..Session::new(SessionKind::AssumeRole, own.clone(), Issue { time: at(issued), position }, at(99))
        };
        for (of, subject, revoked) in [
            (1, own.as_str(), true),
            (2, own.as_str(), false),
            (2, parent.as_str(), true),
            (1, parent.as_str(), false),
            (1, wider.as_str(), true),
        ] {
            let mut builder = ViewBuilder::new(Partition::Aws);
            builder.set_session_revocation(account(of), subject, Some(revocation()));
            let view = builder.publish(1);
            for (session, is_before) in [
                (session(9, None), true),
                (session(10, None), false),
                (session(11, on(6)), true),
                (session(9, on(7)), false),
            ] {
                assert_eq!(view.is_revoked(account(1), &session), revoked && is_before, "{of} {subject} {session:?}");
            }
            builder.set_session_revocation(account(of), subject, None);
            assert!(!builder.publish(2).is_revoked(account(1), &session(9, on(6))), "{subject}");
        }
    }

    #[test]
    fn marks_are_revocations_of_all_that_an_account_an_identity_or_a_provider_issued_before() {
        let (id, other) = (UniqueId::new(IdKind::Role, [1; 17]), UniqueId::new(IdKind::Role, [2; 17]));
        let arn = |name: &str| Arn::iam(Partition::Aws, account(1), format_args!("saml-provider/{name}"));
        let (before, after) = (Issue { time: at(11), position: on(6) }, Issue { time: at(9), position: on(7) });
        let mut builder = ViewBuilder::new(Partition::Aws);
        for subject in ["account", &revocation_subject::identity(&id), "saml-provider/Idp"] {
            builder.set_session_revocation(account(1), subject, Some(revocation()));
        }
        let (view, mark) = (builder.publish(1), Some(at(10)));
        assert!(view.is_account_revoked(account(1), mark, before) && !view.is_account_revoked(account(1), mark, after));
        assert!(view.is_identity_revoked(account(1), &id, mark, before));
        assert!(!view.is_identity_revoked(account(1), &id, mark, after));
        assert!(view.is_of_earlier_provider(&arn("Idp"), at(10), before));
        assert!(!view.is_of_earlier_provider(&arn("Idp"), at(10), after));
        // Without a revocation, or with that of another subject, times are compared.
        for (mark, ended) in [(Some(at(10)), false), (Some(at(12)), true), (None, false)] {
            assert_eq!(view.is_account_revoked(account(2), mark, before), ended);
            assert_eq!(view.is_identity_revoked(account(1), &other, mark, before), ended);
        }
        assert!(view.is_of_earlier_provider(&arn("Other"), at(10), after));
    }
}
