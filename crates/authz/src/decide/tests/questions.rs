//! One question at a time, through the handler of Authorize.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthorizeRequest, ContextEntry, ContextType, Decision, PolicyType, Step};

use crate::tests::*;

#[tokio::test]
async fn a_decision_about_a_signed_request_names_its_statement() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let alice = env.user(OTHER, "Alice", &allow("s3:Get*", "arn:aws:s3:::bank/*")).await;
    let key = env.key(OTHER, Some(&alice)).await;
    let sent = TestRequest::new("s3", "GET", "/bank/a", "", b"").sign_as(&key, |c| {
        Signing::new(c, "eu-west-1", "s3", noon()).path_rule(sigv4::PathRule::ObjectKey).declare_payload()
    });
    let by_request = || Who::SignedRequest(sent.to_proto());
    let in_account = |account: &str, action: &str| AuthorizeRequest {
        resource_account: Some(account.into()),
        ..question(by_request(), action, "arn:aws:s3:::bank/a")
    };
    let allowed = env.ask(&service, in_account(OTHER, "s3:GetObject")).await.unwrap();
    assert_eq!((allowed.decision(), allowed.step(), &allowed.message), (Decision::Allow, Step::IdentityPolicy, &None));
    let statement = allowed.statement.unwrap();
    assert_eq!(
        (
            statement.policy_type(),
            &*statement.policy,
            &*statement.attached_to,
            statement.index,
            statement.sid.as_deref()
        ),
        (PolicyType::Identity, "own", "arn:aws:iam::444455556666:user/Alice", 0, Some("S1"))
    );
    assert_eq!((statement.line, statement.column), (1, 38));
    assert_eq!(allowed.revision, env.deployment.revisions.format(env.snapshots.current().unwrap().revision()));
    let denied = env.ask(&service, in_account(OTHER, "s3:PutObject")).await.unwrap();
    assert_eq!((denied.decision(), denied.step()), (Decision::ImplicitDeny, Step::IdentityPolicy));
    assert_eq!(
        denied.message.as_deref(),
        Some(
            "User: arn:aws:iam::444455556666:user/Alice is not authorized to perform: s3:PutObject on resource: \
             arn:aws:s3:::bank/a because no identity-based policy allows the s3:PutObject action"
        )
    );
    // In another account the resource's policy must allow as well.
    let mut across = in_account(MAIN, "s3:GetObject");
    assert_eq!(env.decided(&service, across.clone()).await, Decision::ImplicitDeny);
    let policy = |effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:*","Resource":"arn:aws:s3:::bank/*"}}}}"#
        )
    };
    across.resource_policy = Some(policy("Allow"));
    assert_eq!(env.decided(&service, across.clone()).await, Decision::Allow);
    across.resource_policy = Some(policy("Deny"));
    let denied = env.ask(&service, across).await.unwrap();
    assert_eq!((denied.decision(), denied.step()), (Decision::ExplicitDeny, Step::ExplicitDeny));
    assert_eq!(denied.statement.unwrap().policy_type(), PolicyType::Resource);
}

use bailiwick_sigv4::Signing;

#[tokio::test]
async fn unproven_callers_are_refused() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let alice = env.user(MAIN, "Alice", &allow("*", "*")).await;
    let role = env.role(MAIN, "Diver", "{}", &allow("*", "*")).await;
    let key = env.key(MAIN, Some(&alice)).await;
    let session = env.session(&role, "dive", |_| {});
    let sent = TestRequest::new("sqs", "POST", "/", "", b"Action=SendMessage").sign(&env, &key, "eu-west-1");
    let with = |change: fn(&mut TestRequest)| {
        let mut sent = sent.clone();
        change(&mut sent);
        Who::SignedRequest(sent.to_proto())
    };
    let mut for_region = sent.to_proto();
    for_region.region = Some("eu-west-2".into());
    let mut for_host = sent.to_proto();
    for_host.host = Some("bog.example".into());
    let token = session.token.clone().unwrap();
    for (name, who, expected) in [
        ("unsigned", with(|s| s.headers.truncate(1)), "MissingAuthenticationToken"),
        ("another body", with(|s| s.body.push(0)), "SignatureDoesNotMatch"),
        ("another service", with(|s| s.service = "sns"), "SignatureDoesNotMatch"),
        ("another region", Who::SignedRequest(for_region), "SignatureDoesNotMatch"),
        ("another host", Who::SignedRequest(for_host), "SignatureDoesNotMatch"),
        ("a handle that is none", Who::Handle(b"nonsense".to_vec().into()), "InvalidClientTokenId"),
        ("a session token as handle", Who::Handle(token.into_bytes().into()), "InvalidClientTokenId"),
        ("a bare role", Who::PrincipalArn("arn:aws:iam::111122223333:role/ponds/Diver".into()), "ValidationError"),
        (
            "a bare session",
            Who::PrincipalArn("arn:aws:sts::111122223333:assumed-role/Diver/dive".into()),
            "ValidationError",
        ),
        ("a group", Who::PrincipalArn("arn:aws:iam::111122223333:group/staff".into()), "ValidationError"),
        ("an account", Who::PrincipalArn("111122223333".into()), "ValidationError"),
        ("nobody who is there", Who::PrincipalArn("arn:aws:iam::111122223333:user/Nobody".into()), "InvalidInput"),
        ("a name in another case", Who::PrincipalArn("arn:aws:iam::111122223333:user/alice".into()), "InvalidInput"),
        ("another partition", Who::PrincipalArn("arn:aws-cn:iam::111122223333:user/Alice".into()), "InvalidInput"),
    ] {
        let result = env.ask(&service, question(who, "sqs:SendMessage", "*")).await;
        assert_eq!(code(result), expected, "{name}");
    }
    let without_principal = AuthorizeRequest { caller: None, ..question(with(|_| ()), "sqs:SendMessage", "*") };
    assert_eq!(code(env.ask(&service, without_principal).await), "ValidationError");
    assert_eq!(env.decided(&service, question(with(|_| ()), "sqs:SendMessage", "*")).await, Decision::Allow);
}

#[tokio::test]
async fn authorize_needs_a_permission_of_the_asking_service() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", &allow("s3:*", "*")).await;
    let bob = env.user(OTHER, "Bob", "").await;
    let keys = [env.key(MAIN, Some(&alice)).await, env.key(OTHER, Some(&bob)).await];
    let of = |key: &Key, service: &'static str| {
        let sent = TestRequest::new(service, "GET", "/", "", b"").sign(&env, key, "eu-west-1");
        Who::SignedRequest(sent.to_proto())
    };
    let arn = |text: &str| Who::PrincipalArn(text.into());
    let (alice_arn, bob_arn) = ("arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::444455556666:user/Bob");
    let bounded = |key: &str, value: &str| {
        statement("Allow", "bailiwick:Authorize", "*", &format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#))
    };
    for (name, document, expected) in [
        // Signed by Alice for sqs and sns, by Bob for sqs; Alice, Bob, root, a service by name; anonymous.
        ("nothing", String::new(), [false; 8]),
        ("all", allow("bailiwick:*", "*"), [true, true, true, true, false, true, true, true]),
        ("proven alone", allow("bailiwick:Authorize", "*"), [true, true, true, false, false, false, false, true]),
        ("unproven alone", allow("bailiwick:AuthorizeAs", "*"), [false; 8]),
        (
            "a service, by ARN",
            allow("bailiwick:Authorize", "arn:aws:bailiwick::111122223333:service/sqs"),
            [true, false, true, false, false, false, false, true],
        ),
        (
            "a service, by key",
            bounded("bailiwick:ServicePrefix", "sqs"),
            [true, false, true, false, false, false, false, true],
        ),
        (
            "an account",
            bounded("bailiwick:PrincipalAccount", OTHER),
            [false, false, true, false, false, false, false, false],
        ),
        (
            "another account's services",
            allow("bailiwick:Authorize", "arn:aws:bailiwick::444455556666:service/*"),
            [false; 8],
        ),
    ] {
        let user = env.user(MAIN, "asker", &document).await;
        let key = env.key(MAIN, Some(&user)).await;
        let asker = env.prove(&key).await.unwrap();
        let questions = [
            (of(&keys[0], "sqs"), "sqs:SendMessage"),
            (of(&keys[0], "sns"), "sns:Publish"),
            (of(&keys[1], "sqs"), "SQS:SendMessage"),
            (arn(alice_arn), "sqs:SendMessage"),
            (arn(bob_arn), "sqs:SendMessage"),
            (arn("arn:aws:iam::111122223333:root"), "sqs:SendMessage"),
            (Who::ServicePrincipal("logs.amazonaws.com".into()), "sqs:SendMessage"),
            (Who::Anonymous(authz::Anonymous {}), "sqs:SendMessage"),
        ];
        for ((who, action), expected) in questions.into_iter().zip(expected) {
            let shown = format!("{who:?}");
            let result = env.ask(&asker, question(who, action, "*")).await;
            match result {
                Ok(_) => assert!(expected, "{name}: {shown}"),
                Err(error) => {
                    assert!(!expected, "{name}: {shown}: {error}");
                    assert_eq!(error.code().wire(), "AccessDenied");
                }
            }
        }
        let mut tx = env.tx().await;
        if !document.is_empty() {
            tx.delete_inline_policy(&(&user).into(), &PolicyName::parse("own").unwrap()).await.unwrap();
        }
        tx.delete_access_key(account(MAIN), &key.id).await.unwrap();
        tx.delete(&user).await.unwrap();
        env.commit(tx).await;
    }
}

#[tokio::test]
async fn services_and_anonymous_callers_need_the_resource_policy() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let policy = |principal: &str| {
        Some(format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}}}"#
        ))
    };
    let logs = || Who::ServicePrincipal("logs.amazonaws.com".into());
    let without_principal = || Who::Anonymous(authz::Anonymous {});
    let everyone = r#""*""#;
    let to_logs = r#"{"Service":"logs.amazonaws.com"}"#;
    for (who, principal, expected) in [
        (logs(), to_logs, Decision::Allow),
        (logs(), r#"{"Service":"other.amazonaws.com"}"#, Decision::ImplicitDeny),
        (without_principal(), everyone, Decision::Allow),
        (without_principal(), to_logs, Decision::ImplicitDeny),
        (without_principal(), r#"{"AWS":"111122223333"}"#, Decision::ImplicitDeny),
    ] {
        let shown = format!("{who:?} {principal}");
        let req = AuthorizeRequest {
            resource_policy: policy(principal),
            ..question(who, "s3:GetObject", "arn:aws:s3:::bank/a")
        };
        assert_eq!(env.decided(&service, req).await, expected, "{shown}");
    }
    assert_eq!(env.decided(&service, question(without_principal(), "s3:GetObject", "*")).await, Decision::ImplicitDeny);
}

#[tokio::test]
async fn a_bare_user_has_no_session() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let condition = r#"{"Null":{"aws:TokenIssueTime":"true","aws:MultiFactorAuthPresent":"true"},"StringEquals":{"aws:PrincipalTag/Team":"reeds"}}"#;
    env.user(MAIN, "Alice", &statement("Allow", "s3:*", "*", condition)).await;
    let alice = Who::PrincipalArn("arn:aws:iam::111122223333:user/Alice".into());
    assert_eq!(env.decided(&service, question(alice, "s3:GetObject", "arn:aws:s3:::bank/a")).await, Decision::Allow);
    let root = Who::PrincipalArn("arn:aws:iam::111122223333:root".into());
    let allowed = env.ask(&service, question(root, "s3:GetObject", "arn:aws:s3:::bank/a")).await.unwrap();
    assert_eq!((allowed.decision(), allowed.step(), allowed.statement), (Decision::Allow, Step::Root, None));
}

#[tokio::test]
async fn context_comes_from_the_question_and_not_from_the_connection() {
    use ContextType::*;
    let env = TestEnv::new().await;
    let service = env.service().await;
    let root = || Who::PrincipalArn("arn:aws:iam::111122223333:user/Alice".into());
    let alice = env.user(MAIN, "Alice", "").await;
    let mut first = true;
    for (condition, context, expected) in [
        // Keys without a value in the question are absent, although the connection of the asking service has values.
        (r#"{"Null":{"aws:SourceIp":"true"}}"#, vec![], true),
        (r#"{"Null":{"aws:SecureTransport":"true"}}"#, vec![], true),
        (r#"{"Null":{"aws:UserAgent":"true"}}"#, vec![], true),
        (r#"{"Null":{"aws:RequestedRegion":"true"}}"#, vec![], true),
        (r#"{"Null":{"aws:ViaAWSService":"true"}}"#, vec![], true),
        (r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, vec![], false),
        (
            r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#,
            vec![entry("AWS:sourceip", Ip, &["198.51.100.4"])],
            true,
        ),
        (r#"{"StringEquals":{"s3:prefix":"home/"}}"#, vec![entry("s3:prefix", String, &["home/"])], true),
        (r#"{"StringEquals":{"s3:prefix":"home/"}}"#, vec![entry("s3:Prefix", Unspecified, &["home/"])], true),
        (r#"{"NumericLessThan":{"s3:max-keys":"10"}}"#, vec![entry("s3:max-keys", Numeric, &["9.5"])], true),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, vec![entry("aws:SecureTransport", Boolean, &["TRUE"])], true),
        (r#"{"BinaryEquals":{"x:y":"AQI="}}"#, vec![entry("x:y", Binary, &["AQI="])], true),
        (r#"{"DateGreaterThan":{"x:y":"2026-01-01"}}"#, vec![entry("x:y", Date, &["2026-03-01T12:00:00Z"])], true),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#,
            vec![entry("aws:TagKeys", StringList, &["a"])],
            true,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#,
            vec![entry("aws:TagKeys", Unspecified, &["a", "c"])],
            false,
        ),
        (r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}}"#, vec![entry("aws:TagKeys", StringList, &[])], false),
        // A key of several values needs a set operator, however many it has this time.
        (r#"{"StringEquals":{"aws:TagKeys":"a"}}"#, vec![entry("aws:TagKeys", StringList, &["a"])], false),
        (r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#, vec![], true),
        (r#"{"StringEquals":{"aws:CurrentTime":"2026-03-01T12:00:00Z"}}"#, vec![], true),
    ] {
        let mut tx = env.tx().await;
        if !first {
            tx.delete_inline_policy(&(&alice).into(), &PolicyName::parse("own").unwrap()).await.unwrap();
        }
        first = false;
        put_inline(&mut tx, &(&alice).into(), &statement("Allow", "s3:*", "*", condition)).await;
        env.commit(tx).await;
        let req = AuthorizeRequest { context, ..question(root(), "s3:ListBucket", "arn:aws:s3:::bank") };
        let expected = if expected { Decision::Allow } else { Decision::ImplicitDeny };
        assert_eq!(env.decided(&service, req.clone()).await, expected, "{condition} {:?}", req.context);
    }
}

#[tokio::test]
async fn ambiguous_questions_are_refused() {
    use ContextType::*;
    let env = TestEnv::new().await;
    let service = env.service().await;
    let req = || question(Who::Anonymous(authz::Anonymous {}), "s3:GetObject", "arn:aws:s3:::bank/a");
    let with = |context: Vec<ContextEntry>| AuthorizeRequest { context, ..req() };
    let policy = |text: &str| AuthorizeRequest { resource_policy: Some(text.into()), ..req() };
    let action = |action: &str| AuthorizeRequest { action: action.into(), ..req() };
    let on = |resource: &str, account: Option<&str>| AuthorizeRequest {
        resource: resource.into(),
        resource_account: account.map(str::to_owned),
        ..req()
    };
    let mut cases = vec![
        ("two of a key", with(vec![entry("a:b", String, &["1"]), entry("A:B", String, &["1"])]), "ValidationError"),
        ("two values of one", with(vec![entry("a:b", String, &["1", "2"])]), "ValidationError"),
        ("no value of one", with(vec![entry("a:b", Unspecified, &[])]), "ValidationError"),
        ("no number", with(vec![entry("a:b", Numeric, &["1,000"])]), "ValidationError"),
        ("no boolean", with(vec![entry("a:b", Boolean, &["yes"])]), "ValidationError"),
        ("no address", with(vec![entry("a:b", Ip, &["192.0.2.0/24"])]), "ValidationError"),
        ("no base64", with(vec![entry("a:b", Binary, &["?"])]), "ValidationError"),
        ("no date", with(vec![entry("a:b", DateList, &["2026-03-01", "today"])]), "ValidationError"),
        ("no type", with(vec![ContextEntry { r#type: 99, ..entry("a:b", String, &["1"]) }]), "ValidationError"),
        ("no key", with(vec![entry("", String, &["1"])]), "ValidationError"),
        ("a key of two lines", with(vec![entry("a:\nb", String, &["1"])]), "ValidationError"),
        ("another owner", with(vec![entry("aws:ResourceAccount", String, &[OTHER])]), "ValidationError"),
        ("no policy", policy("{"), "MalformedPolicyDocument"),
        ("an identity's policy", policy(&allow("*", "*")), "MalformedPolicyDocument"),
        ("a pattern", action("s3:Get*"), "ValidationError"),
        ("everything", action("*"), "ValidationError"),
        ("no action", action("s3:"), "ValidationError"),
        ("no service", action("GetObject"), "ValidationError"),
        ("no owner", on("arn:aws:s3:::bank/a", None), "ValidationError"),
        ("two owners", on("arn:aws:sqs:eu-west-1:444455556666:q", Some(MAIN)), "ValidationError"),
        ("no ARN", on("bank/a", Some(MAIN)), "ValidationError"),
        ("half an ARN", on("arn:aws:s3", Some(MAIN)), "ValidationError"),
        ("an ARN of two lines", on("arn:aws:s3:::a\nb", Some(MAIN)), "ValidationError"),
        ("an owner that is none", on("arn:aws:s3:::bank/a", Some("1")), "ValidationError"),
        (
            "a revision of elsewhere",
            AuthorizeRequest { min_revision: Some("bog.0.1".into()), ..req() },
            "ValidationError",
        ),
    ];
    for key in [
        "aws:PrincipalArn",
        "aws:principalaccount",
        "AWS:PrincipalType",
        "aws:PrincipalTag/x",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:userid",
        "aws:username",
        "aws:TokenIssueTime",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:SourceIdentity",
        "aws:FederatedProvider",
        "aws:CurrentTime",
        "aws:EpochTime",
    ] {
        cases.push(("a key of ours", with(vec![entry(key, String, &["x"])]), "ValidationError"));
    }
    for (name, req, expected) in cases {
        let shown = format!("{name}: {req:?}");
        assert_eq!(code(env.ask(&service, req).await), expected, "{shown}");
    }
    assert_eq!(env.decided(&service, req()).await, Decision::ImplicitDeny);
}

#[tokio::test]
async fn decisions_are_at_least_as_new_as_the_min_revision() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let mut tx = env.tx().await;
    put_inline(&mut tx, &(&alice).into(), &allow("s3:*", "*")).await;
    let revision = env.deployment.revisions.format(env.commit(tx).await);
    let who = Who::PrincipalArn("arn:aws:iam::111122223333:user/Alice".into());
    let req =
        AuthorizeRequest { min_revision: Some(revision.clone()), ..question(who, "s3:GetObject", "arn:aws:s3:::b") };
    let allowed = env.ask(&service, req).await.unwrap();
    assert_eq!((allowed.decision(), allowed.revision), (Decision::Allow, revision));
}

#[tokio::test]
async fn questions_about_assuming_roles_use_the_trust_policy() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.user(MAIN, "Alice", &allow("sts:*", "*")).await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
    env.role(MAIN, "Diver", trust, "").await;
    for (role, expected) in
        [("ponds/Diver", Decision::Allow), ("Diver", Decision::ImplicitDeny), ("absent", Decision::ImplicitDeny)]
    {
        let who = Who::PrincipalArn("arn:aws:iam::111122223333:user/Alice".into());
        let req = question(who, "sts:AssumeRole", &format!("arn:aws:iam::111122223333:role/{role}"));
        assert_eq!(env.decided(&service, req).await, expected, "{role}");
    }
}
