//! Explanations, through the handler of Explain.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    ExplainRequest, ExplainResponse, FailedElement, PolicyType, PutServiceRequest, ResourceTag, TagResourceRequest,
    Verdict,
};
use bailiwick_api::op;

use crate::tests::*;

impl TestEnv {
    async fn explain(&self, who: &Authenticated, principal: &str, action: &str) -> Result<ExplainResponse> {
        let request = question(Who::PrincipalArn(principal.into()), action, "arn:aws:s3:::bank/a");
        self.call::<op::Explain>(who, ExplainRequest { request: Some(request) }).await
    }
}

#[tokio::test]
async fn a_denial_is_explained() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let condition = r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#;
    let alice = env.user(MAIN, "Alice", &statement("Allow", "s3:GetObject", "*", condition)).await;
    env.group("staff", &allow("s3:PutObject", "*"), &[&alice]).await;
    let arn = "arn:aws:iam::111122223333:user/Alice";
    let answer = env.explain(&service, arn, "s3:GetObject").await.unwrap();
    let result = answer.result.unwrap();
    assert_eq!(result.decision(), authz::Decision::ImplicitDeny);
    let identity = answer.verdicts.iter().find(|v| v.policy_type() == PolicyType::Identity).unwrap();
    assert_eq!((identity.verdict(), identity.required, identity.policy_count), (Verdict::Silent, true, 2));
    let miss = &answer.near_misses[0];
    assert_eq!((miss.element(), &*miss.effect), (FailedElement::Condition, "Allow"));
    assert_eq!(
        (miss.condition_operator.as_deref(), miss.condition_key.as_deref()),
        (Some("StringEquals"), Some("aws:RequestedRegion"))
    );
    assert_eq!((&*miss.expected, &*miss.actual), (&["eu-west-1".to_owned()][..], &[][..]));
    let statement = miss.statement.as_ref().unwrap();
    assert_eq!((&*statement.attached_to, statement.line, statement.end_line > 0), (arn, 1, true));
    let absent = |of| answer.verdicts.iter().find(|v| v.policy_type() == of).map(|v| v.verdict());
    assert_eq!(absent(PolicyType::PermissionsBoundary), Some(Verdict::NotPresent));
    assert_eq!(absent(PolicyType::ServiceControl), Some(Verdict::NotPresent));
    assert_eq!(answer.missing_context_keys, ["aws:RequestedRegion"]);
    assert_eq!(answer.notes, ["The asking service did not send `aws:RequestedRegion`, which only it could know."]);
    assert_eq!((answer.suggestions.len(), answer.denies.len()), (1, 0));
    let suggestion = &answer.suggestions[0];
    assert_eq!((suggestion.policy_type(), &*suggestion.attach_to), (PolicyType::Identity, arn));
    assert!(suggestion.statement.contains("s3:GetObject"), "{}", suggestion.statement);
    assert!(answer.text.contains("s3:GetObject"), "{}", answer.text);
    let answer = env.explain(&service, arn, "s3:PutObject").await.unwrap();
    let statement = answer.result.unwrap().statement.unwrap();
    assert_eq!(statement.attached_to, "arn:aws:iam::111122223333:group/staff");
    assert_eq!((answer.suggestions.len(), answer.near_misses.len(), answer.notes.len()), (0, 0, 0));
    assert!(answer.text.contains("`own` of group `staff`, statement 1"), "{}", answer.text);
}

#[tokio::test]
async fn a_role_is_explained_as_a_new_session() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let trust =
        format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{MAIN}"}},"Action":"sts:AssumeRole"}}}}"#);
    let with_mfa = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    let rights = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}},
            {{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{with_mfa}}}]}}"#
    );
    env.role(MAIN, "heron", &trust, &rights).await;
    let arn = "arn:aws:iam::111122223333:role/ponds/heron";
    let decision = |answer: ExplainResponse| answer.result.unwrap().decision();
    let answer = env.explain(&service, arn, "s3:GetObject").await.unwrap();
    assert_eq!(answer.verdicts.iter().filter(|v| v.verdict() == Verdict::Allows).count(), 1);
    assert_eq!(answer.result.unwrap().statement.unwrap().attached_to, arn);
    let answer = env.explain(&service, arn, "s3:PutObject").await.unwrap();
    assert_eq!(decision(answer), authz::Decision::ImplicitDeny, "the session has no MFA");
    for (absent, code) in [
        ("arn:aws:iam::111122223333:role/heron", "InvalidInput"),
        ("arn:aws:iam::111122223333:role/ponds/egret", "InvalidInput"),
        ("arn:aws-cn:iam::111122223333:role/ponds/heron", "InvalidInput"),
        ("arn:aws:sts::111122223333:assumed-role/heron/session", "ValidationError"),
    ] {
        let error = env.explain(&service, absent, "s3:GetObject").await.err().unwrap();
        assert_eq!(error.code().wire(), code, "{absent}");
    }
    // Decisions that something depends on need a proof.
    let request = question(Who::PrincipalArn(arn.into()), "s3:GetObject", "arn:aws:s3:::bank/a");
    let error = env.call::<op::Authorize>(&service, request).await.err().unwrap();
    assert!(error.message().contains("not a proof"), "{}", error.message());
}

