//! What a principal may do.

use bailiwick_api::authz::PutServiceRequest;
use bailiwick_api::op;

use super::{ALBUM, actions, what};
use crate::tests::*;

const PHOTOS: &str = r#"{"catalogue":1,"services":{"photos":{
    "resources":{"album":{"arns":["arn:${Partition}:photos:${Region}:${Account}:album/${Album}"]},
        "frame":{"arns":["arn:${Partition}:photos:${Region}:${Account}:frame/${Frame}"]}},
    "actions":{"GetAlbum":{"access":"Read","resources":["album"]},"HangFrame":{"access":"Write","resources":["frame"]},
        "ListAlbums":{"access":"List"},"PutAlbum":{"resources":["album"]}}}}}"#;

impl TestEnv {
    /// The photographers, and their service in the catalogue.
    async fn gallery(&self) -> Authenticated {
        let root = self.photographers().await;
        let definition = PutServiceRequest {
            service_prefix: Some("photos".into()),
            definition: Some(PHOTOS.into()),
            principal_arns: Vec::new(),
        };
        self.change::<op::PutService>(&root, definition).await.unwrap();
        root
    }
}

#[tokio::test]
async fn what_can_lists_the_actions_of_a_service() {
    let env = TestEnv::new().await;
    let root = env.gallery().await;
    for (principal, resource, expected) in [
        ("user/gus", None, &[][..]),
        ("user/gus", Some(ALBUM), &[]),
        (
            "user/ivy",
            Some(ALBUM),
            &["+photos:GetAlbum: resource arn:aws:photos:eu-central-1:111122223333:album/1 of album/1 Shared"],
        ),
        ("user/hal", None, &["~photos:GetAlbum: identity own of user/hal S1 on arn:aws:photos:*:*:album/2"]),
        ("user/hal", Some(ALBUM), &[]),
        ("user/Ben", Some(ALBUM), &["+photos:GetAlbum: identity own of group/readers S1"]),
        (
            "user/Ben",
            None,
            &["~photos:GetAlbum: identity own of group/readers S1 on arn:aws:photos:eu-central-1:111122223333:album/1"],
        ),
        ("user/cat", None, &["~photos:GetAlbum: identity own of user/cat S1 if aws:RequestedRegion"]),
        ("user/eve", None, &[]),
        ("user/joe", None, &[]),
        (
            "user/fay",
            Some(ALBUM),
            &[
                "+photos:GetAlbum: identity own of user/fay S1 if aws:MultiFactorAuthPresent",
                "+photos:PutAlbum: identity own of user/fay S1 if aws:MultiFactorAuthPresent",
            ],
        ),
        (
            "user/ann",
            None,
            &[
                "+photos:GetAlbum: identity own of user/ann S1",
                "+photos:HangFrame: identity own of user/ann S1",
                "+photos:ListAlbums: identity own of user/ann S1",
                "+photos:PutAlbum: identity own of user/ann S1",
            ],
        ),
        (
            "role/ponds/Diver",
            Some(ALBUM),
            &[
                "+photos:GetAlbum: identity own of role/ponds/Diver S1",
                "+photos:PutAlbum: identity own of role/ponds/Diver S1",
            ],
        ),
        ("root", Some(ALBUM), &["+photos:GetAlbum: -", "+photos:PutAlbum: -"]),
    ] {
        let mut req = what(principal);
        req.service_prefix = Some("Photos".into());
        req.resource = resource.map(str::to_owned);
        let answer = env.what_can(&root, req).await.unwrap();
        assert_eq!(actions(&answer), expected, "{principal} {resource:?}");
        assert_eq!(answer.examined, if resource.is_some() { 2 } else { 4 });
    }
    let mut ann = what("user/ann");
    ann.service_prefix = Some("photos".into());
    let answer = env.what_can(&root, ann).await.unwrap();
    let levels: Vec<_> = answer.services[0].allowed.iter().map(|one| one.access_level.as_deref()).collect();
    assert_eq!(levels, [Some("Read"), Some("Write"), Some("List"), None]);
}

