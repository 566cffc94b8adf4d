//! `Principal` and `NotPrincipal`: the principals that a statement applies to.

use std::sync::Arc;

use bailiwick_model::AccountId;
use bailiwick_policy_lang::{Principal as Names, PrincipalElement, PrincipalKind, PrincipalName};

use crate::compile::Interner;
use crate::hash;
use crate::prepared::PreparedRequest;
use crate::request::{Entity, Principal};

/// The ways in which a statement names a caller, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrincipalMatch(u16);

impl PrincipalMatch {
    /// `*`.
    pub(crate) const EVERYONE: Self = Self(1);
    /// The caller's account.
    pub(crate) const ACCOUNT: Self = Self(2);
    /// The user that the caller is.
    pub(crate) const USER: Self = Self(4);
    /// The role whose session the caller is.
    pub(crate) const ROLE: Self = Self(8);
    /// The session that the caller is.
    pub(crate) const SESSION: Self = Self(16);
    /// The user that created the federated-user session of the caller.
    pub(crate) const FEDERATING_USER: Self = Self(32);
    /// The service that the caller is.
    pub(crate) const SERVICE: Self = Self(64);
    /// The identity provider that the caller is, or that their session came through.
    pub(crate) const PROVIDER: Self = Self(128);

    /// Each alone.
    pub(crate) const EACH: [Self; 8] = [
        Self::EVERYONE,
        Self::ACCOUNT,
        Self::USER,
        Self::ROLE,
        Self::SESSION,
        Self::FEDERATING_USER,
        Self::SERVICE,
        Self::PROVIDER,
    ];

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The element of one statement.
pub(crate) struct PrincipalSet {
    pub(crate) negated: bool,
    who: Box<[Who]>,
    /// As written, for explanations.
    pub(crate) sources: Box<[Arc<str>]>,
}

enum Who {
    Everyone,
    /// Everyone of a kind, as `{"Service": "*"}` says.
    EveryService,
    EveryProvider,
    Account(AccountId, Option<Arc<str>>),
    User(Arc<str>),
    Role(Arc<str>),
    Session(Arc<str>),
    /// A user or role by its unique id.
    Id(Arc<str>),
    Service(Arc<str>),
    Provider(Arc<str>),
    /// A principal that never calls, such as a canonical user id.
    Nobody,
}

impl PrincipalSet {
    pub(crate) fn compile(element: &PrincipalElement, interner: &mut Interner) -> Self {
        let mut who = Vec::new();
        let mut sources = Vec::new();
        match &element.principal {
            Names::Everyone => {
                who.push(Who::Everyone);
                sources.push(interner.text("*"));
            }
            Names::Map(entries) => {
                for entry in entries {
                    for value in &entry.values {
                        who.push(Who::compile(entry.kind, &value.value, interner));
                        sources.push(interner.text(&value.value));
                    }
                }
            }
        }
        Self { negated: element.negated, who: who.into(), sources: sources.into() }
    }

    /// Returns the ways in which the statement names the caller. A `NotPrincipal` names the caller in every way, unless
    /// it excludes them.
    pub(crate) fn names(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> PrincipalMatch {
        let principal = &subject.request.principal;
        *steps += self.who.len() as u64;
        let mut named = PrincipalMatch::default();
        for who in &self.who {
            named = named.and(who.names(principal));
        }
        if !self.negated {
            return named;
        }
        let spared =
            !subject.has_boundary && (named.has(PrincipalMatch::EVERYONE) || named.has(to_be_spared(principal)));
        if spared { PrincipalMatch::default() } else { PrincipalMatch::EVERYONE }
    }

    /// The hashes that find every principal of the element. `None` if only a full scan does.
    pub(crate) fn keys(&self) -> Option<Vec<u64>> {
        if self.negated {
            return None;
        }
        self.who.iter().map(Who::key).collect()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.who) + size_of_val(&*self.sources)
    }
}

/// The names of which a `NotPrincipal` must have one to exclude a caller.
fn to_be_spared(principal: &Principal<'_>) -> PrincipalMatch {
    match principal {
        Principal::Root { .. } => PrincipalMatch::ACCOUNT,
        Principal::User { .. } => PrincipalMatch::USER.and(PrincipalMatch::ACCOUNT),
        Principal::RoleSession { .. } => PrincipalMatch::SESSION.and(PrincipalMatch::ROLE).and(PrincipalMatch::ACCOUNT),
        Principal::FederatedUser { .. } => PrincipalMatch::SESSION.and(PrincipalMatch::ACCOUNT),
        Principal::Service { .. } => PrincipalMatch::SERVICE,
        Principal::IdentityProvider { .. } => PrincipalMatch::PROVIDER,
        Principal::Anonymous => PrincipalMatch::EVERYONE,
    }
}

impl Who {
    fn compile(kind: PrincipalKind, value: &str, interner: &mut Interner) -> Self {
        match PrincipalName::parse(kind, value) {
            Some(PrincipalName::Everyone) => match kind {
                PrincipalKind::Service => Self::EveryService,
                PrincipalKind::Federated => Self::EveryProvider,
                PrincipalKind::Aws | PrincipalKind::CanonicalUser => Self::Everyone,
            },
            Some(PrincipalName::Account { account, partition }) => match AccountId::parse(account) {
                Ok(account) => Self::Account(account, partition.map(|partition| interner.text(partition))),
                Err(_) => Self::Nobody,
            },
            Some(PrincipalName::User { .. }) => Self::User(interner.text(value)),
            Some(PrincipalName::Role { .. }) => Self::Role(interner.text(value)),
            Some(PrincipalName::AssumedRole { .. } | PrincipalName::FederatedUser { .. }) => {
                Self::Session(interner.text(value))
            }
            Some(PrincipalName::UniqueId(_)) => Self::Id(interner.text(value)),
            Some(PrincipalName::Service(_)) => Self::Service(interner.text(value)),
            Some(
                PrincipalName::SamlProvider(_) | PrincipalName::OidcProvider(_) | PrincipalName::FederatedDomain(_),
            ) => Self::Provider(interner.text(value)),
            Some(PrincipalName::CanonicalUser(_)) | None => Self::Nobody,
        }
    }

