//! Secrets of users, and hashes of passwords: sealed for the store, opened to verify what their owner presents.

use bailiwick_model::{AccessKeyId, AccountId, IamError, Result, UniqueId};
use bailiwick_seal::{KeyPurpose, PasswordHash, SealError, Sealer, Secret, SecretString};
use bailiwick_storage::SamlProvider;
use zeroize::Zeroizing;

/// What a sealed secret access key is bound to. A row that was copied to another key or owner cannot be opened.
#[derive(Clone, Copy, Debug)]
pub struct SecretOwner<'a> {
    /// The account of the owner.
    pub account: AccountId,
    /// The user, or none for root.
    pub user: Option<&'a UniqueId>,
    /// The public half of the key.
    pub key: &'a AccessKeyId,
}

impl SecretOwner<'_> {
    /// Seals a secret access key for the store.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn seal(&self, sealer: &Sealer, secret: &SecretString) -> Result<Vec<u8>> {
        self.place().seal(sealer, secret.expose().as_bytes())
    }

    /// Opens a secret that [`seal`](Self::seal) sealed.
    ///
    /// # Errors
    /// If the bytes were sealed for another key or owner, or under unknown keys.
    pub fn open(&self, sealer: &Sealer, sealed: &[u8]) -> Result<SecretString, SealError> {
        let opened = self.place().open(sealer, sealed)?;
        let text = std::str::from_utf8(opened.expose()).map_err(|_| SealError::Unopenable)?;
        Ok(SecretString::from(text.to_owned()))
    }

    fn place(&self) -> SecretPlace<'_> {
        let owner = self.user.map_or("root", UniqueId::as_str);
        SecretPlace { table: "access-key", account: self.account, owner, id: self.key.as_str() }
    }
}

/// What the sealed hashes of passwords are bound to. A row that was copied to another owner cannot be opened.
#[derive(Clone, Copy, Debug)]
pub struct PasswordOwner<'a> {
    /// The account of the owner.
    pub account: AccountId,
    /// The user, or none for root.
    pub user: Option<&'a UniqueId>,
}

impl PasswordOwner<'_> {
    /// Seals the hashes of the current and the former passwords, the newest first.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn seal(&self, sealer: &Sealer, hashes: &[PasswordHash]) -> Result<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(hashes.len() * PasswordHash::STORED));
        hashes.iter().for_each(|hash| bytes.extend_from_slice(&*hash.to_bytes()));
        let account = self.account.digits();
        sealer.seal(KeyPurpose::AtRest, &self.aad(&account), &bytes).map_err(IamError::internal)
    }

    /// Opens hashes that [`seal`](Self::seal) sealed.
    ///
    /// # Errors
    /// If the bytes were sealed for another user, or under unknown keys.
    pub fn open(&self, sealer: &Sealer, sealed: &[u8]) -> Result<Vec<PasswordHash>, SealError> {
        let account = self.account.digits();
        let bytes = sealer.open(KeyPurpose::AtRest, &self.aad(&account), sealed)?;
        bytes.chunks(PasswordHash::STORED).map(PasswordHash::from_bytes).collect()
    }

    /// `table | account | user | version`.
    fn aad<'a>(&'a self, account: &'a [u8; 12]) -> [&'a [u8]; 4] {
        [b"login-profile", account, self.user.map_or("root", UniqueId::as_str).as_bytes(), b"1"]
    }
}

/// The record that a sealed secret belongs to. A row that was copied to another place cannot be opened.
#[derive(Clone, Copy, Debug)]
pub struct SecretPlace<'a> {
    /// The kind of record.
    pub table: &'static str,
    /// The account of the record.
    pub account: AccountId,
    /// The owner of the record in the account; empty if it has none.
    pub owner: &'a str,
    /// The id of the record.
    pub id: &'a str,
}

impl<'a> SecretPlace<'a> {
    /// The place of the seed of a virtual MFA device.
    pub fn of_mfa_seed(account: AccountId, path_and_name: &'a str) -> Self {
        SecretPlace { table: "mfa-device", account, owner: "", id: path_and_name }
    }

    /// The place of a key that signs tokens for services outside.
    pub fn of_token_signing_key(account: AccountId, id: &'a str) -> Self {
        SecretPlace { table: "token-signing-key", account, owner: "", id }
    }

