//! Keys in words, for the log: damage is reported by key.

use std::fmt::Write as _;

use bailiwick_model::AccountId;
use data_encoding::HEXLOWER;

use super::{Kind, account_bytes, parse, take_account, take_id};

/// Describes a key: the kind of the row, its id, and its account. Keys contain no secrets.
pub fn describe(key: &[u8]) -> String {
    let Some((account, kind, rest)) = parse(key) else {
        return format!("an unknown key ({})", HEXLOWER.encode(key));
    };
    let mut out = format!("{kind:?}");
    let mut rest = match kind {
        Kind::Counter
        | Kind::AccessKeyOwner
        | Kind::MfaDeviceOwner
        | Kind::MfaFailures
        | Kind::Passkey
        | Kind::ServiceUse
        | Kind::SignInFailures
        | Kind::SignInSessions
        | Kind::SigningCertificate => push_number(&mut out, rest),
        _ => rest,
    };
    while !rest.is_empty() {
        out.push(' ');
        rest = push_part(&mut out, kind, rest);
    }
    match account {
        AccountId::NONE => out.push_str(" of the deployment"),
        // Writing to a string can't fail.
        account => drop(write!(out, " of account {account}")),
    }
    out
}

/// Takes the number that some kinds of key begin with.
fn push_number<'k>(out: &mut String, rest: &'k [u8]) -> &'k [u8] {
    let Some((number, rest)) = rest.split_first() else { return rest };
    let _ = write!(out, " {number:#04x}");
    rest
}

/// Takes the next part that the key of a kind has.
fn push_part<'k>(out: &mut String, kind: Kind, rest: &'k [u8]) -> &'k [u8] {
    if let Some((id, rest)) = take_id(rest) {
        out.push_str(id.as_str());
        return rest;
    }
    let owner = rest.starts_with(&account_bytes(AccountId::NONE));
    // A counter of a policy: the policy's owner and id. Other counters continue with a text.
    let counter_of_policy = kind == Kind::Counter && rest.len() == 26;
    if (owner
        || counter_of_policy
        || matches!(kind, Kind::Account | Kind::RequestedReport | Kind::Attachment | Kind::PolicyHolder))
        && let Some((account, rest)) = take_account(rest)
    {
        let _ = write!(out, "{account}");
        return rest;
    }
    let binary = matches!(
        kind,
        Kind::Outbox
            | Kind::ServerOutbox
            | Kind::ServerAuditCheckpoint
            | Kind::PolicyVersion
            | Kind::DeletionTaskTime
            | Kind::AccessJobTime
            | Kind::ReportChunk
            | Kind::SamlMetadata
            | Kind::SamlAssertionUse
            | Kind::PasskeyCredential
            | Kind::PasskeyChallengeUse
            | Kind::SigningCertificateDigest
            | Kind::SignInAttempts
    );
    match std::str::from_utf8(rest) {
        Ok(text) if !binary => drop(write!(out, "{}", text.escape_debug())),
        _ => out.push_str(&HEXLOWER.encode(rest)),
    }
    &[]
}

#[cfg(test)]
mod tests {
    use bailiwick_model::{AccessKeyId, IdKind, PolicyRef, UniqueId};

    use super::*;
    use crate::{
        keys::{self, CounterKind},
        reference::IdentityKind,
        server_id::ServerId,
    };

