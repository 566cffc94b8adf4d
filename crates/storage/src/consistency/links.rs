//! What the row of each kind belongs to: its indexes, references, and counters.

use bailiwick_model::{AccessKeyId, AccountId, UniqueId};
use bytes::Bytes;

use super::{
    content::Content,
    holders::{attachment, held, membership},
    key_parts::{id_of, identity_record, invalid, owner_of, owner_record, text},
    row::{Links, Pair, Row},
};
use crate::{
    AccessJob, AccessKey, AccessKeyLastUsed, Account, AccountProperties, AccountQuotas, AccountState, CredentialReport,
    CredentialRules, DelegationRequest, DeletionTask, Expiring, GlobalTokenVersion, Group, InlinePolicy,
    InstanceProfile, KeyOwner, LoginProfile, Meta, MfaDevice, MfaFailures, Noun, OidcProvider, OrganizationFeatures,
    OutboundFederation, Passkey, PasswordPolicy, Policy, PolicyVersion, ReportChunk, Resource, Role, RoleLastUsed,
    RootPassword, SamlMetadataChunk, SamlProvider, ServerCertificate, Service, ServiceSpecificCredential, ServiceUse,
    SessionRevocation, SignInFailures, SigningCertificate, SshPublicKey, TokenSigningKeys, Usage, User,
    attachment::holder_key,
    codec::{Record, id_value},
    delegation_request,
    error::StoreError,
    expiring::micros,
    keys::{self, CounterKind, Kind},
    lifecycle::IdentityNoun,
    noun::FoldedName as _,
    reference::IdentityKind,
    server_id::ServerId,
    sign_in_failures::SignInAttempts,
    sign_in_session::SignInSessions,
    store::View,
};

