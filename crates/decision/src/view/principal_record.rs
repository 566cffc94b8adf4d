//! The record of a user or role: the entity, and its policies.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;

use super::entities::{Entity, Inline, Slot, Slots, set_slot};
use super::shared::Shared;

/// How many slots of policies and groups a record stores inline.
const INLINE_SLOTS: usize = 5;
const NO_SLOT: Slot = Slot::MAX;

/// A user or role, in one cache line with its policies: in a large map, each further cache miss costs more than the rest
/// of the look-up.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct PrincipalRecord {
    entity: Arc<Entity>,
    extra: Option<Arc<Extra>>,
    boundary: Slot,
    /// Of attached policies, then of groups.
    slots: [Slot; INLINE_SLOTS],
    /// The entity's, so that a look-up does not read the entity.
    id: UniqueId,
    /// How many of `slots` are of attached policies, and how many of groups.
    attached: u8,
    groups: u8,
    /// Whether the slots are in `extra` because they do not fit inline.
    spilled: bool,
}

/// Inline policies, and slots that do not fit inline.
#[derive(Clone, Default)]
struct Extra {
    inline: Inline,
    slots: Box<[Slot]>,
    /// How many of `slots` are of attached policies.
    attached: usize,
}

impl PrincipalRecord {
    /// Returns the record of an entity without policies.
    pub(super) fn new(entity: Arc<Entity>) -> Self {
        PrincipalRecord {
            id: entity.id,
            entity,
            extra: None,
            boundary: NO_SLOT,
            slots: [NO_SLOT; INLINE_SLOTS],
            attached: 0,
            groups: 0,
            spilled: false,
        }
    }

    /// The unique id.
    pub(super) fn id(&self) -> &UniqueId {
        &self.id
    }

    /// The user or role.
    pub(super) fn entity(&self) -> &Arc<Entity> {
        &self.entity
    }

    /// Replaces the entity by another state of it, with the same unique id.
    pub(super) fn set_entity(&mut self, entity: Arc<Entity>) {
        self.id = entity.id;
        self.entity = entity;
    }

    /// The slot of the permissions boundary.
    pub(super) fn boundary(&self) -> Option<Slot> {
        (self.boundary != NO_SLOT).then_some(self.boundary)
    }

    pub(super) fn set_boundary(&mut self, boundary: Option<Slot>) {
        self.boundary = boundary.unwrap_or(NO_SLOT);
    }

    /// The inline policies.
    pub(super) fn inline(&self) -> &[Policy] {
        self.extra.as_ref().map_or(&[], |extra| &extra.inline)
    }

    /// Changes the inline policies.
    pub(super) fn change_inline(&mut self, change: impl FnOnce(&mut Inline)) {
        self.change_extra(|extra| change(&mut extra.inline));
    }

    /// The attached managed policies.
    pub(super) fn attached(&self) -> &[Slot] {
        self.slots().0
    }

    /// The groups that the user is a member of.
    pub(super) fn groups(&self) -> &[Slot] {
        self.slots().1
    }

    /// Attaches a policy, or detaches it.
    pub(super) fn set_attached(&mut self, slot: Slot, there: bool) {
        let (mut attached, groups) = (Slots::from(self.attached()), Slots::from(self.groups()));
        set_slot(&mut attached, slot, there);
        self.set_slots(attached, &groups);
    }

    /// Adds the user to a group, or removes them.
    pub(super) fn set_group(&mut self, slot: Slot, there: bool) {
        let (attached, mut groups) = (Slots::from(self.attached()), Slots::from(self.groups()));
        set_slot(&mut groups, slot, there);
        self.set_slots(attached, &groups);
    }

    /// The slots of attached policies, and those of groups.
    fn slots(&self) -> (&[Slot], &[Slot]) {
        let split = match &self.extra {
            Some(extra) if self.spilled => extra.slots.split_at_checked(extra.attached),
            _ => {
                let (attached, groups) = (usize::from(self.attached), usize::from(self.groups));
                self.slots.get(..attached + groups).and_then(|slots| slots.split_at_checked(attached))
            }
        };
        split.unwrap_or_default()
    }

    fn set_slots(&mut self, attached: Slots, groups: &[Slot]) {
        let (attached_len, groups_len) = (attached.len(), groups.len());
        let mut all = attached;
        all.extend_from_slice(groups);
        let mut spilled = Box::default();
        self.spilled = all.len() > INLINE_SLOTS;
        if self.spilled {
            spilled = all.as_slice().into();
            (self.attached, self.groups) = (0, 0);
        } else {
            self.slots[..all.len()].copy_from_slice(&all);
            (self.attached, self.groups) = (attached_len as u8, groups_len as u8);
        }
        if self.spilled || self.extra.is_some() {
            self.change_extra(|extra| (extra.slots, extra.attached) = (spilled, attached_len));
        }
    }

    fn change_extra(&mut self, change: impl FnOnce(&mut Extra)) {
        let extra = Arc::make_mut(self.extra.get_or_insert_default());
        change(extra);
        if extra.inline.is_empty() && extra.slots.is_empty() {
            self.extra = None;
        }
    }
}

impl Shared for PrincipalRecord {
    fn count(&self) -> usize {
        self.entity.count().wrapping_add(self.extra.count())
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{AccountId, IdKind, Path};

    use super::super::entities::Properties;
    use super::*;

    #[test]
    fn a_record_fits_a_cache_line_and_holds_any_number_of_slots() {
        assert_eq!((size_of::<Option<PrincipalRecord>>(), align_of::<PrincipalRecord>()), (64, 64));
        let id = UniqueId::new(IdKind::User, [1; 17]);
        let entity = Entity::new(AccountId::NONE, id, "ann", Path::root(), Properties::default());
        let mut record = PrincipalRecord::new(Arc::new(entity));
        let (mut attached, mut groups) = (Vec::new(), Vec::new());
        for slot in 0..600 {
            if slot % 3 == 0 {
                record.set_group(slot, true);
                groups.push(slot);
            } else {
                record.set_attached(slot, true);
                attached.push(slot);
            }
            // Repeating a change has no effect.
            record.set_group(groups[0], true);
            assert_eq!((record.attached(), record.groups()), (&*attached, &*groups));
        }
        for slot in 0..600 {
            record.set_group(slot, false);
            record.set_attached(slot, false);
            groups.retain(|own| *own != slot);
            attached.retain(|own| *own != slot);
            assert_eq!((record.attached(), record.groups()), (&*attached, &*groups));
        }
        assert!(record.extra.is_none());
    }
}
