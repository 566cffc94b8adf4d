//! Who may perform an action.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{ContextEntry, ContextType, Decision, Step};
use bailiwick_api::op;
use bailiwick_operation::SessionKind;

use super::{ALBUM, lines, name, who};
use crate::tests::*;

/// Who may get the album of the photographers, and who nearly may.
const EXPECTED: [&str; 9] = [
    "+root: -",
    "+user/ann: identity own of user/ann S1",
    "+user/Ben: identity own of group/readers S1",
    "+user/dan: identity own of user/dan S1",
    "+user/fay: identity own of user/fay S1 if aws:MultiFactorAuthPresent",
    "+user/ivy: resource arn:aws:photos:eu-central-1:111122223333:album/1 of album/1 Shared",
    "+role/ponds/Diver: identity own of role/ponds/Diver S1",
    "~user/cat: identity own of user/cat S1 if aws:RequestedRegion",
    "~role/ponds/heron: identity own of role/ponds/heron S1 if aws:PrincipalTag/pond",
];

fn region(name: &str) -> Vec<ContextEntry> {
    vec![entry("aws:RequestedRegion", ContextType::String, &[name])]
}

#[tokio::test]
async fn who_can_lists_those_who_are_allowed() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    let answer = env.who_can(&root, who("photos:GetAlbum", ALBUM)).await.unwrap();
    assert_eq!(lines(&answer), EXPECTED);
    assert_eq!((answer.examined, answer.is_truncated, answer.marker), (14, false, None));
    let step = |at: usize| answer.allowed[at].grant.as_ref().unwrap().step();
    assert_eq!((step(0), step(1), step(5)), (Step::Root, Step::IdentityPolicy, Step::ResourcePolicy));
    let in_region = env
        .who_can(&root, authz::WhoCanRequest { context: region("eu-west-1"), ..who("photos:GetAlbum", ALBUM) })
        .await
        .unwrap();
    let cat = lines(&in_region).into_iter().find(|line| line.contains("cat")).unwrap();
    assert_eq!(cat, "+user/cat: identity own of user/cat S1 if aws:RequestedRegion");
}

#[tokio::test]
async fn pages_of_any_size_have_the_same_principals() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    for max_items in [1, 2, 3, 7] {
        let (mut marker, mut all, mut examined) = (None, Vec::new(), 0);
        loop {
            let req = authz::WhoCanRequest { max_items: Some(max_items), marker, ..who("photos:GetAlbum", ALBUM) };
            let answer = env.who_can(&root, req).await.unwrap();
            let lines = lines(&answer);
            assert!(lines.len() <= max_items as usize, "{lines:?}");
            assert_eq!(answer.is_truncated, answer.marker.is_some());
            all.extend(lines);
            examined += answer.examined;
            marker = answer.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(examined, 14, "{max_items}");
        all.sort();
        let mut expected = EXPECTED.to_vec();
        expected.sort_unstable();
        assert_eq!(all, expected, "{max_items}");
    }
    // A marker is of the same question only.
    let first = authz::WhoCanRequest { max_items: Some(1), ..who("photos:GetAlbum", ALBUM) };
    let marker = env.who_can(&root, first).await.unwrap().marker;
    let other = authz::WhoCanRequest { marker, ..who("photos:PutAlbum", ALBUM) };
    assert_eq!(code(env.who_can(&root, other).await), "ValidationError");
}

