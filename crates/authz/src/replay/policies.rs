//! The policies of principals with the change.

use std::collections::HashMap;
use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;
use bailiwick_snapshot::{Holder, Snapshot};

use super::change::Change;

/// The policies that each principal has with the change.
pub(super) struct ChangedPolicies<'a> {
    snapshot: &'a Snapshot,
    changes: Vec<Change>,
    known: HashMap<UniqueId, Option<Arc<Changed>>>,
}

/// The policies of a principal with the change.
#[derive(Clone)]
pub(super) struct Changed {
    pub(super) identity: Vec<Policy>,
    pub(super) boundary: Option<Policy>,
}

/// An identity policy and the identity that has it.
struct Held {
    policy: Policy,
    holder: UniqueId,
}

impl Held {
    fn is_inline(&self, name: &str) -> bool {
        self.policy.name().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// A managed policy is compiled under its ARN.
    fn is_managed(&self, arn: &str) -> bool {
        self.policy.name() == Some(arn)
    }
}

impl<'a> ChangedPolicies<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, changes: Vec<Change>) -> Self {
        ChangedPolicies { snapshot, changes, known: HashMap::new() }
    }

    /// The policies of a user or role; `None` if the change does not touch them.
    pub(super) fn of(&mut self, id: &UniqueId) -> Option<Arc<Changed>> {
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        let changed = self.change(id).map(Arc::new);
        self.known.insert(*id, changed.clone());
        changed
    }

    fn change(&self, id: &UniqueId) -> Option<Changed> {
        let now = self.snapshot.effective_policies(id)?;
        let held = now.identity().enumerate().map(|(at, policy)| Held {
            policy: policy.clone(),
            holder: match now.holder(self.snapshot, at) {
                Holder::Own => *id,
                Holder::Group(group) => group.id,
            },
        });
        let mut held: Vec<Held> = held.collect();
        let mut boundary = now.boundary().cloned();
        let mut is_touched = false;
        let has = |holder: &UniqueId| holder == id || self.snapshot.is_member(id, holder);
        for change in &self.changes {
            let before = held.len();
            match change {
                Change::PutInline { holder, name, policy } if has(holder) => {
                    held.retain(|one| one.holder != *holder || !one.is_inline(name));
                    held.push(Held { policy: policy.clone(), holder: *holder });
                    is_touched = true;
                }
                Change::DeleteInline { holder, name } => {
                    held.retain(|one| one.holder != *holder || !one.is_inline(name));
                    is_touched |= held.len() != before;
                }
                Change::Attach { holder, arn, policy } if has(holder) => {
                    if !held.iter().any(|one| one.holder == *holder && one.is_managed(arn)) {
                        held.push(Held { policy: policy.clone(), holder: *holder });
                        is_touched = true;
                    }
                }
                Change::Detach { holder, arn } => {
                    held.retain(|one| one.holder != *holder || !one.is_managed(arn));
                    is_touched |= held.len() != before;
                }
                Change::NewVersion { arn, policy } => {
                    let own = held.iter_mut().filter(|one| one.is_managed(arn)).map(|one| &mut one.policy);
                    let boundary = boundary.iter_mut().filter(|boundary| boundary.name() == Some(arn));
                    for one in own.chain(boundary) {
                        *one = policy.clone();
                        is_touched = true;
                    }
                }
                Change::PutBoundary { holder, policy } if holder == id => {
                    boundary = Some(policy.clone());
                    is_touched = true;
                }
                Change::DeleteBoundary { holder } if holder == id => {
                    boundary = None;
                    is_touched = true;
                }
                Change::PutInline { .. }
                | Change::Attach { .. }
                | Change::PutBoundary { .. }
                | Change::DeleteBoundary { .. } => {}
            }
        }
        is_touched.then(|| Changed { identity: held.into_iter().map(|one| one.policy).collect(), boundary })
    }
}
