//! The context that a handler runs in: caller, time, randomness, the deployment.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, IdKind, Partition, Region, UniqueId};
use jiff::Timestamp;

use crate::{Caller, Paging, RevisionScope};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from; it must be fit for secrets.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// What is the same for every call to this deployment.
pub struct Deployment {
    /// The partition that every ARN here is in.
    pub partition: Partition,
    /// The region that the deployment says it is in.
    pub region: Region,
    /// Id of the cluster: made at the first start, part of everything that is sealed.
    pub cluster_id: String,
    /// Which store and epoch revisions are of.
    pub revisions: RevisionScope,
    /// The account that was there first and that governs the others.
    pub management_account: AccountId,
    /// How many of each thing there may be.
    pub quotas: Arc<Quotas>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// Seals secrets at rest, tokens and markers.
    pub sealer: Arc<bailiwick_seal::Sealer>,
}

/// What the pipeline knows of the request beside its message.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// Names the request in logs, answers and the audit trail: a UUID as text.
    pub id: String,
    /// The address that the connection came from.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub secure_transport: bool,
    /// What the client says it is, with control characters taken out.
    pub user_agent: Option<String>,
    /// The region that the signature names.
    pub region: Option<Region>,
    /// The host that was called.
    pub host: Option<String>,
}

/// The context of one attempt at a call. Caller, time and view hold throughout; when the handler has to run again, it
/// runs in a new context, for which the caller was proved again.
#[derive(Clone)]
pub struct Cx {
    caller: Arc<Caller>,
    request: Arc<RequestInfo>,
    deployment: Arc<Deployment>,
    now: Timestamp,
    view: Option<Arc<dyn Any + Send + Sync>>,
}

impl Cx {
    /// The context of an attempt made now.
    pub fn new(deployment: Arc<Deployment>, caller: Arc<Caller>, request: Arc<RequestInfo>) -> Self {
        let now = deployment.clock.now();
        Cx { caller, request, deployment, now, view: None }
    }

    /// The same at a given time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Cx { now, ..self }
    }

    /// The same with the view that everything is decided on: the caller was proved on it at [`Self::now`].
    #[must_use]
    pub fn with_view<T: Any + Send + Sync>(self, view: Arc<T>) -> Self {
        Cx { view: Some(view), ..self }
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The account that the call acts in: the caller's.
    pub fn account(&self) -> AccountId {
        self.caller.account()
    }

    /// What is known of the request beside its message.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }

    /// The deployment.
    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// The partition that every ARN here is in.
    pub fn partition(&self) -> Partition {
        self.deployment.partition
    }

    /// The time of this attempt, to the fraction: read after everything that the call waited for, and just before the
    /// view was taken.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same in whole seconds, as dates of stored things are kept and shown.
    pub fn date(&self) -> Timestamp {
        // A second that the clock gave is in range.
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now)
    }

    /// The view that everything is decided on, if it is of this type.
    pub fn view<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.view.clone().and_then(|view| view.downcast().ok())
    }

    /// Random bytes, fit for secrets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.deployment.random.fill(&mut bytes);
        bytes
    }

    /// A new unique id.
    pub fn new_id(&self, kind: IdKind) -> UniqueId {
        UniqueId::new(kind, self.random())
    }

    /// A new access key id in an account.
    pub fn new_access_key_id(&self, kind: AccessKeyKind, account: AccountId) -> AccessKeyId {
        AccessKeyId::new(kind, account, self.random())
    }

    /// What pages are cut and markers are made with.
    pub fn paging(&self, operation: &'static str) -> Paging<'_> {
        Paging::new(self, operation)
    }
}

/// A random UUID as text, from 16 random bytes: ids of requests and of audit events.
pub fn uuid(random: [u8; 16]) -> String {
    let mut number = u128::from_be_bytes(random);
    // Version 4, variant 1.
    number = number & !(0xf << 76) | 4 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for i in 0..32 {
        if matches!(i, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(char::from(HEX[(number >> (124 - 4 * i)) as usize & 15]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn uuids_are_of_version_four() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([255; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
