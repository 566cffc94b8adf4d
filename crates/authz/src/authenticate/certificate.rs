//! Callers that are proved by the certificate of their TLS connection.

use std::sync::Arc;

use bailiwick_decision::ClientCertificate;
use bailiwick_model::{ErrorCode, IamError, Result, UniqueId, UserName};
use bailiwick_operation::{Caller, Credential, Principal};
use bailiwick_sigv4::PayloadHash;
use bailiwick_snapshot::Snapshot;
use bailiwick_sts::Bearer;
use jiff::Timestamp;

use super::credentials::invalid;
use super::peer_certificate::PeerCertificate;
use crate::{Authenticated, Authz};

impl Authz {
    /// Returns the user that a verified certificate is mapped to. The user is looked up by their unique id, so that a later
    /// user of the same name is another one.
    pub(crate) fn by_certificate(&self, peer: &PeerCertificate, now: Timestamp) -> Result<Authenticated> {
        let (name, id) = match &*peer.users {
            [user] => user,
            [] => return Err(refused("no name of the client certificate is mapped to a user")),
            _ => return Err(refused("several names of the client certificate are mapped to users, expected one")),
        };
        let snapshot = self.snapshots.current()?;
        self.by_token(&self.certified_callers, &snapshot, digest(peer, name, id), now, || {
            let certificate = ClientCertificate {
                name: name.clone(),
                serial_number: peer.serial_number.clone(),
                sha256: peer.sha256,
            };
            let credential = Credential::Certificate(Arc::new(certificate));
            let caller = Caller { principal: user(&snapshot, id)?, credential, session: None, mfa: None };
            Ok(Bearer { caller, issued: peer.not_before.into(), expires: peer.not_after, signed_for: None })
        })
    }
}

fn refused(message: &str) -> IamError {
    IamError::new(ErrorCode::InvalidClientTokenId, message)
}

fn user(snapshot: &Snapshot, id: &UniqueId) -> Result<Principal> {
    let user = snapshot.entity(id).filter(|entity| !entity.is_role()).ok_or_else(invalid)?;
    let name = UserName::parse(&user.name).map_err(|_| invalid())?;
    Ok(Principal::User { account: user.account, id: *id, name, path: user.path().clone() })
}

/// The key of the cached caller. It is not in the cache of tokens, since a handle may be any bytes, such as these.
fn digest(peer: &PeerCertificate, name: &str, id: &UniqueId) -> [u8; 32] {
    let mut text = Vec::with_capacity(160);
    text.extend_from_slice(&peer.sha256);
    text.extend_from_slice(id.to_string().as_bytes());
    text.push(0);
    text.extend_from_slice(name.as_bytes());
    PayloadHash::of(&text).0
}
