//! Records of every released format can be read: `fixtures/` contains their bytes.
//!
//! The first version with a format writes its fixture, which never changes. A new record gets a line of its own, which
//! the failing test prints.

use bailiwick_model::{
    AccessKeyId, AccountAlias, AccountId, IdKind, Issue, KeyCase, MfaDeviceName, Partition, Path, PolicyName, RoleName,
    ServerCertificateName, StorePosition, Tags, UniqueId,
};
use bailiwick_storage::{
    AccessJob, AccessKeyLastUsed, AccessSubject, Account, AccountState, CredentialReport, CredentialRules,
    DelegationApproval, DelegationParameter, DelegationParty, DelegationRequest, DelegationState, DeletionTask, FORMAT,
    InlinePolicy, InstanceProfile, KeyOwner, Meta, MfaAssignment, MfaDevice, MfaFailures, OidcProvider, Passkey,
    Policy, PolicyVersion, Record, ReportChunk, Resource, ResourcePolicy, Role, RoleLastUsed, RootPassword,
    SamlMetadataChunk, SamlPrivateKey, SamlProvider, ServerCertificate, Service, ServiceActor,
    ServiceSpecificCredential, ServiceUse, SessionRevocation, SignInFailures, SigningCertificate, SshPublicKey,
    StoreError, TrustPolicy, User,
};

use crate::env::{access_key, account, group, instance_profile, now, policy, role, user};

