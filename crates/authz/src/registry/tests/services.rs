//! Services of the deployment's own.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeRequest, Decision, DeleteResourcePolicyRequest, DeleteServiceRequest, GetServiceRequest,
    ListServicesRequest, PutResourcePolicyRequest, PutServiceRequest, RegisteredService, ResourceTag,
    TagResourceRequest, UntagResourceRequest,
};
use bailiwick_api::op;

use crate::tests::*;

const PHOTOS: &str = r#"{"catalogue":1,"services":{"photos":{
    "principals":["photos.example.com"],
    "keys":{"photos:Size":"Numeric","photos:AlbumTag/${TagKey}":"String"},
    "resources":{"album":{"arns":["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"],"keys":["aws:ResourceTag/${TagKey}"]}},
    "actions":{"GetAlbum":{"access":"Read","resources":["album"],"keys":["photos:Size"]},"ListAlbums":{"access":"List"}}}}}"#;

fn put(definition: &str, principals: &[&str]) -> PutServiceRequest {
    PutServiceRequest {
        service_prefix: Some("photos".into()),
        definition: Some(definition.into()),
        principal_arns: principals.iter().map(|arn| (*arn).to_owned()).collect(),
    }
}

fn forgotten(keep_resources: bool) -> DeleteServiceRequest {
    DeleteServiceRequest { service_prefix: Some("photos".into()), keep_resources: Some(keep_resources) }
}

async fn get(env: &TestEnv, who: &Authenticated) -> Result<RegisteredService> {
    let req = GetServiceRequest { service_prefix: Some("photos".into()) };
    Ok(env.call::<op::GetService>(who, req).await?.service.unwrap())
}

async fn user(env: &TestEnv, of: &str, name: &str, document: &str) -> Authenticated {
    let user = env.user(of, name, document).await;
    env.prove(&env.key(of, Some(&user)).await).await.unwrap()
}

#[tokio::test]
async fn a_service_is_registered_shown_listed_replaced_and_deleted() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    assert_eq!(code(get(&env, &admin).await), "NoSuchEntity");
    let bob = env.user(MAIN, "Bob", "").await;
    let arn = format!("arn:aws:iam::{MAIN}:user/Bob");
    let made = env.change::<op::PutService>(&admin, put(PHOTOS, &[&arn])).await.unwrap().service.unwrap();
    assert_eq!(made.service_principals, ["photos.example.com"]);
    assert_eq!(made.definition.as_deref(), Some(PHOTOS));
    assert_eq!(made.principal_arns, [arn]);
    assert_eq!(get(&env, &admin).await.unwrap(), made);
    let listed = env.call::<op::ListServices>(&admin, ListServicesRequest::default()).await.unwrap();
    assert_eq!(listed.services, [RegisteredService { definition: None, ..made.clone() }]);
    assert!(!listed.is_truncated);
    // Other accounts may look it up, but neither see which principals act as it, nor change it.
    let other = user(&env, OTHER, "Eve", &allow("bailiwick:*", "*")).await;
    let bare = RegisteredService { principal_arns: Vec::new(), principal_arns_withheld: true, ..made.clone() };
    assert_eq!(get(&env, &other).await.unwrap(), bare);
    assert_eq!(code(env.change::<op::PutService>(&other, put(PHOTOS, &[])).await), "AccessDenied");
    let forget = || forgotten(false);
    assert_eq!(code(env.change::<op::DeleteService>(&other, forget()).await), "AccessDenied");
    // A deleted user is shown as such; a later one of the same name does not replace it.
    let mut tx = env.tx().await;
    let renamed = User { name: UserName::parse("Robert").unwrap(), ..bob.clone() };
    tx.update(&bob, &renamed).await.unwrap();
    env.commit(tx).await;
    assert_eq!(get(&env, &admin).await.unwrap().principal_arns, [format!("arn:aws:iam::{MAIN}:user/Robert")]);
    env.pass(60);
    let changed = env.change::<op::PutService>(&admin, put(PHOTOS, &[])).await.unwrap().service.unwrap();
    assert_eq!(changed.create_date, made.create_date);
    assert!(changed.update_date.unwrap().seconds > made.update_date.unwrap().seconds);
    env.change::<op::DeleteService>(&admin, forget()).await.unwrap();
    assert_eq!(code(env.change::<op::DeleteService>(&admin, forget()).await), "NoSuchEntity");
}

