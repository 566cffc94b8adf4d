//! Counts again what a counter counts.

use bailiwick_model::AccountId;
use bytes::Bytes;

use super::CHUNK;
use crate::{
    codec::Record,
    error::StoreError,
    inline::InlinePolicy,
    keys::{self, CounterKind, Kind},
    policy::Usage,
    service_specific_credential::ServiceSpecificCredential,
    store::{Inspected, Scan, View},
};

/// The result of counting.
pub(super) enum Counted {
    Of(u64),
    /// A row that takes part is damaged.
    Unknown,
    NotACounter,
}

/// Counts what the counter with this id, in this account, must have.
pub(super) async fn count(view: &dyn View, account: AccountId, id: &[u8]) -> Result<Counted, StoreError> {
    let Some((what, of)) = id.split_first().and_then(|(number, of)| Some((CounterKind::from_number(*number)?, of)))
    else {
        return Ok(Counted::NotACounter);
    };
    // The rows of a kind whose ids begin with the object's.
    let rows = |kind: Kind, of: &[u8]| keys::record(account, kind, of);
    // The same for kinds whose ids begin with their owner: empty for root.
    let owned = |kind: Kind| keys::record(account, kind, &[&[of.len() as u8], of].concat());
    let held = |usage: Usage| keys::record(account, Kind::PolicyHolder, &[of, &[usage as u8]].concat());
    let prefixes = match what {
        CounterKind::Accounts => vec![rows(Kind::Account, of)],
        CounterKind::Outbox if of.is_empty() => vec![rows(Kind::Outbox, of)],
        CounterKind::Outbox => vec![rows(Kind::ServerOutbox, of)],
        CounterKind::Services => vec![rows(Kind::Service, of)],
        CounterKind::Users => vec![rows(Kind::User, of)],
        CounterKind::Groups => vec![rows(Kind::Group, of)],
        CounterKind::Roles => vec![rows(Kind::Role, of)],
        CounterKind::Policies => vec![rows(Kind::Policy, of)],
        CounterKind::PolicyVersions => vec![rows(Kind::PolicyVersion, of)],
        CounterKind::Resources => vec![rows(Kind::Resource, of)],
        CounterKind::GroupsOfUser => vec![rows(Kind::UserGroup, of)],
        CounterKind::Members => vec![rows(Kind::GroupMember, of)],
        CounterKind::Attached => vec![rows(Kind::Attachment, of)],
        CounterKind::Inline => vec![rows(Kind::InlinePolicy, of)],
        CounterKind::InlineSize => return sum(view, &rows(Kind::InlinePolicy, of), size).await,
        CounterKind::AccessKeys => vec![owned(Kind::AccessKeyOwner)],
        CounterKind::SigningCertificates => vec![owned(Kind::SigningCertificate)],
        CounterKind::LoginProfiles => vec![rows(Kind::LoginProfile, of)],
        CounterKind::MfaDevicesOfOwner => vec![owned(Kind::MfaDeviceOwner), owned(Kind::Passkey)],
        CounterKind::MfaDevices => vec![rows(Kind::MfaDevice, of)],
        CounterKind::MfaDevicesInUse => vec![rows(Kind::MfaDeviceOwner, of)],
        CounterKind::Passkeys => vec![rows(Kind::Passkey, of)],
        CounterKind::SshPublicKeys => vec![rows(Kind::SshPublicKey, of)],
        CounterKind::ServiceSpecificCredentials => vec![rows(Kind::ServiceSpecificCredential, of)],
        CounterKind::CredentialsForService => {
            let Some((user, service)) = keys::take_id(of) else { return Ok(Counted::NotACounter) };
            let prefix = rows(Kind::ServiceSpecificCredential, user.as_bytes());
            return sum(view, &prefix, |value| is_for(value, service)).await;
        }
        CounterKind::ServerCertificates => vec![rows(Kind::ServerCertificate, of)],
        CounterKind::Attachments => vec![held(Usage::Attached)],
        CounterKind::Boundaries => vec![held(Usage::Boundary)],
        CounterKind::Versions => {
            let Some((policy, _)) = keys::take_policy(of) else { return Ok(Counted::NotACounter) };
            vec![keys::policy_versions(policy)]
        }
        CounterKind::DeletionTasks => vec![rows(Kind::DeletionTaskTime, of)],
        CounterKind::ServiceUses => vec![owned(Kind::ServiceUse)],
        CounterKind::AccessJobs => vec![rows(Kind::AccessJobTime, of)],
        CounterKind::DelegationRequests => vec![rows(Kind::DelegationTime, of)],
        CounterKind::InstanceProfiles => vec![rows(Kind::InstanceProfile, of)],
        CounterKind::InstanceProfilesOfRole => vec![rows(Kind::RoleInstanceProfile, of)],
        CounterKind::OidcProviders => vec![rows(Kind::OidcProvider, of)],
        CounterKind::SamlProviders => vec![rows(Kind::SamlProvider, of)],
    };
    let mut total = 0;
    for prefix in prefixes {
        total += number(view, &prefix).await?;
    }
    Ok(Counted::Of(total))
}

fn size(value: &[u8]) -> Option<u64> {
    InlinePolicy::decode(value).ok().map(|policy| u64::from(policy.size))
}

fn is_for(value: &[u8], service: &[u8]) -> Option<u64> {
    let credential = ServiceSpecificCredential::decode(value).ok()?;
    Some(u64::from(credential.service.as_bytes() == service))
}

async fn number(view: &dyn View, prefix: &[u8]) -> Result<u64, StoreError> {
    let mut total = 0;
    each(view, prefix, |_| total += 1).await?;
    Ok(total)
}

async fn sum(view: &dyn View, prefix: &[u8], of: impl Fn(&[u8]) -> Option<u64>) -> Result<Counted, StoreError> {
    let mut total = Some(0_u64);
    each(view, prefix, |row| {
        let one = row.value.as_deref().and_then(&of);
        total = total.zip(one).map(|(total, one)| total.saturating_add(one));
    })
    .await?;
    Ok(total.map_or(Counted::Unknown, Counted::Of))
}

async fn each(view: &dyn View, prefix: &[u8], mut visit: impl FnMut(&Inspected)) -> Result<(), StoreError> {
    let mut after: Option<Bytes> = None;
    loop {
        let rows = view.inspect(Scan { prefix, after: after.as_deref(), limit: CHUNK }).await?;
        rows.iter().for_each(&mut visit);
        if rows.len() < CHUNK {
            return Ok(());
        }
        after = rows.into_iter().next_back().map(|row| row.key);
    }
}
