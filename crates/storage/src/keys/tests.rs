use bailiwick_model::IdKind;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keys are part of the store format: existing stores depend on these bytes.
#[test]
fn the_key_layout_is_stable() {
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let user = UniqueId::new(IdKind::User, [0; 17]);
    let policy = PolicyRef { account: AccountId::NONE, id: UniqueId::new(IdKind::Policy, [0; 17]) };
    let key_id = AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
    let (me, p) = ("19df6690e5", hex(b"ANPAAAAAAAAAAAAAAAAAA"));
    let (u, k) = (hex(b"AIDAAAAAAAAAAAAAAAAAA"), hex(b"AKIAIOSFODNN7EXAMPLE"));
    for (key, expected) in [
        (meta(), "ffffffffff01".into()),
        (keyring(), "ffffffffff02".into()),
        (super::account(account), format!("ffffffffff03{me}")),
        (account_email("Ä@x"), "ffffffffff04c3a44078".into()),
        (access_key_account(&key_id), format!("ffffffffff06{k}")),
        (outbox(None), "ffffffffff07".into()),
        (outbox(Some(ServerId([1; 16]))), format!("ffffffffff0c{}", "01".repeat(16))),
        (service("s3"), "ffffffffff087333".into()),
        (service_principal("a.b"), "ffffffffff09612e62".into()),
        (identity(account, IdentityKind::User, &user), format!("{me}10{u}")),
        (group_member(account, &user, "bob"), format!("{me}22{u}626f62")),
        (expiring_time(account, Kind::DeletionTaskTime, 258, "t"), format!("{me}38000000000000010274")),
        (owned(account, Kind::ServiceUse, Some(&user), "a:B"), format!("{me}b315{u}613a42")),
        (owned(account, Kind::ServiceUse, None, "a:B"), format!("{me}b300613a42")),
        (record(account, Kind::AccessJob, b"j"), format!("{me}b46a")),
        (expiring_time(account, Kind::AccessJobTime, 258, "j"), format!("{me}b500000000000001026a")),
        (counter(account, CounterKind::ServiceUses, user.as_bytes()), format!("{me}70b3{u}")),
        (record(AccountId::NONE, Kind::DelegationRequest, b"d"), "ffffffffffb664".into()),
        (record(account, Kind::DelegationWorkflow, b"w"), format!("{me}b777")),
        (record(account, Kind::DelegationTime, b"1d"), format!("{me}b83164")),
        (record(account, Kind::OwnedDelegation, b"1d"), format!("{me}b93164")),
        (counter(account, CounterKind::DelegationRequests, &[]), format!("{me}70b6")),
        (counter(account, CounterKind::AccessJobs, &[]), format!("{me}70b4")),
        (report_chunk(account, 258), format!("{me}b100000102")),
        (requested_report(account), format!("ffffffffffb2{me}")),
        (record(account, Kind::DeletionTask, b"t"), format!("{me}3774")),
        (role_instance_profile(account, &user, "web"), format!("{me}35{u}776562")),
        (self::policy(policy), format!("ffffffffff40{p}")),
        (policy_version(policy, 258), format!("ffffffffff42{p}00000102")),
        (policy_holder(account, policy, &[&[1], &[2], b"bob"]), format!("{me}43ffffffffff{p}0102626f62")),
        (attachment(account, &user, policy), format!("{me}50{u}ffffffffff{p}")),
        (inline_policy(account, &user, "p"), format!("{me}51{u}70")),
        (access_key(account, &key_id), format!("{me}60{k}")),
        (owner_keys(account, None, "A"), format!("{me}610041")),
        (owner_keys(account, Some(&user), "A"), format!("{me}6115{u}41")),
        (login_profile(account, &user), format!("{me}63{u}")),
        (counter(account, CounterKind::LoginProfiles, user.as_bytes()), format!("{me}7063{u}")),
        (mfa_device(account, "/Phone"), format!("{me}662f70686f6e65")),
        (owned(account, Kind::MfaDeviceOwner, Some(&user), "/a"), format!("{me}6715{u}2f61")),
        (owned(account, Kind::MfaFailures, None, ""), format!("{me}6800")),
        (owned(account, Kind::Passkey, Some(&user), "A"), format!("{me}f015{u}41")),
        (owned(account, Kind::Passkey, None, "A"), format!("{me}f00041")),
        (record(AccountId::NONE, Kind::PasskeyCredential, &[1, 2]), "fffffffffff10102".into()),
        (
            single_use(Kind::PasskeyChallengeUse, 258, &[0x61; 32]),
            format!("fffffffffff20000000000000102{}", "61".repeat(32)),
        ),
        (crate::session_revocation::key(account, "ASIAx"), format!("{me}ba6173696178")),
        (owned(account, Kind::SignInSessions, Some(&user), ""), format!("{me}c015{u}")),
        (owned(account, Kind::SignInFailures, None, ""), format!("{me}c100")),
        (
            single_use(Kind::SamlAssertionUse, 258, &[0x61; 32]),
            format!("ffffffffffbe0000000000000102{}", "61".repeat(32)),
        ),
        (sign_in_attempts(258), "ffffffffffc20102".into()),
        (account_setting(account, Kind::RootPassword), format!("{me}c3")),
        (owned(account, Kind::SigningCertificate, Some(&user), "C"), format!("{me}6d15{u}43")),
        (record(account, Kind::SigningCertificateDigest, &[1, 2]), format!("{me}a80102")),
        (counter(account, CounterKind::SigningCertificates, &[]), format!("{me}706d")),
        (of_user(account, Kind::SshPublicKey, &user, "A"), format!("{me}69{u}41")),
        (of_user(account, Kind::SshPublicKeyDigest, &user, "a"), format!("{me}6a{u}61")),
        (counter(account, CounterKind::SshPublicKeys, user.as_bytes()), format!("{me}7069{u}")),
        (of_user(account, Kind::ServiceSpecificCredential, &user, "A"), format!("{me}6b{u}41")),
        (service_credential_name(account, "s", "A-at"), format!("{me}6c7300612d6174")),
        (counter(account, CounterKind::ServiceSpecificCredentials, user.as_bytes()), format!("{me}706b{u}")),
        (counter(account, CounterKind::CredentialsForService, user.as_bytes()), format!("{me}706c{u}")),
        (record(account, Kind::ServerCertificate, b"A"), format!("{me}6e41")),
        (record(account, Kind::ServerCertificateName, b"web"), format!("{me}6f776562")),
        (counter(account, CounterKind::ServerCertificates, &[]), format!("{me}706e")),
        (counter(account, CounterKind::Users, &[]), format!("{me}7010")),
        (oidc_provider(account, "a/b"), format!("{me}a0612f62")),
        (record(account, Kind::SamlProvider, b"a"), format!("{me}a161")),
        (saml_metadata(account, "A", 258), format!("{me}a24100000102")),
        (counter(account, CounterKind::SamlProviders, &[]), format!("{me}70a1")),
        (resource(account, "arn"), format!("{me}8061726e")),
        (account_setting(account, Kind::PasswordPolicy), format!("{me}90")),
        (account_setting(account, Kind::AccountProperties), format!("{me}91")),
        (account_setting(account, Kind::GlobalTokenVersion), format!("{me}92")),
        (account_setting(account, Kind::OutboundFederation), format!("{me}93")),
        (account_setting(account, Kind::OrganizationFeatures), format!("{me}94")),
        (account_setting(account, Kind::AccountQuotas), format!("{me}95")),
        (account_setting(account, Kind::CredentialRules), format!("{me}96")),
        (account_setting(account, Kind::TokenSigningKeys), format!("{me}c4")),
        (token_issuer("a"), "ffffffffffc561".into()),
        (policy_counter(account, CounterKind::Attachments, policy), format!("{me}7030ffffffffff{p}")),
    ] {
        assert_eq!(hex(&key), expected);
        assert!(parse(&key).is_some());
    }
}

#[test]
fn keys_are_parsed() {
    let account = AccountId::from_number(999_999_999_999).unwrap();
    let user = UniqueId::new(IdKind::User, [7; 17]);
    let key = identity(account, IdentityKind::User, &user);
    assert_eq!(parse(&key), Some((account, Kind::User, user.as_bytes().as_slice())));
    assert_eq!(take_id(user.as_bytes()), Some((user, [].as_slice())));
    for bad in [&key[..5], b"\0\0\0\0\0\xff", b"\xff\xff\xff\xff\xfe\x10", b""] {
        assert_eq!(parse(bad), None, "{bad:?}");
    }
}