#[tokio::test]
async fn definitions_are_parsed_strictly() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let check = async |prefix: &str, definition: &str, expected: &str| {
        let req = PutServiceRequest { service_prefix: Some(prefix.into()), ..put(definition, &[]) };
        let error = env.change::<op::PutService>(&admin, req).await.unwrap_err();
        assert_eq!(error.code().wire(), "InvalidInput", "{definition}");
        assert!(error.message().contains(expected), "{error}");
    };
    for prefix in ["iam", "sts", "bailiwick", "aws"] {
        check(prefix, &PHOTOS.replace("photos", prefix), "is Bailiwick's own").await;
    }
    check("photos", "{", "line 1, column").await;
    check("photos", &PHOTOS.replace("\"GetAlbum\":{", "\"GetAlbum\":{\"x\":1,"), "actions.GetAlbum.x").await;
    check("photos", &PHOTOS.replace("\"Read\"", "\"Look\""), "actions.GetAlbum.access: found `Look`").await;
    let acting = PHOTOS.replace("\"keys\":{\"ph", "\"actors\":[\"arn:aws:iam::111122223333:root\"],\"keys\":{\"ph");
    check("photos", &acting, "belong in `principalArns`").await;
    check("films", PHOTOS, "must hold the service `films`").await;
    check("photos", r#"{"catalogue":1,"services":{}}"#, "must hold the service `photos`").await;
    check("photos", &PHOTOS.replace("1,\"serv", "1,\"complete\":true,\"serv"), "may hold one service").await;
    check("photos", &PHOTOS.replace("1,\"serv", "1,\"keys\":{\"a:b\":\"Bool\"},\"serv"), "may hold one service").await;
    check("photos", &PHOTOS.replace("photos.example.com", "photos"), "is not the name of a service principal").await;
    check("photos", &PHOTOS.replace("photos.example.com", "iam.amazonaws.com"), "is Bailiwick's own").await;
    check("photos", &PHOTOS.replace("{\"photos:Size\"", "{\"aws:Size\""), "is not the service's own").await;
    check("photos", &PHOTOS.replace("[\"photos:Size\"]", "[\"photos:Colour\"]"), "named and not defined").await;
    check("photos", &PHOTOS.replace("[\"photos:Size\"]", "[\"aws:Colour\"]"), "named and not defined").await;
    for absent in ["arn:aws:iam::111122223333:user/Nobody", "arn:aws:iam::111122223333:root", "111122223333"] {
        let error = env.change::<op::PutService>(&admin, put(PHOTOS, &[absent])).await.unwrap_err();
        assert_eq!(error.code().wire(), "InvalidInput", "{absent}");
    }
}

#[tokio::test]
async fn a_service_with_resources_is_deleted_only_on_request() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    env.change::<op::PutService>(&admin, put(PHOTOS, &[])).await.unwrap();
    let owner = user(&env, OTHER, "Olga", &allow("bailiwick:*", "*")).await;
    let tag = |number: u8| TagResourceRequest {
        resource_arn: Some(format!("arn:aws:photos:eu-central-1:{OTHER}:album/{number}")),
        tags: vec![ResourceTag { key: Some("a".into()), value: Some("b".into()) }],
    };
    for number in [7, 5] {
        env.change::<op::TagResource>(&owner, tag(number)).await.unwrap();
    }
    let error = env.change::<op::DeleteService>(&admin, forgotten(false)).await.unwrap_err();
    assert_eq!(error.code().wire(), "DeleteConflict");
    assert!(error.message().contains("2 resources"), "{error}");
    assert!(error.message().contains(&format!("`arn:aws:photos:eu-central-1:{OTHER}:album/5`")), "{error}");
    env.change::<op::DeleteService>(&admin, forgotten(true)).await.unwrap();
    // What was kept is there for the next of the name, and in its way.
    env.change::<op::PutService>(&admin, put(PHOTOS, &[])).await.unwrap();
    for number in [7, 5] {
        assert_eq!(code(env.change::<op::DeleteService>(&admin, forgotten(false)).await), "DeleteConflict");
        let (resource_arn, tag_keys) = (tag(number).resource_arn, vec!["a".into()]);
        env.change::<op::UntagResource>(&owner, UntagResourceRequest { resource_arn, tag_keys }).await.unwrap();
    }
    env.change::<op::DeleteService>(&admin, forgotten(false)).await.unwrap();
}