/// The links of a row.
///
/// # Errors
/// [`StoreError::Corrupt`] and [`StoreError::Newer`] if the row itself is not a row of its kind; other errors if the
/// store cannot be read.
pub(super) async fn of(
    view: &dyn View,
    account: AccountId,
    kind: Kind,
    rest: &[u8],
    value: &Bytes,
) -> Result<Row, StoreError> {
    let id_in_value = || keys::take_id(value).map(|(id, _)| id);
    let named = |record: Kind| Row::Index(id_in_value().map(|id| keys::record(account, record, id.as_bytes())));
    let account_in_value = || keys::take_account(value).map(|(account, _)| account);
    Ok(match kind {
        Kind::Meta => {
            let meta = Meta::decode(value)?;
            Links::at(keys::meta()).refers(keys::account(meta.management_account)).plain()
        }
        Kind::Keyring => Links::new().with(Content::Keyring(value.clone())),
        Kind::Account => account_links(&Account::decode(value)?).plain(),
        Kind::AccountEmail | Kind::Alias => Row::Index(account_in_value().map(keys::account)),
        Kind::TokenIssuer => match account_in_value() {
            Some(account) => Links::new().refers(keys::account(account)).plain(),
            None => Row::Index(None),
        },
        Kind::AccessKeyAccount => {
            let id = AccessKeyId::parse(text(rest)?).map_err(|_| invalid())?;
            Row::Index(account_in_value().map(|account| keys::access_key(account, &id)))
        }
        Kind::Outbox => Links::new().counted(account, CounterKind::Outbox, &[]).with(Content::OutboxRow(value.clone())),
        Kind::ServerOutbox => {
            let server = rest.get(..size_of::<ServerId>()).ok_or_else(invalid)?;
            Links::new().counted(account, CounterKind::Outbox, server).with(Content::OutboxRow(value.clone()))
        }
        Kind::AuditCheckpoint | Kind::ServerAuditCheckpoint => {
            Links::new().with(Content::AuditCheckpoint(value.clone()))
        }
        Kind::AuditSigningKeys => Links::new().with(Content::AuditSigningKeys(value.clone())),
        Kind::Service => {
            let service = Service::decode(value)?;
            let prefix = Bytes::copy_from_slice(service.prefix.as_bytes());
            let links = Links::at(keys::service(&service.prefix)).counted(account, CounterKind::Services, &[]);
            let links = service
                .principals
                .iter()
                .fold(links, |links, name| links.index(keys::service_principal(name), prefix.clone()));
            links.plain()
        }
        Kind::ServicePrincipal => Row::Index(Some(keys::record(AccountId::NONE, Kind::Service, value))),

        Kind::User => entity(&User::decode(value)?).plain(),
        Kind::UserName => named(Kind::User),
        Kind::Group => entity(&Group::decode(value)?).plain(),
        Kind::GroupName => named(Kind::Group),
        Kind::Role => {
            let role = Role::decode(value)?;
            entity(&role).with(Content::Role(role))
        }
        Kind::RoleName => named(Kind::Role),
        Kind::UserGroup => membership(view, account, rest).await?.plain(),
        Kind::GroupMember => {
            let (group, _) = id_of(rest)?;
            Row::Index(id_in_value().map(|user| keys::user_group(account, &user, &group)))
        }
        Kind::RoleLastUsed => {
            RoleLastUsed::decode(value)?;
            Links::new().refers(keys::identity(account, IdentityKind::Role, &id_of(rest)?.0)).plain()
        }
        Kind::DeletionTask => expiring(&DeletionTask::decode(value)?).plain(),
        Kind::DeletionTaskTime => timed(account, Kind::DeletionTask, rest),
        Kind::AccessJob => expiring(&AccessJob::decode(value)?).plain(),
        Kind::AccessJobTime => timed(account, Kind::AccessJob, rest),
        Kind::InstanceProfile => {
            let profile = InstanceProfile::decode(value)?;
            let links = noun(&profile);
            match profile.role {
                Some(role) => {
                    let index = keys::role_instance_profile(account, &role, &profile.name.folded());
                    let links = links.index(index, id_value(&profile.id));
                    links.refers(keys::identity(account, IdentityKind::Role, &role)).plain()
                }
                None => links.plain(),
            }
        }
        Kind::InstanceProfileName | Kind::RoleInstanceProfile => named(Kind::InstanceProfile),
        Kind::Policy => {
            let policy = Policy::decode(value)?;
            let default = keys::policy_version(policy.reference(), policy.default_version);
            noun(&policy).refers(default).plain()
        }
        Kind::PolicyName => named(Kind::Policy),
        Kind::PolicyVersion => {
            let version = PolicyVersion::decode(value)?;
            let mut links = Links::at(keys::policy_version(version.policy, version.version))
                .refers(keys::policy(version.policy))
                .counted(account, CounterKind::PolicyVersions, &[]);
            links.counters.push(keys::policy_counter(account, CounterKind::Versions, version.policy));
            links.with(Content::PolicyVersion(version))
        }
        Kind::PolicyHolder => Row::Index(held(account, rest, id_in_value())?),
        Kind::Attachment => attachment(view, account, rest).await?.plain(),
        Kind::InlinePolicy => {
            let (id, _) = id_of(rest)?;
            let policy = InlinePolicy::decode(value)?;
            let mut links = Links::at(keys::inline_policy(account, &id, &policy.name.key()))
                .refers(identity_record(account, &id)?)
                .counted(account, CounterKind::Inline, id.as_bytes());
            if policy.size > 0 {
                links = links.counted(account, CounterKind::InlineSize, id.as_bytes());
            }
            links.with(Content::InlinePolicy(policy))
        }

        Kind::AccessKey => {
            let key = AccessKey::decode(value)?;
            let owner = key.owner.user();
            let account_bytes = Bytes::copy_from_slice(&keys::account_bytes(key.account));
            Links::at(keys::access_key(key.account, &key.id))
                .index(keys::access_key_account(&key.id), account_bytes)
                .index(keys::owner_keys(key.account, owner, key.id.as_str()), Bytes::new())
                .refers(owner_record(account, owner))
                .counted(account, CounterKind::AccessKeys, owner_bytes(owner))
                .with(Content::AccessKey(key))
        }
        Kind::AccessKeyOwner => {
            let (_, key) = owner_of(rest)?;
            Row::Index(Some(keys::record(account, Kind::AccessKey, key)))
        }
        Kind::AccessKeyLastUsed => {
            AccessKeyLastUsed::decode(value)?;
            Links::new().refers(keys::record(account, Kind::AccessKey, rest)).plain()
        }
        Kind::LoginProfile => {
            let profile = LoginProfile::decode(value)?;
            Links::at(keys::login_profile(profile.account, &profile.user))
                .refers(owner_record(account, Some(&profile.user)))
                .counted(account, CounterKind::LoginProfiles, profile.user.as_bytes())
                .with(Content::LoginProfile(profile))
        }
        Kind::MfaDevice => mfa_device(MfaDevice::decode(value)?),
        Kind::MfaDeviceOwner => {
            let (_, device) = owner_of(rest)?;
            Row::Index(Some(keys::record(account, Kind::MfaDevice, device)))
        }
        Kind::Passkey => {
            let passkey = Passkey::decode(value)?;
            let owner = passkey.owner.user();
            Links::at(keys::owned(passkey.account, Kind::Passkey, owner, &passkey.id))
                .refers(owner_record(account, owner))
                .counted(account, CounterKind::MfaDevicesOfOwner, owner_bytes(owner))
                .counted(account, CounterKind::Passkeys, &[])
                .pair(Pair::PasskeyCredentials, 1, 0)
                .plain()
        }
        Kind::PasskeyCredential => Links::new().pair(Pair::PasskeyCredentials, 0, 1).plain(),
        Kind::SigningCertificate => {
            let certificate = SigningCertificate::decode(value)?;
            let owner = certificate.owner.user();
            let digest = keys::record(account, Kind::SigningCertificateDigest, &certificate.digest);
            Links::at(keys::owned(certificate.account, Kind::SigningCertificate, owner, &certificate.id))
                .index(digest, Bytes::new())
                .refers(owner_record(account, owner))
                .counted(account, CounterKind::SigningCertificates, owner_bytes(owner))
                .pair(Pair::SigningCertificateDigests, 1, 0)
                .plain()
        }
        Kind::SigningCertificateDigest => Links::new().pair(Pair::SigningCertificateDigests, 0, 1).plain(),
        Kind::SshPublicKey => {
            let key = SshPublicKey::decode(value)?;
            Links::at(keys::of_user(key.account, Kind::SshPublicKey, &key.user, key.id.as_str()))
                .index(keys::of_user(account, Kind::SshPublicKeyDigest, &key.user, &key.digest), Bytes::new())
                .refers(owner_record(account, Some(&key.user)))
                .counted(account, CounterKind::SshPublicKeys, key.user.as_bytes())
                .pair(Pair::SshPublicKeyDigests, 1, 0)
                .plain()
        }
        Kind::SshPublicKeyDigest => Links::new().pair(Pair::SshPublicKeyDigests, 0, 1).plain(),
        Kind::ServiceSpecificCredential => {
            let credential = ServiceSpecificCredential::decode(value)?;
            let user = &credential.user;
            let ids = [user.as_bytes().as_slice(), credential.id.as_bytes()].concat();
            let of_service = [user.as_bytes(), credential.service.as_bytes()].concat();
            let own = keys::of_user(credential.account, Kind::ServiceSpecificCredential, user, credential.id.as_str());
            Links::at(own)
                .index(keys::service_credential_name(account, &credential.service, &credential.name), ids.into())
                .refers(owner_record(account, Some(user)))
                .counted(account, CounterKind::ServiceSpecificCredentials, user.as_bytes())
                .counted(account, CounterKind::CredentialsForService, &of_service)
                .with(Content::ServiceSpecificCredential(credential))
        }
        Kind::ServiceCredentialName => Row::Index(
            Some(keys::record(account, Kind::ServiceSpecificCredential, value)).filter(|_| !value.is_empty()),
        ),
        Kind::ServerCertificate => {
            let certificate = ServerCertificate::decode(value)?;
            noun(&certificate).with(Content::ServerCertificate(certificate))
        }
        Kind::ServerCertificateName => named(Kind::ServerCertificate),
        Kind::RootPassword => {
            setting(account, Kind::RootPassword).with(Content::RootPassword(account, RootPassword::decode(value)?))
        }
        Kind::MfaFailures => {
            MfaFailures::decode(value)?;
            of_owner(account, rest)?
        }
        Kind::SignInSessions => {
            SignInSessions::decode(value)?;
            of_owner(account, rest)?
        }
        Kind::SignInFailures => {
            SignInFailures::decode(value)?;
            of_owner(account, rest)?
        }
        Kind::SignInAttempts => {
            SignInAttempts::decode(value)?;
            Links::new().plain()
        }

        Kind::Counter => Row::Counter,
        Kind::Resource => {
            let resource = Resource::decode(value)?;
            Links::at(keys::resource(resource.account, &resource.arn))
                .counted(account, CounterKind::Resources, &[])
                .with(Content::Resource(resource))
        }
        Kind::CredentialReport => {
            let report = CredentialReport::decode(value)?;
            let links = setting(account, Kind::CredentialReport);
            (0..report.chunks).fold(links, |links, number| links.refers(keys::report_chunk(account, number))).plain()
        }
        Kind::ReportChunk => {
            ReportChunk::decode(value)?;
            Links::new().refers(keys::record(account, Kind::CredentialReport, &[])).plain()
        }
        Kind::RequestedReport => {
            let (account, _) = keys::take_account(rest).ok_or_else(invalid)?;
            Links::new().refers(keys::record(account, Kind::CredentialReport, &[])).plain()
        }
        Kind::ServiceUse => {
            ServiceUse::decode(value)?;
            let (id, _) = owner_of(rest)?;
            let user = match &id {
                Some(id) => identity_record(account, id)?,
                None => keys::account(account),
            };
            Links::new().refers(user).counted(account, CounterKind::ServiceUses, owner_bytes(id.as_ref())).plain()
        }
        Kind::DelegationRequest => {
            let request = DelegationRequest::decode(value)?;
            let mut links = Links::at(delegation_request::key(&request.id)).counted(
                request.requestor,
                CounterKind::DelegationRequests,
                &[],
            );
            links.indexes = delegation_request::indexes(&request);
            links.plain()
        }
        Kind::DelegationWorkflow => Row::Index(Some(keys::record(AccountId::NONE, Kind::DelegationRequest, value))),
        Kind::DelegationTime | Kind::OwnedDelegation => {
            let id = rest.get(delegation_request::TIME..);
            Row::Index(id.map(|id| keys::record(AccountId::NONE, Kind::DelegationRequest, id)))
        }
        Kind::OidcProvider => {
            let provider = OidcProvider::decode(value)?;
            Links::at(keys::oidc_provider(provider.account, &provider.url))
                .counted(account, CounterKind::OidcProviders, &[])
                .plain()
        }
        Kind::SamlProvider => {
            let provider = SamlProvider::decode(value)?;
            let links = Links::at(keys::record(provider.account, Kind::SamlProvider, provider.name.as_bytes()))
                .counted(account, CounterKind::SamlProviders, &[])
                .pair(Pair::SamlMetadata, u64::from(provider.metadata_chunks), 0);
            let chunks = 0..provider.metadata_chunks;
            let links =
                chunks.fold(links, |links, number| links.refers(keys::saml_metadata(account, &provider.uuid, number)));
            links.with(Content::SamlProvider(provider))
        }
        Kind::SamlMetadata => {
            SamlMetadataChunk::decode(value)?;
            Links::new().pair(Pair::SamlMetadata, 0, 1).plain()
        }
        Kind::TokenSigningKeys => {
            let keys = TokenSigningKeys::decode(value)?;
            setting(account, Kind::TokenSigningKeys).with(Content::TokenSigningKeys(account, keys))
        }
        Kind::SessionRevocation => {
            SessionRevocation::decode(value)?;
            Links::new().plain()
        }
        Kind::PasswordPolicy => decoded::<PasswordPolicy>(account, kind, value)?,
        Kind::AccountProperties => decoded::<AccountProperties>(account, kind, value)?,
        Kind::GlobalTokenVersion => decoded::<GlobalTokenVersion>(account, kind, value)?,
        Kind::OutboundFederation => decoded::<OutboundFederation>(account, kind, value)?,
        Kind::OrganizationFeatures => decoded::<OrganizationFeatures>(account, kind, value)?,
        Kind::AccountQuotas => decoded::<AccountQuotas>(account, kind, value)?,
        Kind::CredentialRules => decoded::<CredentialRules>(account, kind, value)?,
        Kind::SamlAssertionUse | Kind::PasskeyChallengeUse => {
            let is_valid = rest.len() == 8 + 32;
            is_valid.then(|| Links::new().plain()).ok_or_else(invalid)?
        }
    })
}