    #[test]
    fn every_key_has_a_readable_description() {
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let user = UniqueId::new(IdKind::User, [0; 17]);
        let policy = PolicyRef { account: AccountId::NONE, id: UniqueId::new(IdKind::Policy, [0; 17]) };
        let key = AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        for (key, expected) in [
            (keys::meta(), "Meta of the deployment"),
            (keys::account(account), "Account 111122223333 of the deployment"),
            (keys::account(AccountId::from_number(0).unwrap()), "Account 000000000000 of the deployment"),
            (keys::identity(account, IdentityKind::User, &user), "User AIDAAAAAAAAAAAAAAAAAA of account 111122223333"),
            (
                keys::group_member(account, &user, "bob"),
                "GroupMember AIDAAAAAAAAAAAAAAAAAA bob of account 111122223333",
            ),
            (keys::policy_version(policy, 258), "PolicyVersion ANPAAAAAAAAAAAAAAAAAA 00000102 of the deployment"),
            (
                keys::attachment(account, &user, policy),
                "Attachment AIDAAAAAAAAAAAAAAAAAA aws ANPAAAAAAAAAAAAAAAAAA of account 111122223333",
            ),
            (keys::access_key(account, &key), "AccessKey AKIAIOSFODNN7EXAMPLE of account 111122223333"),
            (
                keys::inline_policy(account, &user, "a\nb"),
                "InlinePolicy AIDAAAAAAAAAAAAAAAAAA a\\nb of account 111122223333",
            ),
            (
                keys::role_instance_profile(account, &user, "web"),
                "RoleInstanceProfile AIDAAAAAAAAAAAAAAAAAA web of account 111122223333",
            ),
            (keys::counter(account, CounterKind::Users, &[]), "Counter 0x10 of account 111122223333"),
            (
                keys::counter(account, CounterKind::CredentialsForService, &[user.as_bytes(), &b"logs.x"[..]].concat()),
                "Counter 0x6c AIDAAAAAAAAAAAAAAAAAA logs.x of account 111122223333",
            ),
            (
                keys::policy_counter(account, CounterKind::Boundaries, PolicyRef { account, id: user }),
                "Counter 0x31 111122223333 AIDAAAAAAAAAAAAAAAAAA of account 111122223333",
            ),
            (
                keys::of_user(account, Kind::SshPublicKey, &user, "APKA"),
                "SshPublicKey AIDAAAAAAAAAAAAAAAAAA APKA of account 111122223333",
            ),
            (
                keys::service_credential_name(account, "logs.x", "Bob"),
                "ServiceCredentialName logs.x\\0bob of account 111122223333",
            ),
            (keys::account_setting(account, Kind::PasswordPolicy), "PasswordPolicy of account 111122223333"),
            (keys::login_profile(account, &user), "LoginProfile AIDAAAAAAAAAAAAAAAAAA of account 111122223333"),
            (
                keys::owned(account, Kind::SigningCertificate, None, "C"),
                "SigningCertificate 0x00 C of account 111122223333",
            ),
            (
                keys::record(account, Kind::SigningCertificateDigest, b"AI"),
                "SigningCertificateDigest 4149 of account 111122223333",
            ),
            (
                keys::owned(account, Kind::ServiceUse, Some(&user), "iam:GetUser"),
                "ServiceUse 0x15 AIDAAAAAAAAAAAAAAAAAA iam:GetUser of account 111122223333",
            ),
            (
                keys::expiring_time(account, Kind::AccessJobTime, 1, "j"),
                "AccessJobTime 00000000000000016a of account 111122223333",
            ),
            (
                keys::owned(account, Kind::SignInSessions, Some(&user), ""),
                "SignInSessions 0x15 AIDAAAAAAAAAAAAAAAAAA of account 111122223333",
            ),
            (keys::owned(account, Kind::SignInFailures, None, ""), "SignInFailures 0x00 of account 111122223333"),
            (
                keys::single_use(Kind::SamlAssertionUse, 1, &[0x41; 32]),
                "SamlAssertionUse 00000000000000014141414141414141414141414141414141414141414141414141414141414141 of the \
                 deployment",
            ),
            (keys::owned(account, Kind::Passkey, None, "A"), "Passkey 0x00 A of account 111122223333"),
            (keys::record(AccountId::NONE, Kind::PasskeyCredential, b"AB"), "PasskeyCredential 4142 of the deployment"),
            (
                keys::single_use(Kind::PasskeyChallengeUse, 1, &[0x41; 32]),
                "PasskeyChallengeUse 00000000000000014141414141414141414141414141414141414141414141414141414141414141 of \
                 the deployment",
            ),
            (keys::sign_in_attempts(0x4142), "SignInAttempts 4142 of the deployment"),
            (keys::saml_metadata(account, "AB", 258), "SamlMetadata 414200000102 of account 111122223333"),
            (keys::record(account, Kind::OwnedDelegation, b"1d"), "OwnedDelegation 1d of account 111122223333"),
            (keys::outbox(None), "Outbox of the deployment"),
            (
                keys::audit_checkpoint(Some(ServerId([0xab; 16]))),
                "ServerAuditCheckpoint abababababababababababababababab of the deployment",
            ),
            ("x".into(), "an unknown key (78)"),
        ] {
            assert_eq!(describe(&key), expected);
        }
    }
}