/// What is noted when Alice, under this condition, asks for an action.
async fn noted(
    env: &TestEnv,
    service: &Authenticated,
    name: &str,
    condition: &str,
    action: &str,
    resource: &str,
) -> Vec<String> {
    env.user(MAIN, name, &statement("Allow", "*", "*", condition)).await;
    let arn = format!("arn:aws:iam::{MAIN}:user/{name}");
    let request = question(Who::PrincipalArn(arn), action, resource);
    env.call::<op::Explain>(service, ExplainRequest { request: Some(request) }).await.unwrap().notes
}

#[tokio::test]
async fn unknown_names_and_keys_are_noted() {
    let env = TestEnv::new().await;
    let service = env.prove(&env.key(MAIN, None).await).await.unwrap();
    let user = "arn:aws:iam::111122223333:user/x";
    for (n, (condition, action, resource, expected)) in [
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, "iam:GetUser", user,
            &["Only temporary credentials have `aws:MultiFactorAuthPresent`, and the caller has none."][..]),
        (r#"{"StringEquals":{"aws:PrincipalTag/Pond":"north"}}"#, "iam:GetUser", user, &["The caller has no tag `pond`."]),
        (r#"{"StringEquals":{"aws:PrincipalTags/Pond":"north"}}"#, "iam:GetUser", user,
            &["`aws:PrincipalTags/Pond` is not a known condition key. Did you mean `aws:PrincipalTag/Pond`?"]),
        (r#"{"StringEquals":{"aws:SourceVpc":"v","aws:PrincipalTag/Team":"herons","sqs:x":"y"}}"#, "sqs:SendMessage", "*",
            &["The asking service did not send `aws:SourceVpc`, `sqs:x`, which only it could know."]),
        (r#"{"Null":{"aws:username":"true"}}"#, "iam:GetUsr", user,
            &["`iam:GetUsr` is not an action of `iam`. Did you mean `iam:GetUser`?"]),
        (r#"{"Null":{"aws:username":"true"}}"#, "sts:GetUser", user,
            &["`sts:GetUser` is not an action of `sts`. Did you mean `iam:GetUser`?"]),
        (r#"{"Null":{"aws:username":"true"}}"#, "imm:GetUser", user,
            &["No service with the prefix `imm` is registered. Did you mean `iam:GetUser`?"]),
        (r#"{"Null":{"aws:username":"true"}}"#, "sqs:SendMessage", "*", &[]),
        (r#"{"Null":{"aws:username":"true"}}"#, "iam:GetUser", "arn:aws:iam::111122223333:group/x",
            &["`iam:GetUser` acts on `arn:${Partition}:iam::${Account}:user/${UserNameWithPath}`, and the resource is nothing like it."]),
    ].into_iter().enumerate() {
        assert_eq!(noted(&env, &service, &format!("user{n}"), condition, action, resource).await, expected, "{condition} {action}");
    }
}

/// Names of registered services are checked like built-in ones.
#[tokio::test]
async fn unknown_actions_of_registered_services_are_noted() {
    let env = TestEnv::new().await;
    let service = env.prove(&env.key(MAIN, None).await).await.unwrap();
    let never = r#"{"Null":{"aws:username":"true"}}"#;
    let album = "arn:aws:photos:eu-central-1:111122223333:album/1";
    assert!(noted(&env, &service, "before", never, "photos:GetAlbun", album).await.is_empty());
    let definition = r#"{"catalogue":1,"services":{"photos":{"actions":{"GetAlbum":{"access":"Read"}}}}}"#;
    let req = PutServiceRequest {
        service_prefix: Some("photos".into()),
        definition: Some(definition.into()),
        principal_arns: Vec::new(),
    };
    env.change::<op::PutService>(&service, req).await.unwrap();
    for (n, (action, expected)) in [
        ("photos:GetAlbun", "`photos:GetAlbun` is not an action of `photos`. Did you mean `photos:GetAlbum`?"),
        ("photo:GetAlbum", "No service with the prefix `photo` is registered. Did you mean `photos:GetAlbum`?"),
        ("zoo:GetLion", "No service with the prefix `zoo` is registered."),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(noted(&env, &service, &format!("user{n}"), never, action, album).await, [expected]);
    }
}

#[tokio::test]
async fn trust_is_explained_with_arns_and_absent_roles_are_noted() {
    let env = TestEnv::new().await;
    let service = env.prove(&env.key(MAIN, None).await).await.unwrap();
    let eva = env.user(MAIN, "Eva", "").await;
    env.user(MAIN, "Ida", &allow("sts:AssumeRole", "*")).await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{}","AIDAAAAAAAAAAAAAAAAAA"]}},"Action":"sts:AssumeRole"}}]}}"#,
        eva.id
    );
    env.role(MAIN, "heron", &trust, "").await;
    let ask = |role: &str| {
        let resource = format!("arn:aws:iam::{MAIN}:role/ponds/{role}");
        let caller = Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/Ida"));
        env.call::<op::Explain>(
            &service,
            ExplainRequest { request: Some(question(caller, "sts:AssumeRole", &resource)) },
        )
    };
    let answer = ask("heron").await.unwrap();
    let miss = &answer.near_misses[0];
    assert_eq!(miss.element(), FailedElement::Principal);
    assert_eq!(miss.expected, ["arn:aws:iam::111122223333:user/Eva", "AIDAAAAAAAAAAAAAAAAAA"]);
    assert_eq!(miss.statement.as_ref().unwrap().attached_to, "arn:aws:iam::111122223333:role/ponds/heron");
    assert!(
        answer.notes[0].starts_with("`AIDAAAAAAAAAAAAAAAAAA` was a user or role that no longer exists"),
        "{:?}",
        answer.notes
    );
    assert_eq!(answer.suggestions[0].attach_to, "arn:aws:iam::111122223333:role/ponds/heron");
    assert!(!answer.text.contains(eva.id.as_str()), "{}", answer.text);
    let answer = ask("egret").await.unwrap();
    assert_eq!(answer.notes, ["There is no role `arn:aws:iam::111122223333:role/ponds/egret`."]);
    assert_eq!((answer.near_misses.len(), answer.suggestions.len()), (0, 0));
    assert!(!answer.text.contains("nobody.invalid"), "{}", answer.text);
}

