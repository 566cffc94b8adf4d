//! Secrets appear in no `Debug` output and in no redacted message.

use bailiwick_api::{Redact, authz, iam, pool, signin, sts};
use prost::Message;

fn access_key() -> iam::CreateAccessKeyResponse {
    let access_key = iam::AccessKey {
        user_name: Some("Bob".into()),
        access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()),
        secret_access_key: Some("hush".into()),
        ..Default::default()
    };
    iam::CreateAccessKeyResponse { access_key: Some(access_key) }
}

#[test]
fn debug() {
    let shown = format!("{:?}", access_key());
    expect_test::expect![[r#"CreateAccessKeyResponse { access_key: AccessKey { user_name: "Bob", access_key_id: "AKIAIOSFODNN7EXAMPLE", secret_access_key: [redacted] } }"#]].assert_eq(&shown);
    let shown = format!("{:?}", signin::CreateTokenResponse { token: "hush".into(), expiration: None });
    assert_eq!(shown, "CreateTokenResponse { token: [redacted] }");
    let caller = authz::Caller { who: Some(authz::caller::Who::Handle("hush".into())) };
    assert_eq!(format!("{caller:?}"), "Caller { who: Handle([redacted]) }");
}

#[test]
fn redacted() {
    let mut response = access_key();
    response.redact();
    let key = response.access_key.unwrap();
    assert_eq!(key.user_name.as_deref(), Some("Bob"));
    assert_eq!(key.secret_access_key.as_deref(), Some("[redacted]"));
    let mut request = sts::AssumeRoleRequest { role_arn: Some("r".into()), ..Default::default() };
    request.redact();
    assert_eq!(request.token_code, None);
    let mut caller = authz::Caller { who: Some(authz::caller::Who::Handle("hush".into())) };
    caller.redact();
    assert_eq!(caller.who, Some(authz::caller::Who::Handle("[redacted]".into())));
    let mut device = iam::VirtualMfaDevice { base32_string_seed: Some("hush".into()), ..Default::default() };
    device.redact();
    assert!(!device.encode_to_vec().windows(4).any(|w| w == b"hush"));
}

/// Every member whose name suggests a secret is marked, or listed here with the reason why it is not one.
#[test]
fn members_that_sound_secret_are_marked() {
    let open = [
        "LoginProfile", // that there is a password, and since when
        "PasswordPolicy",
        "PasswordResetRequired",
        "passwordChangeRequired",
        "PasswordLastUsed",
        "PasswordReusePrevention",
        "MaxPasswordAge",
        "MinimumPasswordLength",
        "ExpirePasswords",
        "AllowUsersToChangePassword",
        "passwordUnusedDays",
        "RemovePrivateKey", // the id of a key
        "PrivateKeyList",   // ids and dates
        "GlobalEndpointTokenVersion",
        "MinimumSessionTokenSize",
        "SessionTokenSize",
        "SessionTokenUtilization",
        "SubjectFromWebIdentityToken",
        "AssertionEncryptionMode",
        "nextToken", // where a page begins
        "NextToken",
    ];
    let sounds = ["password", "secret", "token", "privatekey", "assertion", "authenticationcode", "seed", "qrcode"];
    let secret = pool().get_extension_by_name("bailiwick.options.v1.secret").unwrap();
    for message in pool().all_messages().filter(|m| m.package_name().starts_with("bailiwick.")) {
        for field in message.fields() {
            let lower = field.json_name().to_lowercase();
            let marked = field.options().get_extension(&secret).as_bool().unwrap();
            if sounds.iter().any(|s| lower.contains(s)) && !open.contains(&field.json_name()) {
                assert!(marked, "{} is not marked as a secret", field.full_name());
            }
        }
    }
}