#[tokio::test]
async fn resources_must_have_the_arn_formats_of_their_service() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let tag = async |resource: &str| {
        let resource_arn = Some(format!("arn:aws:photos:{resource}"));
        let tags = vec![ResourceTag { key: Some("a".into()), value: Some("b".into()) }];
        env.change::<op::TagResource>(&admin, TagResourceRequest { resource_arn, tags }).await.map(|_| ())
    };
    let policy = async |resource: &str| {
        let resource_arn = Some(format!("arn:aws:photos:{resource}"));
        let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"photos:*","Resource":"*"}}"#;
        let req = PutResourcePolicyRequest { resource_arn, policy: Some(policy.into()) };
        env.change::<op::PutResourcePolicy>(&admin, req).await.map(|_| ())
    };
    let (album, film) = (format!("eu-central-1:{MAIN}:album/1"), format!("eu-central-1:{MAIN}:film/1"));
    tag(&film).await.unwrap();
    policy(&film).await.unwrap();
    env.change::<op::PutService>(&admin, put(PHOTOS, &[])).await.unwrap();
    tag(&album).await.unwrap();
    policy(&album).await.unwrap();
    for refused in [film.as_str(), "::album/1", "eu-central-1::album/1"] {
        for error in [tag(refused).await.unwrap_err(), policy(refused).await.unwrap_err()] {
            assert_eq!(error.code().wire(), "ValidationError");
            let format = "`arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}`";
            assert!(error.message().ends_with(&format!("that the service `photos` has: {format}")), "{error}");
        }
    }
    // What was kept before can be taken away.
    let resource_arn = || Some(format!("arn:aws:photos:{film}"));
    let req = UntagResourceRequest { resource_arn: resource_arn(), tag_keys: vec!["a".into()] };
    env.change::<op::UntagResource>(&admin, req).await.unwrap();
    let req = DeleteResourcePolicyRequest { resource_arn: resource_arn() };
    env.change::<op::DeleteResourcePolicy>(&admin, req).await.unwrap();
    // A service that names no resources takes any.
    let bare = r#"{"catalogue":1,"services":{"photos":{}}}"#;
    env.change::<op::PutService>(&admin, put(bare, &[])).await.unwrap();
    tag(&film).await.unwrap();
}

#[tokio::test]
async fn a_service_principal_belongs_to_one_service() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    env.change::<op::PutService>(&admin, put(PHOTOS, &[])).await.unwrap();
    let films = PHOTOS.replace("\"photos\":{", "\"films\":{").replace("photos:", "films:");
    let req = PutServiceRequest { service_prefix: Some("films".into()), ..put(&films, &[]) };
    assert_eq!(code(env.change::<op::PutService>(&admin, req).await), "EntityAlreadyExists");
}

#[tokio::test]
async fn only_listed_principals_act_as_a_registered_service() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let listed = user(&env, OTHER, "photos", &allow("bailiwick:Authorize", "*")).await;
    let stranger = user(&env, OTHER, "Eve", &allow("bailiwick:*", "*")).await;
    let ask = async |who: &Authenticated| {
        let req = AuthorizeRequest {
            caller: by(Who::ServicePrincipal("photos.example.com".into())),
            action: "s3:GetObject".into(),
            resource: format!("arn:aws:s3::{OTHER}:a"),
            resource_policy: Some(
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"photos.example.com"},"Action":"s3:*","Resource":"*"}}"#
                    .into(),
            ),
            ..Default::default()
        };
        env.call::<op::Authorize>(who, req).await.map(|answer| answer.decision())
    };
    // The asking service needs a permission for a name that is not registered.
    assert_eq!(code(ask(&listed).await), "AccessDenied");
    assert_eq!(ask(&stranger).await.unwrap(), Decision::Allow);
    let arn = format!("arn:aws:iam::{OTHER}:user/photos");
    env.change::<op::PutService>(&admin, put(PHOTOS, &[&arn])).await.unwrap();
    assert_eq!(ask(&listed).await.unwrap(), Decision::Allow);
    assert_eq!(code(ask(&stranger).await), "AccessDenied");
    assert_eq!(ask(&admin).await.unwrap(), Decision::Allow, "by `bailiwick:AuthorizeAs` in the management account");
}
