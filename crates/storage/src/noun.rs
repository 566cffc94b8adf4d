//! Nouns: records with a unique id, and a name that is an index.

use bailiwick_model::{
    AccountId, GroupName, IamError, InstanceProfileName, Path, PolicyName, PolicyRef, Result, RoleName,
    ServerCertificateName, UniqueId, UserName, limits::Quotas,
};

use crate::{
    codec::Record,
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// A name that is compared without case.
pub trait FoldedName: std::fmt::Display + Send + Sync {
    /// The form that is compared.
    fn folded(&self) -> String;
}

macro_rules! folded {
    ($($name:ident)*) => {$(
        impl FoldedName for $name {
            fn folded(&self) -> String {
                self.key()
            }
        }
    )*};
}
folded!(UserName GroupName RoleName PolicyName InstanceProfileName ServerCertificateName);

/// A record with a unique id, and a name that is unique among its kind in an account.
pub trait Noun: Record + Send + Sync {
    /// The type of the name.
    type Name: FoldedName;
    /// The counter of its records in an account, and its name in messages.
    #[doc(hidden)]
    const SPEC: NounSpec;

    /// The account that it belongs to.
    fn account(&self) -> AccountId;
    /// Its unique id.
    fn id(&self) -> &UniqueId;
    /// Its name.
    fn name(&self) -> &Self::Name;
    /// The path.
    fn path(&self) -> &Path;
    /// The permissions boundary, if it has one.
    fn boundary(&self) -> Option<PolicyRef> {
        None
    }
    /// Returns whether the path begins with a prefix. The empty prefix matches all paths.
    fn is_below(&self, path_prefix: &str) -> bool {
        self.path().as_str().starts_with(path_prefix)
    }
}

/// The properties of a noun that generic code needs.
#[derive(Clone, Copy)]
pub struct NounSpec {
    pub(crate) record: Kind,
    pub(crate) names: Kind,
    pub(crate) label: &'static str,
    pub(crate) counter: CounterKind,
    pub(crate) quota_name: &'static str,
    pub(crate) quota: fn(&Quotas) -> u64,
    pub(crate) already_exists: fn(&str) -> IamError,
}

impl Tx {
    /// Returns the record with this name, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find<N: Noun>(&mut self, account: AccountId, name: &N::Name) -> Result<Option<N>> {
        let Some(id) = self.look_at(name_key::<N>(account, &name.folded())).await? else {
            return Ok(None);
        };
        let key = keys::record(account, N::SPEC.record, id);
        self.read(key).await
    }

    /// Returns the record with this name.
    ///
    /// # Errors
    /// `NoSuchEntity` if there is none.
    pub async fn get<N: Noun>(&mut self, account: AccountId, name: &N::Name) -> Result<N> {
        self.find(account, name).await?.ok_or_else(|| IamError::no_such(N::SPEC.label, name))
    }

    /// Returns the record with this unique id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_by_id<N: Noun>(&mut self, account: AccountId, id: &UniqueId) -> Result<Option<N>> {
        self.read(keys::record(account, N::SPEC.record, id.as_bytes())).await
    }

    /// Lists the records of an account whose path begins with `path_prefix`, ordered by name without regard to case.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list<N: Noun>(
        &self,
        account: AccountId,
        path_prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<N>> {
        let prefix = keys::kind(account, N::SPEC.names);
        let locate = |_: &[u8], id: &[u8]| Located::At(keys::record(account, N::SPEC.record, id));
        self.page(&prefix, after, limit, locate, |noun: N| Some(noun).filter(|noun| noun.is_below(path_prefix))).await
    }

    /// Takes the name and writes the record.
    pub(crate) async fn create_noun<N: Noun>(&mut self, noun: &N) -> Result<()> {
        let account = noun.account();
        self.take_name(noun).await?;
        let quota = (N::SPEC.quota)(&self.quotas_of(account).await?);
        let count = keys::counter(account, N::SPEC.counter, &[]);
        if account == AccountId::NONE {
            self.add(count, 1);
        } else {
            self.add_within(count, 1, quota, || IamError::quota(N::SPEC.quota_name, quota)).await?;
        }
        let key = keys::record(account, N::SPEC.record, noun.id().as_bytes());
        self.expect_absent(key.clone());
        self.put_record(key, noun);
        Ok(())
    }

    /// Writes the record and, if the name changed, moves the index row. Returns whether the name changed.
    pub(crate) async fn update_noun<N: Noun>(&mut self, old: &N, new: &N) -> Result<bool> {
        let key = keys::record(old.account(), N::SPEC.record, old.id().as_bytes());
        self.require(key.clone(), || IamError::no_such(N::SPEC.label, old.name())).await?;
        self.put_record(key, new);
        let renamed = old.name().folded() != new.name().folded();
        if renamed {
            self.delete_key(name_key::<N>(old.account(), &old.name().folded()));
            self.take_name(new).await?;
        }
        Ok(renamed)
    }

    pub(crate) async fn delete_noun<N: Noun>(&mut self, noun: &N) -> Result<()> {
        let key = keys::record(noun.account(), N::SPEC.record, noun.id().as_bytes());
        self.require(key.clone(), || IamError::no_such(N::SPEC.label, noun.name())).await?;
        self.delete_key(key);
        self.delete_key(name_key::<N>(noun.account(), &noun.name().folded()));
        self.add(keys::counter(noun.account(), N::SPEC.counter, &[]), -1);
        Ok(())
    }

    async fn take_name<N: Noun>(&mut self, noun: &N) -> Result<()> {
        let key = name_key::<N>(noun.account(), &noun.name().folded());
        if !self.is_name_free(key.clone()).await? {
            return Err((N::SPEC.already_exists)(&noun.name().to_string()));
        }
        self.put(key, noun.id().as_bytes().to_vec().into());
        Ok(())
    }

    /// How many of this kind an account has.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn count<N: Noun>(&self, account: AccountId) -> Result<u64> {
        self.peek_count(&keys::counter(account, N::SPEC.counter, &[])).await
    }
}

fn name_key<N: Noun>(account: AccountId, folded: &str) -> bytes::Bytes {
    keys::record(account, N::SPEC.names, folded.as_bytes())
}