    fn names(&self, principal: &Principal<'_>) -> PrincipalMatch {
        let named = |condition: bool, named: PrincipalMatch| if condition { named } else { PrincipalMatch::default() };
        let is = |entity: &Entity<'_>, arn: &str| entity.arn == arn;
        let has_id = |entity: &Entity<'_>, id: &str| entity.unique_id == Some(id);
        match (self, principal) {
            (Self::Everyone, _) => PrincipalMatch::EVERYONE,
            (Self::EveryService, Principal::Service { .. }) => PrincipalMatch::EVERYONE,
            (Self::EveryProvider, Principal::IdentityProvider { .. }) => PrincipalMatch::EVERYONE,
            (Self::EveryProvider, Principal::RoleSession { provider: Some(_), .. }) => PrincipalMatch::PROVIDER,
            (Self::Account(account, partition), _) => {
                let own = principal.account().is_some_and(|own| own.id == *account);
                let there = partition
                    .as_ref()
                    .is_none_or(|partition| principal.name().split(':').nth(1).is_some_and(|own| *own == **partition));
                named(own && there, PrincipalMatch::ACCOUNT)
            }
            (Self::User(arn), Principal::User { user, .. }) => named(is(user, arn), PrincipalMatch::USER),
            (Self::Id(id), Principal::User { user, .. }) => named(has_id(user, id), PrincipalMatch::USER),
            (Self::User(arn), Principal::FederatedUser { user: Some(user), .. }) => {
                named(is(user, arn), PrincipalMatch::FEDERATING_USER)
            }
            (Self::Id(id), Principal::FederatedUser { user: Some(user), .. }) => {
                named(has_id(user, id), PrincipalMatch::FEDERATING_USER)
            }
            (Self::Role(arn), Principal::RoleSession { role, .. }) => named(is(role, arn), PrincipalMatch::ROLE),
            (Self::Id(id), Principal::RoleSession { role, .. }) => named(has_id(role, id), PrincipalMatch::ROLE),
            (Self::Session(name), Principal::RoleSession { arn, .. } | Principal::FederatedUser { arn, .. }) => {
                named(**name == **arn, PrincipalMatch::SESSION)
            }
            (Self::Service(service), Principal::Service { name }) => {
                named(**service == **name, PrincipalMatch::SERVICE)
            }
            (Self::Provider(provider), Principal::IdentityProvider { name }) => {
                named(**provider == **name, PrincipalMatch::PROVIDER)
            }
            (Self::Provider(provider), Principal::RoleSession { provider: Some(name), .. }) => {
                named(**provider == **name, PrincipalMatch::PROVIDER)
            }
            _ => PrincipalMatch::default(),
        }
    }

    fn key(&self) -> Option<u64> {
        match self {
            Self::Everyone | Self::EveryService | Self::EveryProvider => None,
            Self::Account(account, _) => Some(hash::of(&account.digits())),
            Self::User(text)
            | Self::Role(text)
            | Self::Session(text)
            | Self::Id(text)
            | Self::Service(text)
            | Self::Provider(text) => Some(hash::of(text.as_bytes())),
            Self::Nobody => Some(0),
        }
    }
}

/// The hashes under which an index stores statements that may apply to a caller.
pub(crate) fn caller_keys(principal: &Principal<'_>) -> impl Iterator<Item = u64> {
    let (names, entity) = match *principal {
        Principal::Root { .. } | Principal::Anonymous => ([None, None], None),
        Principal::User { user, .. } => ([None, None], Some(user)),
        Principal::RoleSession { arn, role, provider, .. } => ([Some(arn), provider], Some(role)),
        Principal::FederatedUser { arn, user, .. } => ([Some(arn), None], user),
        Principal::Service { name } | Principal::IdentityProvider { name } => ([Some(name), None], None),
    };
    let account = principal.account().map(|account| hash::of(&account.id.digits()));
    let texts = [names[0], names[1], entity.map(|entity| entity.arn), entity.and_then(|entity| entity.unique_id)];
    account.into_iter().chain(texts.into_iter().flatten().map(|text| hash::of(text.as_bytes())))
}