#[tokio::test]
async fn pages_continue_through_the_services() {
    let env = TestEnv::new().await;
    let root = env.gallery().await;
    let whole = {
        let mut req = what("root");
        req.max_items = Some(1_000);
        env.what_can(&root, req).await.unwrap()
    };
    assert_eq!((whole.is_truncated, whole.marker.as_deref()), (false, None));
    assert!(whole.services.is_sorted_by(|a, b| a.service_prefix < b.service_prefix));
    assert!(whole.examined > 200 && actions(&whole).len() > 200, "{}", whole.examined);
    for max_items in [7, 100] {
        let (mut marker, mut all, mut examined) = (None, Vec::new(), 0);
        loop {
            let mut req = what("root");
            (req.max_items, req.marker) = (Some(max_items), marker);
            let answer = env.what_can(&root, req).await.unwrap();
            let page = actions(&answer);
            assert!(page.len() <= max_items as usize && !page.is_empty(), "{page:?}");
            all.extend(page);
            examined += answer.examined;
            marker = answer.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!((all, examined), (actions(&whole), whole.examined), "{max_items}");
    }
}

/// Every action of the catalogue is allowed exactly if WhoCan lists the principal for it.
#[tokio::test]
async fn both_reviews_agree() {
    let env = TestEnv::new().await;
    let root = env.gallery().await;
    for principal in ["user/ann", "user/dan", "user/eve", "user/fay", "role/ponds/Diver"] {
        let mut req = what(principal);
        req.max_items = Some(1_000);
        let answer = env.what_can(&root, req).await.unwrap();
        let allowed: Vec<&str> = answer.services.iter().flat_map(|s| &s.allowed).map(|one| &*one.action).collect();
        assert!(allowed.contains(&"sts:GetCallerIdentity"), "{principal}");
        for action in
            ["photos:GetAlbum", "photos:ListAlbums", "iam:ListUsers", "sts:AssumeRole", "sts:GetCallerIdentity"]
        {
            let listed = env.who_can(&root, super::who(action, "*")).await.unwrap();
            let is_listed = listed.allowed.iter().any(|one| one.principal_arn.ends_with(&format!(":{principal}")));
            assert_eq!(allowed.contains(&action), is_listed, "{principal} {action}");
        }
    }
}

#[tokio::test]
async fn what_can_is_for_permitted_callers() {
    let env = TestEnv::new().await;
    let root = env.gallery().await;
    let ann = format!("arn:aws:iam::{MAIN}:user/ann");
    let lead = env.user(MAIN, "lead", &allow("bailiwick:WhatCan", &ann)).await;
    let lead = env.prove(&env.key(MAIN, Some(&lead)).await).await.unwrap();
    assert!(env.what_can(&lead, what("user/ann")).await.is_ok());
    for refused in ["user/Ben", "user/absent", "role/ponds/Diver", "root"] {
        assert_eq!(code(env.what_can(&lead, what(refused)).await), "AccessDenied", "{refused}");
    }
    let other = env.root(OTHER).await;
    assert_eq!(code(env.what_can(&other, what("user/ann")).await), "AccessDenied");
    let bob = env.user(OTHER, "bob", &allow("*", "*")).await;
    let bob = env.prove(&env.key(OTHER, Some(&bob)).await).await.unwrap();
    let mut own = what("user/bob");
    own.principal_arn = own.principal_arn.replace(MAIN, OTHER);
    assert!(env.what_can(&bob, own.clone()).await.unwrap().examined > 0);
    // Policies of the album belong to another account.
    let foreign = authz::WhatCanRequest { resource: Some(ALBUM.into()), ..own };
    assert_eq!(code(env.what_can(&bob, foreign).await), "AccessDenied");
    for (principal, expected) in [
        ("user/absent", "NoSuchEntity"),
        ("user/ANN", "NoSuchEntity"),
        ("role/Diver", "NoSuchEntity"),
        ("group/readers", "ValidationError"),
        ("user/", "ValidationError"),
        ("assumed-role/Diver/session", "ValidationError"),
    ] {
        assert_eq!(code(env.what_can(&root, what(principal)).await), expected, "{principal}");
    }
    let mut bucket = what("user/ann");
    bucket.resource = Some("arn:aws:photos:eu-central-1::album/1".into());
    assert_eq!(code(env.what_can(&root, bucket).await), "ValidationError");
}