/// A setting of an account.
fn setting(account: AccountId, kind: Kind) -> Links {
    Links::at(keys::account_setting(account, kind)).refers(keys::account(account))
}

fn decoded<R: Record>(account: AccountId, kind: Kind, value: &[u8]) -> Result<Row, StoreError> {
    R::decode(value)?;
    Ok(setting(account, kind).plain())
}

fn of_owner(account: AccountId, rest: &[u8]) -> Result<Row, StoreError> {
    let (owner, _) = owner_of(rest)?;
    Ok(Links::new().refers(owner_record(account, owner.as_ref())).plain())
}

fn owner_bytes(owner: Option<&UniqueId>) -> &[u8] {
    owner.map_or(&[], |id| id.as_bytes())
}

fn account_links(account: &Account) -> Links {
    let number = Bytes::copy_from_slice(&keys::account_bytes(account.id));
    let mut links = Links::at(keys::account(account.id)).counted(AccountId::NONE, CounterKind::Accounts, &[]);
    if let Some(alias) = &account.alias {
        links = links.index(keys::alias(alias), number.clone());
    }
    if account.state != AccountState::Closed {
        links = links.index(keys::account_email(&account.email), number);
    }
    links
}

/// A record with a name.
fn noun<N: Noun>(noun: &N) -> Links {
    let account = noun.account();
    let links = Links::at(keys::record(account, N::SPEC.record, noun.id().as_bytes()))
        .index(keys::record(account, N::SPEC.names, noun.name().folded().as_bytes()), id_value(noun.id()))
        .counted(account, N::SPEC.counter, &[]);
    match account {
        AccountId::NONE => links,
        account => links.refers(keys::account(account)),
    }
}

