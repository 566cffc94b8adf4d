use crate::tests::*;

impl TestEnv {
    fn decide(&self, who: &Authenticated, check: Check) -> Result<()> {
        self.authz.decide(&self.snapshots.current().unwrap(), who, &self.cx(who), &check)
    }
}

#[tokio::test]
async fn own_operations_are_decided_by_policies() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", &allow("iam:Get*", "arn:aws:iam::111122223333:user/team/*")).await;
    env.group("staff", &allow("iam:List*", "*"), &[&alice]).await;
    let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
    let bob = arn("arn:aws:iam::111122223333:user/team/Bob");
    assert!(env.decide(&who, Check::new("iam:GetUser", &bob)).is_ok());
    assert!(env.decide(&who, Check::without_resource("iam:ListUsers", account(MAIN))).is_ok());
    assert!(env.decide(&who, Check::without_resource("sts:GetCallerIdentity", account(MAIN))).is_ok());
    let denied = env.decide(&who, Check::new("iam:DeleteUser", &bob)).unwrap_err();
    assert_eq!(
        (denied.code().wire(), denied.message()),
        (
            "AccessDenied",
            "User: arn:aws:iam::111122223333:user/Alice is not authorized to perform: iam:DeleteUser on resource: \
             arn:aws:iam::111122223333:user/team/Bob because no identity-based policy allows the iam:DeleteUser action"
        )
    );
    // Root of the account may, root of another one may not.
    let root = env.prove(&env.key(MAIN, None).await).await.unwrap();
    assert!(env.decide(&root, Check::new("iam:DeleteUser", &bob)).is_ok());
    let foreign = env.prove(&env.key(OTHER, None).await).await.unwrap();
    assert_eq!(code(env.decide(&foreign, Check::new("iam:DeleteUser", &bob))), "AccessDenied");
}

/// Conditions on keys that the system fills in: what holds for a user, and for a session of a role.
#[tokio::test]
async fn system_keys_are_filled_in() {
    for (key, operator, value, for_user, for_session) in [
        ("aws:PrincipalArn", "ArnEquals", "arn:aws:iam::111122223333:user/Alice", true, false),
        ("aws:PrincipalArn", "ArnEquals", "arn:aws:iam::111122223333:role/ponds/Diver", false, true),
        ("aws:PrincipalAccount", "StringEquals", "111122223333", true, true),
        ("aws:PrincipalType", "StringEquals", "User", true, false),
        ("aws:PrincipalType", "StringEquals", "AssumedRole", false, true),
        ("aws:PrincipalTag/team", "StringEquals", "reeds", true, false),
        // The session's tag stands before the role's, and takes no other with it.
        ("aws:PrincipalTag/TEAM", "StringEquals", "session", false, true),
        ("aws:PrincipalTag/cost", "StringEquals", "7", false, true),
        ("aws:PrincipalTag/nosuch", "Null", "true", true, true),
        ("aws:PrincipalIsAWSService", "Bool", "false", true, true),
        ("aws:username", "StringEquals", "Alice", true, false),
        ("aws:username", "Null", "true", false, true),
        ("aws:userid", "StringLike", "AIDA*", true, false),
        ("aws:userid", "StringLike", "AROA*:dive", false, true),
        ("aws:TokenIssueTime", "Null", "true", true, false),
        ("aws:TokenIssueTime", "DateEquals", "2026-03-01T12:00:00Z", false, true),
        ("aws:MultiFactorAuthPresent", "Null", "true", true, false),
        ("aws:MultiFactorAuthPresent", "Bool", "false", false, true),
        ("aws:MultiFactorAuthAge", "Null", "true", true, true),
        ("aws:SourceIdentity", "StringEquals", "ada", false, true),
        ("aws:SourceIdentity", "Null", "true", true, false),
        ("aws:CurrentTime", "DateEquals", "2026-03-01T12:00:10Z", true, true),
        ("aws:EpochTime", "NumericEquals", "1772366410", true, true),
        ("aws:SourceIp", "IpAddress", "192.0.2.0/24", true, true),
        ("aws:SecureTransport", "Bool", "true", true, true),
        ("aws:UserAgent", "StringLike", "heron/*", true, true),
        ("aws:RequestedRegion", "StringEquals", "eu-west-1", true, true),
        ("aws:ViaAWSService", "Bool", "false", true, true),
        ("aws:ResourceAccount", "StringEquals", "111122223333", true, true),
        ("iam:PolicyARN", "ArnEquals", "arn:aws:iam::aws:policy/X", true, true),
        ("aws:RequestTag/a", "StringEquals", "1", true, true),
        ("aws:TagKeys", "ForAllValues:StringEquals", "a", true, true),
        ("aws:ResourceTag/team", "StringEquals", "pike", true, true),
        ("iam:ResourceTag/team", "StringEquals", "pike", true, true),
    ] {
        let env = TestEnv::new().await;
        let condition = format!(r#"{{"{operator}":{{"{key}":"{value}"}}}}"#);
        let document = statement("Allow", "iam:*", "*", &condition);
        let alice = env.user(MAIN, "Alice", &document).await;
        let role = env.role(MAIN, "Diver", "{}", &document).await;
        let session = env.session(&role, "dive", |session| {
            session.tags = Tags::parse([("team", "session")]).unwrap();
            session.source_identity = Some("ada".into());
        });
        let user = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
        let session = env.prove(&session).await.unwrap();
        env.pass(10);
        for (who, expected) in [(&user, for_user), (&session, for_session)] {
            let check = Check::new("iam:AttachUserPolicy", &arn("arn:aws:iam::111122223333:user/Pike"))
                .policy_arn("arn:aws:iam::aws:policy/X")
                .request_tags(&Tags::parse([("a", "1")]).unwrap())
                .resource_tags(&Tags::parse([("Team", "pike")]).unwrap());
            let kind = who.caller.principal.type_name();
            assert_eq!(env.decide(who, check).is_ok(), expected, "{operator} {key} {value} for {kind}");
        }
    }
}

#[tokio::test]
async fn the_mfa_keys_are_those_of_the_session() {
    let env = TestEnv::new().await;
    let condition =
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}"#;
    let alice = env.user(MAIN, "Alice", &statement("Allow", "iam:*", "*", condition)).await;
    let principal =
        Principal::User { account: alice.account, id: alice.id, name: alice.name.clone(), path: alice.path.clone() };
    let mut key = env.temporary(principal, |_| {});
    let mut caller =
        Tokens::of(&env.deployment).open_session(&key.id, key.token.as_ref().unwrap(), noon()).unwrap().caller;
    caller.mfa = Some(noon());
    let (token, secret) = Tokens::of(&env.deployment).issue_session(&caller).unwrap();
    (key.token, key.secret) = (Some(token), secret.expose().to_owned());
    let who = env.prove(&key).await.unwrap();
    let check = || Check::without_resource("iam:ListUsers", account(MAIN));
    env.pass(59);
    assert!(env.decide(&who, check()).is_ok());
    env.pass(1);
    assert_eq!(code(env.decide(&who, check())), "AccessDenied");
}

#[tokio::test]
async fn session_policies_and_boundaries_only_narrow() {
    let env = TestEnv::new().await;
    let role = env.role(MAIN, "Diver", "{}", &allow("iam:*", "*")).await;
    let managed = env.managed("readers", &allow("iam:Get*", "*")).await;
    let get = || Check::new("iam:GetUser", &arn("arn:aws:iam::111122223333:user/Pike"));
    let list = || Check::without_resource("iam:ListUsers", account(MAIN));
    let sts = || Check::without_resource("sts:GetAccessKeyInfo", account(MAIN));
    for (name, policies, arns, expected) in [
        ("none", vec![], vec![], [true, true, false]),
        ("inline", vec![allow("iam:List*", "*")], vec![], [false, true, false]),
        ("managed", vec![], vec![&managed], [true, false, false]),
        ("both", vec![allow("iam:List*", "*")], vec![&managed], [true, true, false]),
        ("more than the role has", vec![allow("*", "*")], vec![], [true, true, false]),
        ("one that is broken", vec!["{".into()], vec![], [false, false, false]),
        ("one that is broken beside another", vec![allow("*", "*"), "{".into()], vec![], [false, false, false]),
    ] {
        let key = env.session(&role, "dive", |session| {
            session.policies = policies;
            session.managed_policies = arns.into_iter().map(|arn| env.bound(arn)).collect();
        });
        let who = env.prove(&key).await.unwrap();
        for (check, expected) in [get(), list(), sts()].into_iter().zip(expected) {
            let action = check.action;
            assert_eq!(env.decide(&who, check).is_ok(), expected, "{name}: {action}");
        }
    }
    let who = env.prove(&env.session(&role, "dive", |_| {})).await.unwrap();
    let mut tx = env.tx().await;
    let old = tx.get::<Role>(account(MAIN), &role.name).await.unwrap();
    let boundary = env.snapshots.current().unwrap().managed_policy(&managed).unwrap().reference();
    tx.update(&old, &Role { boundary: Some(boundary), ..old.clone() }).await.unwrap();
    env.commit(tx).await;
    assert!(env.decide(&who, get()).is_ok());
    assert_eq!(code(env.decide(&who, list())), "AccessDenied");
}

#[tokio::test]
async fn a_managed_session_policy_is_found_by_its_id() {
    let env = TestEnv::new().await;
    let role = env.role(MAIN, "Diver", "{}", &allow("iam:*", "*")).await;
    let all = env.managed("all", &allow("*", "*")).await;
    let narrow = env.managed("narrow", &statement("Deny", "iam:Delete*", "*", "{}")).await;
    let key = env.session(&role, "dive", |session| {
        session.managed_policies = vec![env.bound(&all), env.bound(&narrow)];
    });
    let check = async |expected: [&str; 2]| {
        let who = env.prove(&key).await.unwrap();
        for (action, expected) in ["iam:GetUser", "iam:DeleteUser"].into_iter().zip(expected) {
            let decided = env.decide(&who, Check::new(action, &arn("arn:aws:iam::111122223333:user/Pike")));
            assert_eq!(decided.err().map_or("OK", |error| error.code().wire()), expected, "{action}");
        }
    };
    check(["OK", "AccessDenied"]).await;
    // What a deleted one denied is not known any more.
    let mut tx = env.tx().await;
    let stored = tx.get::<Policy>(account(MAIN), &PolicyName::parse("narrow").unwrap()).await.unwrap();
    tx.delete_policy(&stored).await.unwrap();
    env.commit(tx).await;
    check(["AccessDenied", "AccessDenied"]).await;
    // Nor is one of the same name another one's successor.
    let recreated = env.managed("narrow", &allow("*", "*")).await;
    assert_eq!(recreated, narrow);
    check(["AccessDenied", "AccessDenied"]).await;
}

#[tokio::test]
async fn trust_policies_must_allow_and_absent_roles_look_like_roles_without_trust() {
    let env = TestEnv::new().await;
    let all = allow("sts:AssumeRole", "*");
    let (alice, bob) = (env.user(MAIN, "Alice", &all).await, env.user(OTHER, "Bob", &all).await);
    let poor = env.user(OTHER, "Poor", "").await;
    let trust = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    let main = env.role(MAIN, "ByAccount", &trust("arn:aws:iam::444455556666:root"), "").await;
    let bound = env.role(MAIN, "ById", &trust(alice.id.as_str()), "").await;
    let absent = arn("arn:aws:iam::111122223333:role/absent");
    let role_arn = |role: &Role| arn(&format!("arn:aws:iam::111122223333:role/ponds/{}", role.name));
    let mut whos = Vec::new();
    for user in [&alice, &bob, &poor] {
        let of = if user.account == account(MAIN) { MAIN } else { OTHER };
        whos.push(env.prove(&env.key(of, Some(user)).await).await.unwrap());
    }
    let root = env.prove(&env.key(OTHER, None).await).await.unwrap();
    whos.push(root);
    for (role, expected) in
        [(Some(&main), [false, true, false, false]), (Some(&bound), [true, false, false, false]), (None, [false; 4])]
    {
        for (who, expected) in whos.iter().zip(expected) {
            let on = role.map_or_else(|| absent.clone(), role_arn);
            let check = Check::new("sts:AssumeRole", &on).trust(role.map(|role| role.id));
            let result = env.decide(who, check);
            assert_eq!(result.is_ok(), expected, "{:?} {on}", who.caller.principal);
        }
    }
    // The refusal does not reveal whether the role exists.
    let message = |role: Option<&Role>| {
        let check = Check::new("sts:AssumeRole", &absent).trust(role.map(|role| role.id));
        env.decide(&whos[0], check).unwrap_err().message().to_owned()
    };
    assert_eq!(message(None), message(Some(&main)));
}

#[tokio::test]
async fn a_caller_deleted_before_the_decision_is_refused() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let key = env.key(MAIN, Some(&alice)).await;
    let who = env.prove(&key).await.unwrap();
    let mut tx = env.tx().await;
    tx.delete_access_key(account(MAIN), &key.id).await.unwrap();
    tx.delete(&alice).await.unwrap();
    env.commit(tx).await;
    let check = Check::without_resource("sts:GetCallerIdentity", account(MAIN));
    assert_eq!(code(env.decide(&who, check)), "InvalidClientTokenId");
}

#[tokio::test]
async fn a_renamed_caller_is_decided_by_the_new_name() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", &allow("iam:GetUser", "arn:aws:iam::111122223333:user/${aws:username}")).await;
    let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
    let mut tx = env.tx().await;
    let renamed = User { name: UserName::parse("Alicia").unwrap(), ..alice.clone() };
    tx.update(&alice, &renamed).await.unwrap();
    env.commit(tx).await;
    let check = |name| Check::new("iam:GetUser", &arn(&format!("arn:aws:iam::111122223333:user/{name}")));
    assert!(env.decide(&who, check("Alicia")).is_ok());
    let error = env.decide(&who, check("Alice")).unwrap_err();
    assert!(error.message().starts_with("User: arn:aws:iam::111122223333:user/Alicia "), "{error}");
}
