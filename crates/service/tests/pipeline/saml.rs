//! Sessions of roles for users of a SAML provider, from the assertion to what the credentials may do.

use bailiwick_api::{iam, op, sts};
use bailiwick_model::Result;
use bailiwick_operation::Clock as _;
use bailiwick_testing::saml::{AssertionText, ENDPOINT, EncryptionKey, SamlIdp, Signed};
use bailiwick_testing::{Client, Key, MAIN, code};
use data_encoding::BASE64;

use super::TestEnv;

const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/idp";
const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
const NAME_QUALIFIER: &str = "a9o0ft2A9ue1kWVrnF9mj/CsyfE=";

type Response = Result<sts::AssumeRoleWithSamlResponse>;

/// A deployment with a provider, and the role `deploy` that trusts it.
struct Case {
    env: TestEnv,
    idp: SamlIdp,
}

impl Case {
    async fn new(trust: &str) -> Case {
        let case = Case { env: TestEnv::new().await, idp: SamlIdp::ec("urn:idp") };
        case.create_provider("idp", None).await;
        case.create_role("deploy", trust).await;
        case
    }

    async fn create_provider(&self, name: &str, key: Option<&EncryptionKey>) {
        let req = iam::CreateSamlProviderRequest {
            name: Some(name.into()),
            saml_metadata_document: Some(format!("{}{}", self.idp.metadata(), " ".repeat(1_000))),
            add_private_key: key.map(|key| key.private.clone()),
            assertion_encryption_mode: key.map(|_| "Required".into()),
            ..Default::default()
        };
        self.env.call::<op::CreateSAMLProvider>(&self.env.root, req).await.unwrap();
    }

    async fn create_role(&self, name: &str, trust: &str) {
        let req = iam::CreateRoleRequest {
            role_name: Some(name.into()),
            assume_role_policy_document: Some(trust.into()),
            ..Default::default()
        };
        self.env.call::<op::CreateRole>(&self.env.root, req).await.unwrap();
    }

    /// An assertion that names the role and is called `id`.
    fn assertion(&self, id: &str) -> AssertionText {
        let pair = format!("{ROLE},{PROVIDER}");
        let assertion = self.idp.assertion(id, self.env.clock.now());
        assertion.aws("Role", &[&pair]).aws("RoleSessionName", &["alice"])
    }

    async fn assume(&self, xml: &str) -> Response {
        self.call(request(xml)).await
    }

    async fn call(&self, req: sts::AssumeRoleWithSamlRequest) -> Response {
        self.env.call::<op::AssumeRoleWithSAML>(&Client::Anonymous, req).await
    }

    fn signed(&self, assertion: &AssertionText) -> String {
        self.idp.response(assertion, Signed::Assertion)
    }
}

fn request(xml: &str) -> sts::AssumeRoleWithSamlRequest {
    sts::AssumeRoleWithSamlRequest {
        role_arn: Some(ROLE.into()),
        principal_arn: Some(PROVIDER.into()),
        saml_assertion: Some(BASE64.encode(xml.as_bytes())),
        ..Default::default()
    }
}

/// A trust policy for the provider, with actions and conditions.
fn trust(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},
        "Action":{actions},"Condition":{condition}}}}}"#
    )
}

const ASSUME: &str = r#""sts:AssumeRoleWithSAML""#;

fn seconds(case: &Case, response: &Response) -> i64 {
    let expiration = response.as_ref().unwrap().credentials.as_ref().unwrap().expiration.unwrap().seconds;
    expiration - case.env.clock.now().as_second()
}