/// A policy in the question made Explain show the stored tags of another account.
#[tokio::test]
async fn stored_tags_of_another_account_are_not_shown() {
    let env = TestEnv::new().await;
    let owner = env.prove(&env.key(MAIN, None).await).await.unwrap();
    let album = "arn:aws:photos:eu-central-1:111122223333:album/1";
    let tag = ResourceTag { key: Some("Pond".into()), value: Some("northern".into()) };
    let tag = TagResourceRequest { resource_arn: Some(album.into()), tags: vec![tag] };
    env.change::<op::TagResource>(&owner, tag).await.unwrap();
    env.user(OTHER, "Bob", &statement("Allow", "photos:*", "*", r#"{"StringEquals":{"AWS:resourceTag/pond":"x"}}"#))
        .await;
    let asker = env.user(OTHER, "Asker", &allow("bailiwick:*", "*")).await;
    let asker = env.prove(&env.key(OTHER, Some(&asker)).await).await.unwrap();
    let given = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":"photos:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Pond":"x"}}},
        {"Effect":"Allow","Principal":"*","Action":"photos:*","Resource":"arn:aws:photos:::${aws:ResourceTag/Pond}"},
        {"Effect":"Allow","Principal":"*","Action":"photos:*","Resource":"*","Condition":{"StringEquals":{"aws:UserAgent":"${AWS:resourcetag/pond}"}}},
        {"Effect":"Allow","Principal":"*","Action":"photos:*","Resource":"*","Condition":{"StringEquals":{"aws:UserAgent":"curl"}}}]}"#;
    let ask = |who, of: &str, name: &str| {
        let mut request =
            question(Who::PrincipalArn(format!("arn:aws:iam::{of}:user/{name}")), "photos:GetAlbum", album);
        request.resource_policy = Some(given.into());
        env.call::<op::Explain>(who, ExplainRequest { request: Some(request) })
    };
    env.user(MAIN, "Ida", "").await;
    let answered = format!("{:?}", ask(&owner, MAIN, "Ida").await.unwrap());
    assert!(answered.contains("northern"), "{answered}");
    let answered = ask(&asker, OTHER, "Bob").await.unwrap();
    assert_eq!(answered.near_misses.len(), 1);
    assert_eq!(answered.near_misses[0].condition_key.as_deref(), Some("aws:UserAgent"));
    let answered = format!("{answered:?}");
    assert!(!answered.contains("northern"), "{answered}");
}

#[tokio::test]
async fn policies_of_other_accounts_are_shown_to_the_management_account_only() {
    let env = TestEnv::new().await;
    let document = allow("bailiwick:*", "*");
    let bob = env.user(OTHER, "Bob", "").await;
    let key = env.key(OTHER, Some(&bob)).await;
    let alice = env.user(MAIN, "Alice", "").await;
    let alice_key = env.key(MAIN, Some(&alice)).await;
    let of = |key: &Key| TestRequest::new("sqs", "GET", "/", "", b"").sign(&env, key, "eu-west-1").to_proto();
    for (asker_in, asked, expected) in
        [(MAIN, &key, true), (OTHER, &key, true), (MAIN, &alice_key, true), (OTHER, &alice_key, false)]
    {
        let asker = env.user(asker_in, &format!("asker{}", asked.id.as_str().to_lowercase()), &document).await;
        let asker = env.prove(&env.key(asker_in, Some(&asker)).await).await.unwrap();
        let request = question(Who::SignedRequest(of(asked)), "sqs:SendMessage", "*");
        let answer = env.call::<op::Explain>(&asker, ExplainRequest { request: Some(request.clone()) }).await;
        match answer {
            Ok(_) => assert!(expected, "{asker_in}"),
            Err(error) => assert_eq!((error.code().wire(), expected), ("AccessDenied", false)),
        }
        // Every service that received a request may know the decision.
        assert!(env.ask(&asker, request).await.is_ok());
    }
}