/// Users are listed exactly if Authorize allows them; those without conditions, in every context.
#[tokio::test]
async fn the_list_agrees_with_authorize() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    let users = ["ann", "Ben", "cat", "dan", "eve", "fay", "gus", "hal", "ivy", "joe"];
    let contexts = [Vec::new(), region("eu-west-1"), region("eu-central-1")];
    let mut allowed = 0;
    for (action, resource) in [
        ("photos:GetAlbum", ALBUM),
        ("photos:PutAlbum", ALBUM),
        ("photos:GetAlbum", "arn:aws:photos:eu-central-1:111122223333:album/2"),
        ("photos:GetAlbum", "*"),
        ("sts:GetCallerIdentity", "*"),
    ] {
        let plain = env.who_can(&root, who(action, resource)).await.unwrap();
        for context in &contexts {
            let req = authz::WhoCanRequest { context: context.clone(), ..who(action, resource) };
            let listed = env.who_can(&root, req).await.unwrap();
            for user in users {
                let arn = format!("arn:aws:iam::{MAIN}:user/{user}");
                let mut asked = question(Who::PrincipalArn(arn.clone()), action, resource);
                asked.context.clone_from(context);
                let decision = env.decided(&root, asked).await;
                let is_listed = listed.allowed.iter().any(|one| one.principal_arn == arn);
                assert_eq!(is_listed, decision == Decision::Allow, "{user} {action} {resource} {context:?}");
                let of_user = plain.allowed.iter().find(|one| one.principal_arn == arn);
                let always = of_user.is_some_and(|one| !one.grant.as_ref().unwrap().conditional);
                assert!(!always || decision == Decision::Allow, "{user} {action} {resource} {context:?}");
                allowed += usize::from(is_listed);
            }
        }
    }
    assert!(allowed > 60, "{allowed}");
}

