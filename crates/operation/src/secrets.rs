//! Secret access keys: sealed for the store, opened to verify a signature.

use bailiwick_model::{AccessKeyId, AccountId, IamError, Result, UniqueId};
use bailiwick_seal::{KeyPurpose, SealError, Sealer, SecretString};

/// What a sealed secret is bound to. A row that was copied to another key or owner cannot be opened.
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
        let owner = self.user.map_or("root", UniqueId::as_str);
        let aad = self.aad(owner);
        sealer.seal(KeyPurpose::AtRest, &parts(&aad), secret.expose().as_bytes()).map_err(IamError::internal)
    }

    /// Opens a secret that [`seal`](Self::seal) sealed.
    ///
    /// # Errors
    /// If the bytes were sealed for another key or owner, or under unknown keys.
    pub fn open(&self, sealer: &Sealer, sealed: &[u8]) -> Result<SecretString, SealError> {
        let owner = self.user.map_or("root", UniqueId::as_str);
        let aad = self.aad(owner);
        let opened = sealer.open(KeyPurpose::AtRest, &parts(&aad), sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| SealError::Unopenable)?;
        Ok(SecretString::from(text.to_owned()))
    }

    /// `table | account | owner | key id | version`.
    fn aad<'a>(&'a self, owner: &'a str) -> Aad<'a> {
        Aad { account: self.account.digits(), owner, key: self.key.as_str() }
    }
}

struct Aad<'a> {
    account: [u8; 12],
    owner: &'a str,
    key: &'a str,
}

fn parts<'a>(aad: &'a Aad<'_>) -> [&'a [u8]; 5] {
    [b"access-key", &aad.account, aad.owner.as_bytes(), aad.key.as_bytes(), b"1"]
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
}
