//! A row by what it is, and what a record belongs to.

use bailiwick_model::AccountId;
use bytes::Bytes;

use super::content::Content;
use crate::keys::{self, CounterKind, Kind};

/// A row, by what it is.
pub(super) enum Row {
    Record(Links, Option<Box<Content>>),
    /// An index row, and the key of its record; none if it names none.
    Index(Option<Bytes>),
    Counter,
}

/// What a record belongs to.
#[derive(Default)]
pub(super) struct Links {
    /// The key of the record, from its content.
    pub(super) own: Option<Bytes>,
    /// Rows that must exist, with these values, and that are this record's alone.
    pub(super) indexes: Vec<(Bytes, Bytes)>,
    /// Whether there are further indexes, which are not known because another record cannot be read.
    pub(super) has_unknown_indexes: bool,
    /// Rows that must exist.
    pub(super) references: Vec<Bytes>,
    /// Counters that count it.
    pub(super) counters: Vec<Bytes>,
    /// Its share in the expected number and in the number of rows of a kind.
    pub(super) pairs: Vec<(Pair, u64, u64)>,
}

/// Rows that belong to records and do not name them, so that only their number can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pair {
    PasskeyCredentials,
    SamlMetadata,
    SigningCertificateDigests,
    SshPublicKeyDigests,
}

impl Pair {
    pub(super) fn is_of_deployment(self) -> bool {
        self == Pair::PasskeyCredentials
    }

    /// The kind of the rows.
    pub(super) fn rows(self) -> Kind {
        match self {
            Pair::PasskeyCredentials => Kind::PasskeyCredential,
            Pair::SamlMetadata => Kind::SamlMetadata,
            Pair::SigningCertificateDigests => Kind::SigningCertificateDigest,
            Pair::SshPublicKeyDigests => Kind::SshPublicKeyDigest,
        }
    }
}

impl Links {
    pub(super) fn new() -> Self {
        Links::default()
    }

    pub(super) fn at(own: Bytes) -> Self {
        Links { own: Some(own), ..Links::default() }
    }

    pub(super) fn index(mut self, key: Bytes, value: Bytes) -> Self {
        self.indexes.push((key, value));
        self
    }

    pub(super) fn refers(mut self, key: Bytes) -> Self {
        self.references.push(key);
        self
    }

    pub(super) fn counted(mut self, account: AccountId, what: CounterKind, of: &[u8]) -> Self {
        self.counters.push(keys::counter(account, what, of));
        self
    }

    pub(super) fn pair(mut self, pair: Pair, expected: u64, found: u64) -> Self {
        self.pairs.push((pair, expected, found));
        self
    }

    pub(super) fn plain(self) -> Row {
        Row::Record(self, None)
    }

    pub(super) fn with(self, content: Content) -> Row {
        Row::Record(self, Some(Box::new(content)))
    }
}
