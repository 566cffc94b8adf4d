//! The policies that apply to a user or role: their own and those of their groups.

use std::sync::Arc;

use bailiwick_evaluator::{IndexedPolicies, Policies, Policy};
use bailiwick_model::UniqueId;
use smallvec::SmallVec;

use super::View;
use super::entities::{Group, Slot};
use super::index_cache::MIN_POLICIES;
use super::principal_record::PrincipalRecord;

/// The policies of a user or role as a decision takes them; borrowed from the view.
#[derive(Clone)]
pub struct EffectivePolicies<'s> {
    principal: &'s PrincipalRecord,
    /// An index over all identity policies; `identity` is empty then.
    indexed: Option<Arc<IndexedPolicies>>,
    identity: SmallVec<[&'s [Policy]; 12]>,
    boundary: Option<&'s Policy>,
}

/// How an identity holds a policy.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'s> {
    /// It is the user's or role's own.
    Own,
    /// It is a group's that the user is a member of.
    Group(&'s Group),
}

impl View {
    /// Returns the policies of a user or role: their own, then those of each group. Copies no policy.
    pub fn effective_policies<'s>(&'s self, id: &UniqueId) -> Option<EffectivePolicies<'s>> {
        let principal = self.principal(id)?;
        let boundary = principal.boundary().map(|slot| self.policy_at(slot));
        let is_many = self.has_many(principal);
        if is_many && let Some(indexed) = self.indexes.get(self, principal) {
            return Some(EffectivePolicies { principal, indexed: Some(indexed), identity: SmallVec::new(), boundary });
        }
        let mut identity = SmallVec::new();
        self.push(&mut identity, principal.inline(), principal.attached());
        for slot in principal.groups() {
            match self.group_at(*slot) {
                Some(group) => self.push(&mut identity, &group.policies.inline, &group.policies.attached),
                None => identity.push(std::slice::from_ref(self.deny_all())),
            }
        }
        if is_many {
            self.indexes.used(self, principal, &identity);
        }
        Some(EffectivePolicies { principal, indexed: None, identity, boundary })
    }

    /// Whether a user is a member of a group.
    pub fn is_member(&self, user: &UniqueId, group: &UniqueId) -> bool {
        let is_it = |slot: &Slot| self.group_at(*slot).is_some_and(|found| found.id == *group);
        self.principal(user).is_some_and(|principal| principal.groups().iter().any(is_it))
    }

    /// Whether a principal has so many policies that an index over them is worth a look.
    fn has_many(&self, principal: &PrincipalRecord) -> bool {
        let own = principal.inline().len() + principal.attached().len();
        let of_group = |slot: &Slot| {
            self.group_at(*slot).map_or(1, |group| group.policies.inline.len() + group.policies.attached.len())
        };
        own + principal.groups().iter().map(of_group).sum::<usize>() >= MIN_POLICIES
    }

    fn push<'s>(&'s self, identity: &mut SmallVec<[&'s [Policy]; 12]>, inline: &'s [Policy], attached: &[Slot]) {
        if !inline.is_empty() {
            identity.push(inline);
        }
        identity.extend(attached.iter().map(|slot| std::slice::from_ref(self.policy_at(*slot))));
    }
}

impl<'s> EffectivePolicies<'s> {
    /// The identity policies and the boundary, as the evaluator takes them.
    pub fn policies(&self) -> Policies<'_> {
        let (indexed, identity) = (self.indexed.as_deref(), self.identity.as_slice());
        Policies { indexed, identity, boundary: self.boundary, ..Policies::default() }
    }

    /// The identity policies, in the order in which the evaluator counts them.
    pub fn identity(&self) -> impl Iterator<Item = &Policy> {
        let indexed = self.indexed.as_deref().map_or(&[][..], IndexedPolicies::policies);
        indexed.iter().chain(self.identity.iter().copied().flatten())
    }

    /// The permissions boundary, if there is one.
    pub fn boundary(&self) -> Option<&'s Policy> {
        self.boundary
    }

    /// Returns how the identity holds the policy at this position of [`Self::identity`].
    pub fn holder(&self, view: &'s View, position: usize) -> Holder<'s> {
        let mut end = self.principal.inline().len() + self.principal.attached().len();
        if position >= end {
            for slot in self.principal.groups() {
                let group = view.group_at(*slot);
                end += group.map_or(1, |group| group.policies.inline.len() + group.policies.attached.len());
                if let Some(group) = group
                    && position < end
                {
                    return Holder::Group(group);
                }
            }
        }
        Holder::Own
    }
}
