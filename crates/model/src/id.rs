//! Unique ids and access key ids.
//!
//! AWS's ids are base32 text after a prefix for the kind. As in AWS, the first characters of an access key id encode
//! its account, so the account can be read from the id alone.

use std::fmt;

use crate::{AccountId, NameError};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a unique id belongs to, from its first four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdKind {
    /// `AIDA`
    User,
    /// `AGPA`
    Group,
    /// `AROA`
    Role,
    /// `ANPA`
    Policy,
    /// `ANVA`
    PolicyVersion,
    /// `AIPA`
    InstanceProfile,
    /// `ASCA`
    ServerCertificate,
    /// `APKA`
    SshPublicKey,
    /// `ACCA`
    ServiceSpecificCredential,
}

impl IdKind {
    /// The prefix of ids of this kind: four letters.
    pub const fn prefix(self) -> &'static str {
        match self {
            IdKind::User => "AIDA",
            IdKind::Group => "AGPA",
            IdKind::Role => "AROA",
            IdKind::Policy => "ANPA",
            IdKind::PolicyVersion => "ANVA",
            IdKind::InstanceProfile => "AIPA",
            IdKind::ServerCertificate => "ASCA",
            IdKind::SshPublicKey => "APKA",
            IdKind::ServiceSpecificCredential => "ACCA",
        }
    }

    const ALL: [IdKind; 9] = [
        IdKind::User,
        IdKind::Group,
        IdKind::Role,
        IdKind::Policy,
        IdKind::PolicyVersion,
        IdKind::InstanceProfile,
        IdKind::ServerCertificate,
        IdKind::SshPublicKey,
        IdKind::ServiceSpecificCredential,
    ];
}

/// The unique id of an identity or policy: 21 upper-case base32 characters, the first four of which are the prefix of
/// the kind. It is never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId([u8; 21]);

impl UniqueId {
    /// Makes an id from random bytes; 17 base32 characters hold 85 bits.
    pub fn new(kind: IdKind, random: [u8; 17]) -> Self {
        let mut id = [0; 21];
        id[..4].copy_from_slice(kind.prefix().as_bytes());
        for (slot, byte) in id[4..].iter_mut().zip(random) {
            *slot = BASE32[usize::from(byte & 31)];
        }
        UniqueId(id)
    }

    /// # Errors
    /// Returned unless the text is a known prefix followed by 17 base32 characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let error = NameError::new("unique id", "21 base32 characters that begin with a prefix such as AIDA or AROA");
        let id: [u8; 21] = text.as_bytes().try_into().map_err(|_| error)?;
        let known = IdKind::ALL.iter().any(|k| text.starts_with(k.prefix()));
        if known && id.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')) { Ok(UniqueId(id)) } else { Err(error) }
    }

    /// What the id belongs to.
    pub fn kind(&self) -> IdKind {
        // `new` and `parse` accept no other prefix.
        IdKind::ALL.into_iter().find(|k| self.0.starts_with(k.prefix().as_bytes())).unwrap_or(IdKind::User)
    }

    /// The 21 characters.
    pub fn as_str(&self) -> &str {
        // Base32 characters are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 21 characters as bytes, for keys of the store.
    pub fn as_bytes(&self) -> &[u8; 21] {
        &self.0
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an access key is a long-term key or belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessKeyKind {
    /// `AKIA`: of a user or of root.
    LongTerm,
    /// `ASIA`: of a session.
    Temporary,
}

/// An access key id: 16 to 128 letters, digits and underscores. Ids made by [`Self::new`] have 20 characters, begin
/// with `AKIA` or `ASIA` and encode their account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(Box<str>);

impl AccessKeyId {
    /// Makes an id from random bytes: 40 of its bits are the account, 40 are random.
    pub fn new(kind: AccessKeyKind, account: AccountId, random: [u8; 6]) -> Self {
        // AWS's layout: one bit set, 40 bits of account, then the rest.
        let [a, tail @ ..] = random;
        let head = (1u64 << 47) | (account.number() << 7) | u64::from(a & 0x7f);
        let mut bytes = [0u8; 10];
        bytes[..6].copy_from_slice(&head.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&tail[..4]);
        let mut bits = [0u8; 16];
        bits[6..].copy_from_slice(&bytes);
        let number = u128::from_be_bytes(bits);
        let mut text = String::with_capacity(20);
        text.push_str(match kind {
            AccessKeyKind::LongTerm => "AKIA",
            AccessKeyKind::Temporary => "ASIA",
        });
        for i in (0..16).rev() {
            text.push(char::from(BASE32[(number >> (5 * i)) as usize & 31]));
        }
        AccessKeyId(text.into())
    }

    /// # Errors
    /// Returned unless the text is 16 to 128 letters, digits and underscores.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            Ok(AccessKeyId(text.into()))
        } else {
            Err(NameError::new("access key id", "16 to 128 letters and digits"))
        }
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind, if the prefix is known.
    pub fn kind(&self) -> Option<AccessKeyKind> {
        match self.0.get(..4)? {
            "AKIA" => Some(AccessKeyKind::LongTerm),
            "ASIA" => Some(AccessKeyKind::Temporary),
            _ => None,
        }
    }

    /// The account encoded in the id. It is a hint, not a proof: imported ids may encode anything.
    pub fn account(&self) -> Option<AccountId> {
        let tail = self.0.get(4..).filter(|t| t.len() == 16)?;
        let mut head = 0u64;
        for b in tail.bytes().take(10) {
            head = head << 5 | BASE32.iter().position(|c| *c == b)? as u64;
        }
        // Ten characters are 50 bits; the account lies in bits 1 to 40 of the first 48.
        AccountId::from_number(head >> 2 >> 7 & ((1 << 40) - 1))
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_have_the_form_of_aws() {
        let id = UniqueId::new(IdKind::Role, [255; 17]);
        assert_eq!(id.as_str(), "AROA77777777777777777");
        assert_eq!(UniqueId::parse(id.as_str()), Ok(id));
        assert_eq!(id.kind(), IdKind::Role);
        for bad in
            ["", "AROA7777777777777777", "XXXX77777777777777777", "AROA7777777777777777a", "AROA7777777777777777é"]
        {
            assert!(UniqueId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn access_key_ids_encode_their_account() {
        for number in [1, 111_122_223_333, 999_999_999_999] {
            let account = AccountId::from_number(number).unwrap();
            for random in [[0; 6], [255; 6], [1, 2, 3, 4, 5, 6]] {
                let id = AccessKeyId::new(AccessKeyKind::Temporary, account, random);
                assert_eq!(id.as_str().len(), 20);
                assert_eq!((id.kind(), id.account()), (Some(AccessKeyKind::Temporary), Some(account)));
            }
        }
        assert!(AccessKeyId::parse("AKIA with spaces!!").is_err());
    }
}