    /// The place of the private key of a server certificate.
    pub fn of_certificate_key(account: AccountId, id: &'a UniqueId) -> Self {
        SecretPlace { table: "server-certificate", account, owner: "", id: id.as_str() }
    }

    /// The place of the secret of a service-specific credential.
    pub fn of_service_credential(account: AccountId, user: &'a UniqueId, id: &'a UniqueId) -> Self {
        SecretPlace { table: "service-specific-credential", account, owner: user.as_str(), id: id.as_str() }
    }

    /// The place of a private key of a SAML provider.
    pub fn of_saml_key(provider: &'a SamlProvider, id: &'a str) -> Self {
        SecretPlace { table: "saml-private-key", account: provider.account, owner: &provider.uuid, id }
    }

    /// Seals a secret for the store.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn seal(&self, sealer: &Sealer, secret: &[u8]) -> Result<Vec<u8>> {
        let account = self.account.digits();
        sealer.seal(KeyPurpose::AtRest, &self.parts(&account), secret).map_err(IamError::internal)
    }

    /// Opens a secret that [`seal`](Self::seal) sealed.
    ///
    /// # Errors
    /// If the bytes were sealed for another place, or under unknown keys.
    pub fn open(&self, sealer: &Sealer, sealed: &[u8]) -> Result<Secret, SealError> {
        let account = self.account.digits();
        Ok(sealer.open(KeyPurpose::AtRest, &self.parts(&account), sealed)?.into())
    }

    /// `table | account | owner | id | version`.
    fn parts<'p>(&'p self, account: &'p [u8; 12]) -> [&'p [u8]; 5] {
        [self.table.as_bytes(), account, self.owner.as_bytes(), self.id.as_bytes(), b"1"]
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{AccessKeyKind, IdKind};
    use bailiwick_seal::Keyring;

    use super::*;

    #[test]
    fn a_row_copied_to_another_owner_cannot_be_opened() {
        let sealer = Sealer::new(Keyring::generate(0).unwrap());
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let (alice, bob) = (UniqueId::new(IdKind::User, [1; 17]), UniqueId::new(IdKind::User, [2; 17]));
        let key = AccessKeyId::new(AccessKeyKind::LongTerm, account, [3; 6]);
        let owner = SecretOwner { account, user: Some(&alice), key: &key };
        let secret = SecretString::access_key([7; 30]);
        let sealed = owner.seal(&sealer, &secret).unwrap();
        assert_eq!(owner.open(&sealer, &sealed).unwrap(), secret);
        let other_key = AccessKeyId::new(AccessKeyKind::LongTerm, account, [4; 6]);
        for other in [
            SecretOwner { user: Some(&bob), ..owner },
            SecretOwner { user: None, ..owner },
            SecretOwner { key: &other_key, ..owner },
            SecretOwner { account: AccountId::from_number(1).unwrap(), ..owner },
        ] {
            assert!(other.open(&sealer, &sealed).is_err(), "{other:?}");
        }
    }

    #[test]
    fn hashes_copied_to_another_user_cannot_be_opened() {
        let sealer = Sealer::new(Keyring::generate(0).unwrap());
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let (alice, bob) = (UniqueId::new(IdKind::User, [1; 17]), UniqueId::new(IdKind::User, [2; 17]));
        let owner = PasswordOwner { account, user: Some(&alice) };
        let hashes =
            ["new", "old"].map(|text| PasswordHash::new(&SecretString::from(text.to_owned()), [3; 16]).unwrap());
        let sealed = owner.seal(&sealer, &hashes).unwrap();
        let opened = owner.open(&sealer, &sealed).unwrap();
        assert_eq!(opened.len(), 2);
        assert!(opened[0].matches(&SecretString::from("new".to_owned())));
        assert!(!sealed.windows(8).any(|part| hashes[0].to_bytes().windows(8).any(|other| part == other)));
        let account = AccountId::from_number(1).unwrap();
        for other in [
            PasswordOwner { user: Some(&bob), ..owner },
            PasswordOwner { user: None, ..owner },
            PasswordOwner { account, ..owner },
        ] {
            assert!(other.open(&sealer, &sealed).is_err(), "{other:?}");
        }
    }
}
