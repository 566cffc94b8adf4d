//! Sign-in sessions. One is valid only while the view has it.

use std::sync::Arc;

use bailiwick_model::{AccessKeyId, AccountId, UniqueId};

use super::{View, ViewBuilder};

/// The sign-in sessions of a user or root that were not revoked.
#[derive(Debug)]
pub(super) struct SignIns {
    account: AccountId,
    user: Option<UniqueId>,
    sessions: Vec<AccessKeyId>,
}

impl SignIns {
    fn is_of(&self, account: AccountId, user: Option<&UniqueId>) -> bool {
        self.account == account && self.user.as_ref() == user
    }
}

impl View {
    /// Returns whether a sign-in session of a user, or of root without a user, exists and was not revoked. It may have
    /// expired.
    pub fn has_sign_in(&self, account: AccountId, user: Option<&UniqueId>, session: &AccessKeyId) -> bool {
        let found = self.sign_ins.get(self.hash((account, user)), |sign_ins| sign_ins.is_of(account, user));
        found.is_some_and(|sign_ins| sign_ins.sessions.contains(session))
    }
}

impl ViewBuilder {
    /// Replaces the sign-in sessions of a user, or of root without a user. All others of the same owner are revoked.
    pub fn set_sign_ins(&mut self, account: AccountId, user: Option<UniqueId>, sessions: Vec<AccessKeyId>) {
        let hash = self.next.hash((account, user.as_ref()));
        let is_same = |old: &Arc<SignIns>| old.is_of(account, user.as_ref());
        if sessions.is_empty() {
            self.next.sign_ins.remove(hash, is_same);
        } else {
            self.next.sign_ins.insert(hash, Arc::new(SignIns { account, user, sessions }), is_same);
        }
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{IdKind, Partition};

    use super::*;

    #[test]
    fn a_session_is_valid_for_its_owner_while_the_view_has_it() {
        let account = |number| AccountId::from_number(number).unwrap();
        let key = |text| AccessKeyId::parse(text).unwrap();
        let user = UniqueId::new(IdKind::User, [1; 17]);
        let (one, two) = (key("ASIAIOSFODNN7EXAMPL1"), key("ASIAIOSFODNN7EXAMPL2"));
        let mut builder = ViewBuilder::new(Partition::Aws);
        builder.set_sign_ins(account(1), Some(user), vec![one.clone()]);
        builder.set_sign_ins(account(1), None, vec![two.clone()]);
        let view = builder.publish(1);
        for (owner, session, expected) in [
            ((account(1), Some(&user)), &one, true),
            ((account(1), Some(&user)), &two, false),
            ((account(1), None), &two, true),
            ((account(1), None), &one, false),
            ((account(2), Some(&user)), &one, false),
            ((account(2), None), &two, false),
        ] {
            assert_eq!(view.has_sign_in(owner.0, owner.1, session), expected, "{owner:?} {session}");
        }
        builder.set_sign_ins(account(1), Some(user), vec![two.clone()]);
        let next = builder.publish(2);
        assert!(!next.has_sign_in(account(1), Some(&user), &one) && view.has_sign_in(account(1), Some(&user), &one));
        builder.set_sign_ins(account(1), Some(user), Vec::new());
        assert!(!builder.publish(3).has_sign_in(account(1), Some(&user), &two));
    }
}