/// A user, group or role.
fn entity<N: IdentityNoun>(of: &N) -> Links {
    let mut links = noun(of);
    if let Some(boundary) = of.boundary() {
        links.counters.push(keys::policy_counter(of.account(), CounterKind::Boundaries, boundary));
        links = links
            .index(holder_key(&of.identity(), boundary, Usage::Boundary), id_value(of.id()))
            .refers(keys::policy(boundary));
    }
    links
}

fn expiring<R: Expiring>(record: &R) -> Links {
    let (account, id) = (record.account(), record.id());
    let time = keys::expiring_time(account, R::SPEC.times, micros(record.created()), id);
    Links::at(keys::record(account, R::SPEC.record, id.as_bytes())).index(time, Bytes::new()).counted(
        account,
        R::SPEC.counter,
        &[],
    )
}

fn timed(account: AccountId, record: Kind, rest: &[u8]) -> Row {
    Row::Index(rest.get(8..).map(|id| keys::record(account, record, id)))
}

fn mfa_device(device: MfaDevice) -> Row {
    let account = device.account;
    let path_and_name = device.path_and_name();
    let mut links = Links::at(keys::mfa_device(account, &path_and_name)).counted(account, CounterKind::MfaDevices, &[]);
    if let Some(owner) = device.assignment.map(|assignment| assignment.owner) {
        let user = match &owner {
            KeyOwner::Root => None,
            KeyOwner::User(id) => Some(id),
        };
        links = links
            .index(keys::owned(account, Kind::MfaDeviceOwner, user, &path_and_name.to_ascii_lowercase()), Bytes::new())
            .refers(owner_record(account, user))
            .counted(account, CounterKind::MfaDevicesOfOwner, owner_bytes(user))
            .counted(account, CounterKind::MfaDevicesInUse, &[]);
    }
    links.with(Content::MfaDevice(device))
}