const FORMAT_1: &str = include_str!("../fixtures/format-1.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).expect("a hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[track_caller]
fn check<R: Record + PartialEq + std::fmt::Debug>(name: &str, expected: R) {
    let written = hex(&expected.encode());
    let fixture = FORMAT_1.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let Some(fixture) = fixture else { panic!("no fixture yet; add\n{name} {written}") };
    assert_eq!(R::decode(&unhex(fixture)).expect("a record"), expected, "{name}");
    assert_eq!(written, fixture, "{name}: format {FORMAT} is what this version writes");
    let bytes = unhex(fixture);
    let newer = [&[FORMAT + 1], &bytes[1..]].concat();
    assert!(matches!(R::decode(&newer), Err(StoreError::Newer { .. })), "{name}");
    for damaged in [Vec::new(), vec![0], vec![FORMAT], vec![FORMAT, 0xff], bytes[..bytes.len() - 1].to_vec()] {
        assert!(!matches!(R::decode(&damaged), Ok(record) if record == expected), "{name}: {damaged:?}");
    }
}

#[test]
fn records_of_format_1_can_be_read() {
    let tags = Tags::parse([("cost centre", ""), ("Dept", "R - D")]).expect("tags");
    let path = Path::parse("/division/team/").expect("a path");
    let read = policy(1, "Read");
    check(
        "account",
        Account {
            management: true,
            state: AccountState::Suspended,
            alias: Some(AccountAlias::parse("acme-prod").expect("an alias")),
            role_name: Some(RoleName::parse("OrganizationAccountAccessRole").expect("a name")),
            state_changed: Some(now()),
            sessions_valid_after: Some(now()),
            ..account(999_988_887_777, "root@example.com")
        },
    );
    check("account-bare", account(1, "a@example.com"));
    check(
        "user",
        User {
            path: path.clone(),
            tags: tags.clone(),
            boundary: Some(read.reference()),
            password_last_used: Some(now()),
            sessions_valid_after: Some(now()),
            ..user(1, "Bob")
        },
    );
    check("user-bare", user(2, "eve"));
    check("group", group(3, "Developers"));
    check(
        "role",
        Role {
            path: path.clone(),
            tags: tags.clone(),
            boundary: Some(Policy { account: AccountId::NONE, ..read.clone() }.reference()),
            description: Some("for tests".into()),
            trust_policy: TrustPolicy { text: r#"{"Statement": []}"#.into(), bound: "{}".into() },
            sessions_valid_after: Some(now()),
            linked_service: Some("elasticbeanstalk.amazonaws.com".into()),
            max_session_seconds: 43_200,
            max_signin_session_seconds: None,
            ..role(4, "Deploy")
        },
    );
    check("role-bare", role(5, "bare"));
    // Keys that are compared with case are listed in another order.
    let tags = tags.sorted(KeyCase::Sensitive);
    let profile = instance_profile(6, "Web");
    let full =
        InstanceProfile { path: path.clone(), tags: tags.clone(), role: Some(role(4, "R").id), ..profile.clone() };
    check("instance-profile", full);
    check("instance-profile-bare", profile);
    check("role-last-used", RoleLastUsed { time: now(), region: "eu-central-1".into() });
    let full =
        Policy { path, tags, description: Some("reads".into()), default_version: 3, latest_version: 7, ..read.clone() };
    check("policy", full);
    let document = r#"{"Version":"2012-10-17"}"#.to_owned();
    check(
        "policy-version",
        PolicyVersion { policy: read.reference(), version: 7, created: now(), document: document.clone() },
    );
    let name = PolicyName::parse("Inline").expect("a name");
    check("inline-policy", InlinePolicy { name, document, size: 24 });
    check("access-key", access_key(1, KeyOwner::User(user(1, "Bob").id)));
    check("access-key-root", bailiwick_storage::AccessKey { active: false, ..access_key(2, KeyOwner::Root) });
    let used = AccessKeyLastUsed { time: now(), service: "s3".into(), region: "eu-central-1".into() };
    let reactivated = access_key(3, KeyOwner::Root);
    let reactivated = bailiwick_storage::AccessKey { activated: Some(now()), warned_of: Some(now()), ..reactivated };
    check("access-key-reactivated", reactivated);
    check(
        "credential-rules",
        CredentialRules {
            access_key_max_age_days: Some(90),
            access_key_unused_days: Some(45),
            password_unused_days: Some(60),
            warning_days: 14,
            exempt_tag: Some("Robot".into()),
            include_root: true,
            since: now(),
        },
    );
    check("access-key-last-used", used);
    let id = "task/aws-service-role/photos.example.com/AWSServiceRoleForPhotos/1".to_owned();
    let (requested, completed) = (now(), Some(now()));
    check("credential-report", CredentialReport { account: read.account, requested, completed, chunks: 2 });
    check("report-chunk", ReportChunk("user,arn".into()));
    check("service-use", ServiceUse { time: now(), region: "eu-central-1".into() });
    let job = |subject| AccessJob {
        account: read.account,
        id: "c58df4ec-b922-4f4f-bb71-aaf1a2e4bd4b".into(),
        created: now(),
        requester: "111122223333".into(),
        subject,
    };
    check("access-job-user", job(AccessSubject::Identity { id: user(1, "Bob").id, actions: true }));
    check("access-job-policy", job(AccessSubject::Policy { policy: read.reference(), actions: false }));
    check("access-job-organization", job(AccessSubject::Organization { member: None }));
    check("access-job-member", job(AccessSubject::Organization { member: Some(read.account) }));
    let party = |user_id: &str| DelegationParty {
        user_id: user_id.into(),
        arn: format!("arn:aws:iam::111122223333:user/{user_id}"),
    };
    let delegation = DelegationRequest {
        id: "c58df4ec-b922-4f4f-bb71-aaf1a2e4bd4b".into(),
        requestor: read.account,
        requestor_name: "Pond".into(),
        workflow_id: "workflow".into(),
        owner_account: None,
        owner: None,
        approver: None,
        description: "reads".into(),
        request_message: None,
        template_arn: "arn:aws:iam:::delegation-template/T".into(),
        parameters: vec![],
        policy: "{}".into(),
        restriction_arns: vec![],
        notification_channel: "arn:aws:sns:eu-central-1:111122223333:t".into(),
        redirect_url: None,
        session_seconds: 3600,
        only_send_by_owner: false,
        notes: None,
        rejection_reason: None,
        state: DelegationState::Unassigned,
        created: now(),
        updated: now(),
        expires: now(),
        approval: None,
        sent: None,
    };
    check("delegation-request-new", delegation.clone());
    let full = DelegationRequest {
        owner_account: Some(read.account),
        owner: Some(party("Ann")),
        approver: Some(party("Bob")),
        request_message: Some("please".into()),
        parameters: vec![DelegationParameter { name: "Path".into(), values: vec!["/a/".into()], is_list: true }],
        restriction_arns: vec!["arn:aws:iam::111122223333:policy/B".into()],
        redirect_url: Some("https://example.com".into()),
        only_send_by_owner: true,
        notes: Some("n".into()),
        rejection_reason: Some("r".into()),
        state: DelegationState::Rejected,
        ..delegation
    };
    check("delegation-request", full.clone());
    let approval = DelegationApproval {
        accepted: now().into(),
        long_term_key: Some(AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap()),
        issued_through: vec![AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap()],
        tags: Tags::parse([("team", "reeds")]).unwrap(),
        transitive_tag_keys: vec!["team".into()],
        source_identity: Some("ann".into()),
        provider: Some("arn:aws:iam::111122223333:saml-provider/P".into()),
        provider_keys: vec![("saml:sub".into(), vec!["ann".into()])],
    };
    let approved = DelegationRequest { approval: Some(approval.clone()), sent: Some(now()), ..full };
    check("delegation-request-approved", approved.clone());
    let accepted = Issue { time: now(), position: Some(StorePosition { epoch: 2, restore_id: 0, revision: 300 }) };
    let approval = Some(DelegationApproval { accepted, ..approval });
    check("delegation-request-approved-on-view", DelegationRequest { approval, ..approved });
    check("deletion-task", DeletionTask { account: read.account, id, created: now() });
    let tags = Tags::parse([("Team", "blue")]).expect("tags");
    let device = MfaDevice {
        account: read.account,
        path: Path::parse("/x/").expect("a path"),
        name: MfaDeviceName::parse("Phone").expect("a name"),
        created: now(),
        tags: tags.clone(),
        sealed_seed: b"sealed".as_slice().into(),
        last_step: Some(58_907_520),
        assignment: Some(MfaAssignment { owner: KeyOwner::User(user(1, "Bob").id), enabled: now(), offset: -2 }),
    };
    check("mfa-device", device.clone());
    check("mfa-device-unassigned", MfaDevice { last_step: None, assignment: None, ..device });
    let passkey = Passkey {
        account: read.account,
        owner: KeyOwner::User(user(1, "Bob").id),
        id: "QDOB3CR3JVAITAS4XAO2YWIXWM".into(),
        label: MfaDeviceName::parse("Key").expect("a name"),
        enabled: now(),
        relying_party: "iam.example.com".into(),
        credential_id: b"credential".as_slice().into(),
        public_key: b"key".as_slice().into(),
        counter: 7,
        user_verified: true,
        backup_eligible: true,
        aaguid: [9; 16],
    };
    check("passkey", passkey.clone());
    check("passkey-of-root", Passkey { owner: KeyOwner::Root, ..passkey });
    check("mfa-failures", MfaFailures { forgotten: now() });
    let failures = SignInFailures { forgotten: now(), blocked_until: now(), last_correct: Some(now()) };
    check("sign-in-failures", failures);
    check("session-revocation", SessionRevocation { valid_after: now(), expires: now(), epoch: 0, restore_id: 0 });
    check(
        "session-revocation-of-epoch",
        SessionRevocation { valid_after: now(), expires: now(), epoch: 2, restore_id: 0 },
    );
    check("root-password", RootPassword { changed: now(), sealed_hash: b"sealed".as_slice().into(), last_used: None });
    check(
        "root-password-used",
        RootPassword { changed: now(), sealed_hash: b"sealed".as_slice().into(), last_used: Some(now()) },
    );
    let key = SshPublicKey {
        account: read.account,
        user: user(1, "Bob").id,
        id: UniqueId::new(IdKind::SshPublicKey, [5; 17]),
        active: true,
        uploaded: now(),
        der: b"der".as_slice().into(),
        digest: "5e".into(),
    };
    check("ssh-public-key", key);
    let certificate = ServerCertificate {
        account: read.account,
        id: UniqueId::new(IdKind::ServerCertificate, [5; 17]),
        name: ServerCertificateName::parse("Web").expect("a name"),
        path: Path::parse("/x/").expect("a path"),
        uploaded: now(),
        expires: now(),
        tags: Tags::parse([("Team", "blue")]).expect("tags"),
        body: "body".into(),
        chain: Some("chain".into()),
        sealed_key: b"sealed".as_slice().into(),
    };
    check("server-certificate", certificate.clone());
    check("server-certificate-bare", ServerCertificate { tags: Tags::default(), chain: None, ..certificate });
    let credential = ServiceSpecificCredential {
        account: read.account,
        user: user(1, "Bob").id,
        id: UniqueId::new(IdKind::ServiceSpecificCredential, [5; 17]),
        service: "bedrock.amazonaws.com".into(),
        name: "Bob-at-111122223333".into(),
        active: true,
        created: now(),
        expires: Some(now()),
        sealed_secret: b"sealed".as_slice().into(),
    };
    check("service-specific-credential", credential.clone());
    let lasting = ServiceSpecificCredential { active: false, expires: None, ..credential };
    check("service-specific-credential-lasting", lasting);
    let arn = "arn:aws:photos::111122223333:album/1".to_owned();
    let kept = ResourcePolicy { text: r#"{"Statement": []}"#.into(), bound: "{}".into(), updated: now() };
    check("resource", Resource { account: read.account, arn: arn.clone(), policy: Some(kept), tags: tags.clone() });
    check("resource-tags", Resource { account: read.account, arn, policy: None, tags });
    let provider = OidcProvider {
        account: read.account,
        url: "id.example.com/realms/main".into(),
        created: now(),
        client_ids: vec!["web".into(), "app".into()],
        thumbprints: vec!["0".repeat(40)],
        tags: Tags::parse([("Team", "blue")]).expect("tags"),
    };
    check("oidc-provider", provider);
    let key = SamlPrivateKey { id: "K".repeat(32), added: now(), sealed: vec![3; 40].into() };
    let saml = SamlProvider {
        account: read.account,
        name: "Okta".into(),
        uuid: "U".repeat(26),
        created: now(),
        valid_until: now(),
        requires_encryption: true,
        private_keys: vec![key],
        tags: Tags::parse([("Team", "blue")]).expect("tags"),
        metadata_chunks: 2,
    };
    check("saml-provider", saml);
    check("saml-metadata", SamlMetadataChunk(b"<a/>".as_slice().into()));
    let certificate = SigningCertificate {
        account: read.account,
        owner: KeyOwner::User(user(1, "Bob").id),
        id: "C".repeat(32),
        active: true,
        uploaded: now(),
        body: "-----BEGIN CERTIFICATE-----".into(),
        digest: [7; 32],
    };
    check("signing-certificate-root", SigningCertificate { owner: KeyOwner::Root, ..certificate.clone() });
    check("signing-certificate", certificate);
    let actor = ServiceActor { arn: "arn:aws:iam::111122223333:user/Bob".into(), id: user(1, "Bob").id };
    check(
        "service",
        Service {
            prefix: "photos".into(),
            definition: "{}".into(),
            principals: vec!["photos.example.com".into()],
            actors: vec![actor],
            created: now(),
            updated: now(),
        },
    );
    let meta = Meta {
        store_id: *b"0123456789abcdef",
        epoch: 2,
        restore_id: 0,
        created: now(),
        management_account: AccountId::from_number(999_988_887_777).expect("an account"),
        partition: Partition::AwsCn,
    };
    check("meta", meta);
}
