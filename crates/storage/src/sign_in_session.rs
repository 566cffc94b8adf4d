//! Sign-in sessions of users and root. A session is valid only while it is in the record of its owner.

use bailiwick_model::{AccessKeyId, AccountId, Result};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    error::StoreError,
    keys::{self, Kind},
    tx::Tx,
};

/// A sign-in session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInSession {
    /// The temporary access key id that stands for the session.
    pub id: AccessKeyId,
    /// When the person signed in.
    pub issued: Timestamp,
    /// When the session ends.
    pub expires: Timestamp,
    /// Whether a second factor was verified.
    pub mfa: bool,
    /// The address of the client.
    pub source_ip: String,
    /// The user agent of the client.
    pub user_agent: String,
}

/// All sessions of a user or root.
pub(crate) struct SignInSessions(Vec<SignInSession>);

impl SignInSession {
    /// Reads the sessions of an owner from the value of their row.
    ///
    /// # Errors
    /// If the value is not such a record.
    pub fn decode_all(value: &[u8]) -> Result<Vec<SignInSession>, StoreError> {
        Ok(<SignInSessions as codec::Record>::decode(value)?.0)
    }
}

impl Tx {
    /// Returns the sign-in sessions of a user or root, expired ones included. The commit depends on them.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn sign_in_sessions(&mut self, account: AccountId, owner: &KeyOwner) -> Result<Vec<SignInSession>> {
        Ok(self.read::<SignInSessions>(key(account, owner)).await?.map_or(Vec::new(), |sessions| sessions.0))
    }

    /// Replaces the sign-in sessions of a user or root, which this transaction has read. Those that are left out are
    /// revoked.
    pub fn put_sign_in_sessions(&mut self, account: AccountId, owner: &KeyOwner, sessions: Vec<SignInSession>) {
        let key = key(account, owner);
        if sessions.is_empty() {
            self.delete_key(key);
        } else {
            self.put_record(key, &SignInSessions(sessions));
        }
    }

    /// Ends all sign-in sessions of a user or root. A concurrent sign-in conflicts.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn end_sign_in_sessions(&mut self, account: AccountId, owner: &KeyOwner) -> Result<()> {
        let key = key(account, owner);
        if self.read_key(key.clone()).await?.is_some() {
            self.delete_key(key);
        }
        Ok(())
    }
}

fn key(account: AccountId, owner: &KeyOwner) -> Bytes {
    keys::owned(account, Kind::SignInSessions, owner.user(), "")
}

impl AsMessage for SignInSessions {
    type Message = pb::SignInSessions;
    const NAME: &'static str = "sign-in sessions";

    fn to_message(&self) -> pb::SignInSessions {
        let session = |session: &SignInSession| pb::SignInSession {
            id: session.id.to_string(),
            issued: session.issued.as_microsecond(),
            expires: session.expires.as_microsecond(),
            mfa: session.mfa,
            source_ip: session.source_ip.clone(),
            user_agent: session.user_agent.clone(),
        };
        pb::SignInSessions { sessions: self.0.iter().map(session).collect() }
    }

    fn from_message(message: pb::SignInSessions) -> Result<Self, Malformed> {
        let session = |session: pb::SignInSession| -> Result<SignInSession, Malformed> {
            Ok(SignInSession {
                id: AccessKeyId::parse(&session.id)?,
                issued: codec::time(session.issued)?,
                expires: codec::time(session.expires)?,
                mfa: session.mfa,
                source_ip: session.source_ip,
                user_agent: session.user_agent,
            })
        };
        Ok(SignInSessions(message.sessions.into_iter().map(session).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Record as _;

    #[test]
    fn sessions_are_read_as_they_were_written() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let session = SignInSession {
            id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
            issued: at(1_772_366_400),
            expires: at(1_772_409_600),
            mfa: true,
            source_ip: "192.0.2.1".into(),
            user_agent: "curl/8".into(),
        };
        let all = vec![session.clone(), SignInSession { mfa: false, ..session }];
        let bytes = SignInSessions(all.clone()).encode();
        assert_eq!(SignInSession::decode_all(&bytes).unwrap(), all);
        assert!(SignInSession::decode_all(&bytes[..bytes.len() - 1]).is_err());
        assert!(SignInSession::decode_all(b"").is_err());
    }
}