#[tokio::test]
async fn an_assertion_is_exchanged_for_credentials() {
    let case = Case::new(&trust(r#"["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"]"#, "{}")).await;
    let assertion = case
        .assertion("_1")
        .aws("PrincipalTag:Team", &["blue"])
        .aws("TransitiveTagKeys", &["Team"])
        .aws("SourceIdentity", &["alice"]);
    let response = case.assume(&case.signed(&assertion)).await.unwrap();
    let user = response.assumed_role_user.unwrap();
    assert_eq!(user.arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/deploy/alice"));
    assert_eq!(response.subject.as_deref(), Some("alice@example.com"));
    assert_eq!(response.subject_type.as_deref(), Some("persistent"));
    assert_eq!(response.issuer.as_deref(), Some("urn:idp"));
    assert_eq!(response.audience.as_deref(), Some(ENDPOINT));
    assert_eq!(response.name_qualifier.as_deref(), Some(NAME_QUALIFIER));
    assert_eq!(response.source_identity.as_deref(), Some("alice"));
    let credentials = response.credentials.unwrap();
    let (id, secret) = (credentials.access_key_id.unwrap(), credentials.secret_access_key.unwrap());
    let client = Client::Key(Key::new(&id, secret, credentials.session_token));
    let identity = case.env.call::<op::GetCallerIdentity>(&client, Default::default()).await.unwrap();
    assert_eq!(identity.arn, user.arn);
    assert_eq!(code(&case.env.call::<op::ListUsers>(&client, Default::default()).await), "AccessDenied");
}

/// Each context key of an assertion, as a trust policy sees it.
#[tokio::test]
async fn the_trust_policy_decides_on_what_the_assertion_says() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let mut n = 0;
    for (condition, expected) in [
        (format!(r#"{{"StringEquals":{{"saml:aud":"{ENDPOINT}"}}}}"#), "OK"),
        (r#"{"StringEquals":{"saml:aud":"https://other.example.com"}}"#.into(), "AccessDenied"),
        (r#"{"StringEquals":{"saml:iss":"urn:idp"}}"#.into(), "OK"),
        (r#"{"StringEquals":{"saml:iss":"urn:other"}}"#.into(), "AccessDenied"),
        (r#"{"StringEquals":{"saml:sub":"alice@example.com","saml:sub_type":"persistent"}}"#.into(), "OK"),
        (r#"{"StringEquals":{"saml:sub":"mallory@example.com"}}"#.into(), "AccessDenied"),
        (r#"{"StringEquals":{"saml:doc":"111122223333/idp"}}"#.into(), "OK"),
        (format!(r#"{{"StringEquals":{{"saml:namequalifier":"{NAME_QUALIFIER}"}}}}"#), "OK"),
        (r#"{"ForAnyValue:StringEquals":{"saml:edupersonaffiliation":"staff"}}"#.into(), "OK"),
        (r#"{"ForAllValues:StringEquals":{"saml:edupersonaffiliation":["staff"]}}"#.into(), "AccessDenied"),
        (r#"{"StringEquals":{"saml:mail":"a@example.com"}}"#.into(), "OK"),
        (r#"{"Null":{"saml:uid":"false"}}"#.into(), "AccessDenied"),
        (r#"{"StringEquals":{"sts:RoleSessionName":"alice"}}"#.into(), "OK"),
        (r#"{"StringEquals":{"sts:RoleSessionName":"bob"}}"#.into(), "AccessDenied"),
        (r#"{"NumericLessThan":{"sts:DurationSeconds":"3600"}}"#.into(), "AccessDenied"),
        (format!(r#"{{"StringEquals":{{"aws:FederatedProvider":"{PROVIDER}"}}}}"#), "OK"),
    ] {
        n += 1;
        let req = iam::UpdateAssumeRolePolicyRequest {
            role_name: Some("deploy".into()),
            policy_document: Some(trust(ASSUME, &condition)),
        };
        case.env.call::<op::UpdateAssumeRolePolicy>(&case.env.root, req).await.unwrap();
        let mut assertion = case.assertion(&format!("_{n}"));
        let (affiliation, mail) =
            ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress");
        assertion.attributes.push((affiliation.into(), vec!["member".into(), "staff".into()]));
        assertion.attributes.push((mail.into(), vec!["a@example.com".into()]));
        assert_eq!(code(&case.assume(&case.signed(&assertion)).await), expected, "{condition}");
    }
}

/// What trust policies must allow besides the action itself, and whom they must name.
#[tokio::test]
async fn tags_source_identities_and_providers_need_the_trust_of_the_role() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let tagged = case.assertion("_1").aws("PrincipalTag:Team", &["blue"]);
    assert_eq!(code(&case.assume(&case.signed(&tagged)).await), "AccessDenied");
    let named = case.assertion("_1").aws("SourceIdentity", &["alice"]);
    assert_eq!(code(&case.assume(&case.signed(&named)).await), "AccessDenied");
    for (principal, expected) in [
        (format!(r#"{{"Federated":"{PROVIDER}"}}"#), "OK"),
        (r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/other"}"#.into(), "AccessDenied"),
        (r#"{"Federated":"accounts.google.com"}"#.into(), "AccessDenied"),
        (format!(r#"{{"AWS":"{MAIN}"}}"#), "AccessDenied"),
        (r#"{"Service":"ec2.amazonaws.com"}"#.into(), "AccessDenied"),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":{ASSUME}}}}}"#
        );
        let req =
            iam::UpdateAssumeRolePolicyRequest { role_name: Some("deploy".into()), policy_document: Some(policy) };
        case.env.call::<op::UpdateAssumeRolePolicy>(&case.env.root, req).await.unwrap();
        let xml = case.signed(&case.assertion(&format!("_{expected}")));
        assert_eq!(code(&case.assume(&xml).await), expected, "{principal}");
    }
}

/// An assertion opens only what it names: a role of the provider's account, with the provider.
#[tokio::test]
async fn only_the_pairs_in_the_assertion_can_be_assumed() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    case.create_role("other", &trust(ASSUME, "{}")).await;
    let mut n = 0;
    let other = "arn:aws:iam::111122223333:role/other";
    let foreign = "arn:aws:iam::444455556666:saml-provider/idp";
    for (values, expected) in [
        (vec![format!("{ROLE},{PROVIDER}")], "OK"),
        (vec![format!("{PROVIDER},{ROLE}")], "OK"),
        (vec![format!(" {PROVIDER} , {ROLE} ")], "OK"),
        (vec![format!("{other},{PROVIDER}"), format!("{ROLE},{PROVIDER}")], "OK"),
        (vec![format!("{other},{PROVIDER}")], "AccessDenied"),
        (vec![format!("{ROLE},{foreign}")], "AccessDenied"),
        (vec![format!("{ROLE},{ROLE}")], "AccessDenied"),
        (vec![ROLE.to_owned(), PROVIDER.to_owned()], "AccessDenied"),
        (vec![format!("{ROLE},{PROVIDER},{PROVIDER}")], "AccessDenied"),
        (vec![format!("{},{PROVIDER}", ROLE.replace("deploy", "Deploy"))], "AccessDenied"),
        (vec![], "AccessDenied"),
    ] {
        n += 1;
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let assertion = case.idp.assertion(&format!("_{n}"), case.env.clock.now());
        let assertion = assertion.aws("Role", &values).aws("RoleSessionName", &["alice"]);
        assert_eq!(code(&case.assume(&case.signed(&assertion)).await), expected, "{values:?}");
    }
}

/// Errors in the request, the provider or the role. None of them shows whether a provider or role exists.
#[tokio::test]
async fn requests_are_refused_without_disclosure() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let foreign = "arn:aws:iam::444455556666:role/deploy";
    let gone = "arn:aws:iam::111122223333:role/gone";
    let pairs = [ROLE, foreign, gone].map(|role| format!("{role},{PROVIDER}"));
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    let assertion = case.idp.assertion("_1", case.env.clock.now());
    let xml = case.signed(&assertion.aws("Role", &pairs).aws("RoleSessionName", &["alice"]));
    let with = |role: &str, provider: &str| sts::AssumeRoleWithSamlRequest {
        role_arn: Some(role.into()),
        principal_arn: Some(provider.into()),
        ..request(&xml)
    };
    for (req, expected) in [
        (with(gone, PROVIDER), "AccessDenied"),
        (with(foreign, PROVIDER), "AccessDenied"),
        (with(ROLE, "arn:aws:iam::111122223333:saml-provider/gone"), "InvalidIdentityToken"),
        (with(ROLE, "arn:aws:iam::444455556666:saml-provider/idp"), "InvalidIdentityToken"),
        (with(ROLE, "arn:aws:iam::111122223333:oidc-provider/idp"), "ValidationError"),
        (with(ROLE, "arn:aws:iam::111122223333:saml-provider/a/b"), "ValidationError"),
        (with(ROLE, "arn:aws-cn:iam::111122223333:saml-provider/idp"), "ValidationError"),
        (with("arn:aws:iam::111122223333:user/deploy", PROVIDER), "ValidationError"),
        (sts::AssumeRoleWithSamlRequest { saml_assertion: Some("%%%%".into()), ..request("") }, "InvalidIdentityToken"),
        (sts::AssumeRoleWithSamlRequest { policy: Some("{".into()), ..request(&xml) }, "MalformedPolicyDocument"),
        (sts::AssumeRoleWithSamlRequest { duration_seconds: Some(7_200), ..request(&xml) }, "ValidationError"),
        (sts::AssumeRoleWithSamlRequest { duration_seconds: Some(899), ..request(&xml) }, "ValidationError"),
    ] {
        assert_eq!(code(&case.call(req.clone()).await), expected, "{req:?}");
    }
    // A missing provider is refused like one with other keys.
    let message = async |provider: &str, xml: &str| {
        let req = sts::AssumeRoleWithSamlRequest { principal_arn: Some(provider.into()), ..request(xml) };
        case.call(req).await.unwrap_err().message().to_owned()
    };
    let other = SamlIdp::ec("urn:idp");
    let forged = other.response(&case.assertion("_2"), Signed::Assertion);
    let missing = "arn:aws:iam::111122223333:saml-provider/gone";
    assert_eq!(message(missing, &forged).await, message(PROVIDER, &forged).await);
    assert_eq!(message(missing, &xml).await, message(PROVIDER, &forged).await);
    // None of these calls used the assertion.
    assert_eq!(code(&case.assume(&xml).await), "OK");
}

#[tokio::test]
async fn an_assertion_is_used_once() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    case.create_role("other", &trust(ASSUME, "{}")).await;
    let other = format!("arn:aws:iam::111122223333:role/other,{PROVIDER}");
    let xml = case.signed(&case.assertion("_1").aws("Role", &[&other]));
    // Of calls at the same time one is answered.
    let calls = futures_util::future::join_all((0..8).map(|_| case.assume(&xml))).await;
    let codes: Vec<_> = calls.iter().map(code).collect();
    assert_eq!(codes.iter().filter(|code| **code == "OK").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "InvalidIdentityToken").count(), 7, "{codes:?}");
    // Nor is it answered in another form, for another role, or later.
    let whole = case.idp.around(&case.idp.sign(&case.assertion("_1").aws("Role", &[&other]).text(), "_1"), "x", true);
    assert_eq!(code(&case.assume(&whole).await), "InvalidIdentityToken");
    let req = sts::AssumeRoleWithSamlRequest {
        role_arn: Some("arn:aws:iam::111122223333:role/other".into()),
        ..request(&xml)
    };
    assert_eq!(code(&case.call(req).await), "InvalidIdentityToken");
    case.env.clock.advance(359);
    assert_eq!(code(&case.assume(&xml).await), "InvalidIdentityToken");
    case.env.clock.advance(1);
    assert_eq!(code(&case.assume(&xml).await), "ExpiredTokenException");
}

/// The shortest of what the request, the assertion and the provider's session allow.
#[tokio::test]
async fn the_session_is_as_short_as_each_of_its_limits() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let mut n = 0;
    for (requested, attribute, session, expected) in [
        (None, None, None, 3_600),
        (Some(900), None, None, 900),
        (None, Some("1800"), None, 1_800),
        (Some(900), Some("1800"), None, 900),
        (None, Some("43200"), None, 3_600),
        (None, None, Some(600), 600),
        (Some(900), Some("1800"), Some(60), 60),
        (None, None, Some(90_000), 3_600),
    ] {
        n += 1;
        let mut assertion = case.assertion(&format!("_{n}"));
        if let Some(seconds) = attribute {
            assertion = assertion.aws("SessionDuration", &[seconds]);
        }
        if let Some(seconds) = session {
            let end = case.env.clock.now() + std::time::Duration::from_secs(seconds);
            assertion.authentication = format!(" SessionNotOnOrAfter=\"{end}\"");
        }
        let xml = case.signed(&assertion);
        let req = sts::AssumeRoleWithSamlRequest { duration_seconds: requested, ..request(&xml) };
        let response = case.call(req).await;
        assert_eq!(seconds(&case, &response), expected, "{requested:?} {attribute:?} {session:?}");
    }
}

#[tokio::test]
async fn attributes_of_aws_have_their_form() {
    let case = Case::new(&trust(r#"["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"]"#, "{}")).await;
    for (name, values) in [
        ("RoleSessionName", vec!["bob"]),
        ("SessionDuration", vec!["899"]),
        ("SessionDuration", vec!["43201"]),
        ("SessionDuration", vec!["an hour"]),
        ("SessionDuration", vec!["3600", "3600"]),
        ("SourceIdentity", vec!["a"]),
        ("SourceIdentity", vec!["a b"]),
        ("SourceIdentity", vec!["aws:a"]),
        ("SourceIdentity", vec!["alice", "bob"]),
        ("PrincipalTag:Team", vec!["blue", "red"]),
        ("PrincipalTag:Team", vec![]),
        ("PrincipalTag:aws:x", vec!["y"]),
        ("TransitiveTagKeys", vec!["Team"]),
    ] {
        let xml = case.signed(&case.assertion("_1").aws(name, &values));
        assert_eq!(code(&case.assume(&xml).await), "InvalidIdentityToken", "{name} {values:?}");
    }
    let nameless = case.idp.assertion("_1", case.env.clock.now()).aws("Role", &[&format!("{ROLE},{PROVIDER}")]);
    assert_eq!(code(&case.assume(&case.signed(&nameless)).await), "InvalidIdentityToken");
    assert_eq!(code(&case.assume(&case.signed(&case.assertion("_1"))).await), "OK");
}

#[tokio::test]
async fn encrypted_assertions_need_a_key_of_the_provider() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let key = EncryptionKey::new();
    let req = iam::DeleteSamlProviderRequest { saml_provider_arn: Some(PROVIDER.into()) };
    case.env.call::<op::DeleteSAMLProvider>(&case.env.root, req).await.unwrap();
    case.create_provider("idp", Some(&key)).await;
    let encrypted = |id: &str, key: &EncryptionKey| {
        let text = case.assertion(id);
        let signed = case.idp.sign(&text.text(), id);
        case.idp.around(&key.encrypt(&signed), &text.issued, false)
    };
    assert_eq!(code(&case.assume(&encrypted("_1", &EncryptionKey::new())).await), "InvalidIdentityToken");
    assert_eq!(code(&case.assume(&case.signed(&case.assertion("_1"))).await), "InvalidIdentityToken");
    assert_eq!(code(&case.assume(&encrypted("_1", &key)).await), "OK");
    // The same assertion, encrypted again.
    assert_eq!(code(&case.assume(&encrypted("_1", &key)).await), "InvalidIdentityToken");
}

/// Metadata with other keys is used by the next call.
#[tokio::test]
async fn the_keys_of_a_provider_are_those_it_has_now() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    let before = case.signed(&case.assertion("_1"));
    let other = SamlIdp::ec("urn:idp");
    let req = iam::UpdateSamlProviderRequest {
        saml_provider_arn: Some(PROVIDER.into()),
        saml_metadata_document: Some(format!("{}{}", other.metadata(), " ".repeat(1_000))),
        ..Default::default()
    };
    case.env.call::<op::UpdateSAMLProvider>(&case.env.root, req).await.unwrap();
    assert_eq!(code(&case.assume(&before).await), "InvalidIdentityToken");
    assert_eq!(code(&case.assume(&other.response(&case.assertion("_1"), Signed::Both)).await), "OK");
    let rejected =
        other.response(&case.assertion("_2"), Signed::Assertion).replace("status:Success", "status:Responder");
    assert_eq!(code(&case.assume(&rejected).await), "IDPRejectedClaim");
}

/// A session ends with its provider. A later provider of the same name is another one.
#[tokio::test]
async fn sessions_end_with_their_provider() {
    let case = Case::new(&trust(ASSUME, "{}")).await;
    case.create_provider("other", None).await;
    let assume = async |id: &str| {
        let credentials = case.assume(&case.signed(&case.assertion(id))).await.unwrap().credentials.unwrap();
        let (id, secret) = (credentials.access_key_id.unwrap(), credentials.secret_access_key.unwrap());
        Client::Key(Key::new(&id, secret, credentials.session_token))
    };
    let delete = async |name: &str| {
        let arn = format!("arn:aws:iam::111122223333:saml-provider/{name}");
        let req = iam::DeleteSamlProviderRequest { saml_provider_arn: Some(arn) };
        case.env.call::<op::DeleteSAMLProvider>(&case.env.root, req).await.unwrap();
    };
    let identity = async |by: &Client| code(&case.env.call::<op::GetCallerIdentity>(by, Default::default()).await);
    let first = assume("_1").await;
    delete("other").await;
    assert_eq!(identity(&first).await, "OK");
    delete("idp").await;
    assert_eq!(identity(&first).await, "InvalidClientTokenId");
    // Within the same second.
    case.env.clock.advance_micros(1);
    case.create_provider("idp", None).await;
    assert_eq!(identity(&first).await, "ExpiredToken");
    let second = assume("_2").await;
    assert_eq!(identity(&second).await, "OK");
}
