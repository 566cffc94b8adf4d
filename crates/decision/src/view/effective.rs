//! The policies that apply to a user or role: their own and those of their groups.

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;
use smallvec::SmallVec;

use super::View;
use super::entities::{Group, Slot};
use super::principal_map::PrincipalPolicies;

/// The policies of a user or role as a decision takes them; borrowed from the view.
#[derive(Clone)]
pub struct EffectivePolicies<'s> {
    principal: &'s PrincipalPolicies,
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
        let mut identity = SmallVec::new();
        self.push(&mut identity, principal.inline(), principal.attached());
        for slot in principal.groups() {
            match self.group_at(*slot) {
                Some(group) => self.push(&mut identity, &group.policies.inline, &group.policies.attached),
                None => identity.push(std::slice::from_ref(self.deny_all())),
            }
        }
        let boundary = principal.boundary().map(|slot| self.policy_at(slot));
        Some(EffectivePolicies { principal, identity, boundary })
    }

    fn push<'s>(&'s self, identity: &mut SmallVec<[&'s [Policy]; 12]>, inline: &'s [Policy], attached: &[Slot]) {
        if !inline.is_empty() {
            identity.push(inline);
        }
        identity.extend(attached.iter().map(|slot| std::slice::from_ref(self.policy_at(*slot))));
    }
}

impl<'s> EffectivePolicies<'s> {
    /// Identity policies, in slices, in the order in which the evaluator counts them.
    pub fn identity(&self) -> &[&'s [Policy]] {
        &self.identity
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
