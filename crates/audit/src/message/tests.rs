use bailiwick_api::{Redact, authz, find_operation, iam, sts};
use prost::Message;

use super::*;

fn shapes(operation: &str) -> (&'static Shape, &'static Shape) {
    shape::of(find_operation(operation).unwrap()).unwrap()
}

fn asked<M: Message + Default>(operation: &str, message: &M, limit: usize) -> (M, bool) {
    let kept = redact(shapes(operation).0, &message.encode_to_vec(), limit);
    assert!(kept.bytes.len() <= limit);
    (M::decode(&*kept.bytes).unwrap(), kept.truncated)
}

#[test]
fn secrets_are_removed_as_in_debug_redaction() {
    let mut profile = iam::CreateLoginProfileRequest {
        user_name: Some("Bob".into()),
        password: Some("hush".into()),
        password_reset_required: Some(true),
        ..Default::default()
    };
    let (kept, truncated) = asked("CreateLoginProfile", &profile, 1000);
    profile.redact();
    assert_eq!((kept, truncated), (profile, false));
    let key = iam::AccessKey { secret_access_key: Some("hush".into()), ..Default::default() };
    let mut issued = iam::CreateAccessKeyResponse { access_key: Some(key) };
    let kept = redact(shapes("CreateAccessKey").1, &issued.encode_to_vec(), 1000);
    issued.redact();
    assert_eq!(iam::CreateAccessKeyResponse::decode(&*kept.bytes).unwrap(), issued);
    let caller = authz::Caller { who: Some(authz::caller::Who::Handle("hush".into())) };
    let mut question =
        authz::AuthorizeRequest { caller: Some(caller), action: "s3:GetObject".into(), ..Default::default() };
    let (kept, _) = asked("Authorize", &question, 1000);
    question.redact();
    assert_eq!(kept, question);
}

#[test]
fn a_secret_map_keeps_its_keys() {
    let context = sts::TransactionContext { identity_provider: [("team".to_owned(), "hush".to_owned())].into() };
    let context = sts::TrustedIdentityPropagationContext { transaction_context: Some(context), ..Default::default() };
    let answer =
        sts::AssumeRoleWithSamlResponse { trusted_identity_propagation_context: Some(context), ..Default::default() };
    let kept = redact(shapes("AssumeRoleWithSAML").1, &answer.encode_to_vec(), 1000);
    let kept = sts::AssumeRoleWithSamlResponse::decode(&*kept.bytes).unwrap();
    let kept = kept.trusted_identity_propagation_context.unwrap().transaction_context.unwrap();
    assert_eq!(kept.identity_provider, [("team".to_owned(), REDACTED.to_owned())].into());
}

#[test]
fn a_private_key_in_a_non_secret_member_is_masked() {
    let body = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----";
    let upload = iam::UploadServerCertificateRequest { certificate_body: Some(body.into()), ..Default::default() };
    let (kept, _) = asked("UploadServerCertificate", &upload, 1000);
    assert_eq!(
        kept.certificate_body.as_deref(),
        Some("-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n[masked]")
    );
}

#[test]
fn the_longest_parts_are_shortened_first() {
    let text = |length| Some("x".repeat(length));
    let tag = |n: usize| iam::Tag { key: Some(format!("key-{n}")), value: text(200) };
    let message = iam::CreateRoleRequest {
        role_name: Some("deploy".into()),
        path: Some("/ci/".into()),
        assume_role_policy_document: text(20_000),
        tags: (0..50).map(tag).collect(),
        ..Default::default()
    };
    let (kept, truncated) = asked("CreateRole", &message, 32 * 1024);
    assert_eq!((kept, truncated), (message.clone(), false));
    let (kept, truncated) = asked("CreateRole", &message, 2_048);
    assert!(truncated);
    assert_eq!((kept.role_name.as_deref(), kept.path.as_deref()), (Some("deploy"), Some("/ci/")));
    let document = kept.assume_role_policy_document.unwrap();
    assert!(document.ends_with("xx…[cut]") && document.len() <= 128, "{document}");
    assert_eq!((kept.tags.len(), kept.tags[0].key.as_deref()), (10, Some("key-0")));
    let (kept, truncated) = asked("CreateRole", &message, 10);
    assert_eq!((kept, truncated), (Default::default(), true));
}

#[test]
fn texts_are_truncated_at_character_boundaries() {
    for most in 8..40 {
        let shown = cut("äöü値🙂äöü値🙂äöü値🙂äöü値🙂".into(), most).into_owned();
        assert!(shown.len() <= most && shown.ends_with(CUT), "{shown}");
    }
    assert_eq!(cut("short".into(), 16), "short");
}

#[test]
fn invalid_messages_are_tolerated() {
    let (shape, _) = shapes("CreateUser");
    let good = iam::CreateUserRequest { user_name: Some("Bob".into()), ..Default::default() }.encode_to_vec();
    for bad in [&[0xff; 20][..], &[0x0a], &[0x0a, 200, 1], &[0x0b], &[0x0d, 1], &[0x08, 1], &[0xfa, 0x7f, 0]] {
        let message = [&good, bad].concat();
        let kept = redact(shape, &message, 1000);
        assert_eq!(iam::CreateUserRequest::decode(&*kept.bytes).unwrap().user_name.as_deref(), Some("Bob"), "{bad:?}");
    }
}

/// A long text is masked in part only. The key may lie across the end of that part.
#[test]
fn no_part_of_a_key_shows_where_a_long_text_is_cut() {
    let lines: String =
        (0..40).map(|n| format!("{n:02}QzM1ZkVlT2xhN0dhbmRlckdhbnNIZXJvblBvbmRCb2dNYXJzaFdhdGVyUmVl\n")).collect();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n");
    for limit in [2_048, 32 * 1024] {
        for before in (0..80_000).step_by(997) {
            let text = format!("{}{key}{}", "a b ".repeat(before / 4), " c d".repeat(300_000));
            let message = iam::CreateRoleRequest { assume_role_policy_document: Some(text), ..Default::default() };
            let (kept, truncated) = asked("CreateRole", &message, limit);
            let kept = kept.assume_role_policy_document.unwrap_or_default();
            assert!(truncated && !kept.contains("QzM1"), "limit {limit}, {before} before: {kept}");
        }
    }
}

/// What is masked of a message is bounded by the limit of its record, not by its length.
#[test]
fn the_work_on_a_message_is_bounded() {
    let tag = |n: usize| iam::Tag { key: Some(format!("key-{n}")), value: Some("/".repeat(1_000)) };
    let message = iam::CreateRoleRequest { tags: (0..1_000).map(tag).collect(), ..Default::default() }.encode_to_vec();
    let mut pass = Pass { cap: CAPS[1], limit: usize::MAX, work: 50_500, ran_out: false };
    let mut bytes = Vec::new();
    pass.walk(shapes("CreateRole").0, &message, DEPTH, &mut bytes);
    assert!(pass.ran_out && pass.work < 1_000);
    let kept = iam::CreateRoleRequest::decode(&*bytes).unwrap();
    assert_eq!(kept.tags.iter().filter(|tag| tag.value.as_deref() != Some(CUT)).count(), 50);
}