/// A role is listed exactly if a new session of it is allowed.
#[tokio::test]
async fn roles_are_decided_as_sessions() {
    let env = TestEnv::new().await;
    let root = env.root(MAIN).await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
    let mut roles = Vec::new();
    for (at, (condition, expected)) in [
        ("{}", Some("")),
        (r#"{"Null":{"aws:TokenIssueTime":"true"}}"#, None),
        (r#"{"Null":{"aws:TokenIssueTime":"false"}}"#, Some("aws:TokenIssueTime")),
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, Some("aws:MultiFactorAuthPresent")),
        (r#"{"StringLike":{"aws:userid":"*:session"}}"#, Some("aws:userid")),
        (r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}"#, Some("")),
        (r#"{"StringEquals":{"aws:PrincipalTag/Team":"roles"}}"#, Some("aws:PrincipalTag/Team")),
    ]
    .into_iter()
    .enumerate()
    {
        let role = env.role(MAIN, &format!("role{at}"), trust, &statement("Allow", "photos:*", "*", condition)).await;
        roles.push((role, expected));
    }
    let listed = env.who_can(&root, who("photos:GetAlbum", ALBUM)).await.unwrap();
    for (role, expected) in &roles {
        let found = listed.allowed.iter().find(|one| one.principal_arn.ends_with(&format!("/{}", role.name)));
        let keys = found.map(|one| one.grant.as_ref().unwrap().context_keys.join(" "));
        assert_eq!(keys.as_deref(), *expected, "{}", role.name);
        let key = env.session(role, "session", |session| assert_eq!(session.kind, SessionKind::AssumeRole));
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let decision = env.decided(&root, question(Who::SignedRequest(signed), "photos:GetAlbum", ALBUM)).await;
        assert_eq!(found.is_some(), decision == Decision::Allow, "{}", role.name);
    }
}

#[tokio::test]
async fn trust_policies_and_any_resource_take_part() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Gus","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{MAIN}:user/gus"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    env.role(MAIN, "safe", &trust, "").await;
    let safe = format!("arn:aws:iam::{MAIN}:role/ponds/safe");
    let answer = env.who_can(&root, who("sts:AssumeRole", &safe)).await.unwrap();
    assert_eq!(lines(&answer), ["+user/gus: trust arn:aws:iam::111122223333:role/ponds/safe of role/ponds/safe Gus"]);
    let anywhere = env.who_can(&root, who("photos:GetAlbum", "*")).await.unwrap();
    let near: Vec<_> = anywhere.partly_allowed.iter().map(|one| name(&one.principal_arn)).collect();
    assert_eq!(near, ["user/Ben", "user/cat", "user/hal", "role/ponds/heron"]);
    let hal = lines(&anywhere).into_iter().find(|line| line.contains("hal")).unwrap();
    assert_eq!(hal, "~user/hal: identity own of user/hal S1 on arn:aws:photos:*:*:album/2");
    // An action without resources cannot be used on some.
    env.user(MAIN, "kim", &allow("iam:ListUsers", "arn:aws:iam::*:user/kim")).await;
    let listing = env.who_can(&root, who("iam:ListUsers", "*")).await.unwrap();
    assert!(!format!("{listing:?}").contains("kim"), "{listing:?}");
}

/// A decision that takes too many steps is not an allow, and the other principals are listed all the same.
#[tokio::test]
async fn undecided_principals_are_named() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    let slow = env.user(MAIN, "slow", &allow("photos:*", "*")).await;
    let texts: Vec<String> = (0..100).map(|at| format!(r#""ü{at}""#)).collect();
    let condition = format!(r#"{{"ForAnyValue:StringEqualsIgnoreCase":{{"a:words":[{}]}}}}"#, texts.join(","));
    env.group("greedy", &statement("Deny", "*", "*", &condition), &[&slow]).await;
    let words = entry("a:words", ContextType::StringList, &vec!["é".repeat(500).as_str(); 20]);
    let (mut marker, mut all, mut pages) = (None, Vec::new(), 0);
    loop {
        let req = authz::WhoCanRequest { context: vec![words.clone()], marker, ..who("photos:GetAlbum", ALBUM) };
        let answer = env.who_can(&root, req).await.unwrap();
        all.extend(lines(&answer));
        pages += 1;
        marker = answer.marker;
        if marker.is_none() {
            break;
        }
    }
    assert!(all.contains(&"?user/slow".to_owned()), "{all:?}");
    assert_eq!(all.len(), EXPECTED.len() + 1, "{pages} {all:?}");
}

#[tokio::test]
async fn who_can_is_for_permitted_callers_of_the_account() {
    let env = TestEnv::new().await;
    let root = env.photographers().await;
    let by = async |of: &str, user: &str, document: &str| {
        let user = env.user(of, user, document).await;
        env.prove(&env.key(of, Some(&user)).await).await.unwrap()
    };
    let get = || who("photos:GetAlbum", ALBUM);
    let none = by(MAIN, "none", &allow("bailiwick:Explain", "*")).await;
    assert_eq!(code(env.who_can(&none, get()).await), "AccessDenied");
    let photos = by(MAIN, "photos", &allow("bailiwick:WhoCan", "arn:aws:bailiwick::111122223333:service/photos")).await;
    assert!(env.who_can(&photos, get()).await.is_ok());
    assert_eq!(code(env.who_can(&photos, who("iam:GetUser", "*")).await), "AccessDenied");
    // Another account lists its own principals, and nothing of the album.
    let other = by(OTHER, "other", &allow("*", "*")).await;
    assert_eq!(code(env.who_can(&other, get()).await), "AccessDenied");
    let own = env.who_can(&other, who("photos:GetAlbum", "*")).await.unwrap();
    assert_eq!(lines(&own), ["+root: -", "+user/other: identity own of user/other S1"]);
    let role = format!("arn:aws:iam::{MAIN}:role/ponds/idle");
    assert_eq!(code(env.who_can(&other, who("sts:AssumeRole", &role)).await), "AccessDenied");
    // The management account may ask about resources of other accounts.
    let theirs = env.who_can(&root, who("photos:GetAlbum", &ALBUM.replace(MAIN, OTHER))).await.unwrap();
    assert_eq!(lines(&theirs), Vec::<String>::new());
    for (action, resource, expected) in [
        ("photos", ALBUM, "ValidationError"),
        ("photos:*", ALBUM, "ValidationError"),
        ("photos:GetAlbum", "album", "ValidationError"),
        ("s3:GetObject", "arn:aws:s3:::bank/a", "ValidationError"),
    ] {
        assert_eq!(code(env.who_can(&root, who(action, resource)).await), expected, "{action} {resource}");
    }
    let fixed = entry("aws:PrincipalArn", ContextType::String, &["x"]);
    let req = authz::WhoCanRequest { context: vec![fixed], ..get() };
    assert_eq!(code(env.who_can(&root, req).await), "ValidationError");
    let policy = authz::WhoCanRequest { resource_policy: Some("{".into()), ..get() };
    assert_eq!(code(env.call::<op::WhoCan>(&root, policy).await), "MalformedPolicyDocument");
}
