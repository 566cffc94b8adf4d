use bailiwick_model::AccessKeyId;
use bailiwick_operation::Caller;

use super::*;
use crate::Tokens;
use crate::testing::{World, refusal, root, session, user, world};

const PHOTOS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"photos:*","Resource":"*"}}"#;

fn narrowed(policy: Option<&str>, seconds: Option<i32>) -> GetScopedCredentialsRequest {
    GetScopedCredentialsRequest { policy: policy.map(str::to_owned), duration_seconds: seconds, ..Default::default() }
}

async fn call(world: &World, caller: Caller, req: GetScopedCredentialsRequest) -> Result<GetScopedCredentialsResponse> {
    let (cx, mut tx) = (world.cx(caller), world.begin().await);
    let planned = Handle::<op::GetScopedCredentials>::plan(&Sts, &cx, &mut tx, req).await?;
    assert_eq!(planned.checks.iter().map(|check| check.action).collect::<Vec<_>>(), ["sts:GetScopedCredentials"]);
    planned.checks.iter().for_each(|check| assert_eq!(check.undocumented(), None));
    Handle::<op::GetScopedCredentials>::handle(&Sts, &cx, &mut tx, planned.plan).await
}

/// The caller that issued credentials prove.
fn opened(world: &World, answer: &GetScopedCredentialsResponse) -> Caller {
    let credentials = answer.credentials.as_ref().unwrap();
    let key = AccessKeyId::parse(credentials.access_key_id.as_deref().unwrap()).unwrap();
    let token = credentials.session_token.as_deref().unwrap();
    Tokens::of(&world.deployment).open_session(&key, token, world.cx(user()).now()).unwrap().caller
}

#[tokio::test]
async fn the_session_goes_on_with_fewer_permissions() {
    let world = world().await;
    let caller = session(&[("Nest", "own")], &["Nest"], Some("heron@example.com"));
    let before = caller.session.clone().unwrap();
    let answer = call(&world, caller.clone(), narrowed(Some(PHOTOS), None)).await.unwrap();
    assert_eq!(answer.scoped_policies_count, Some(1));
    assert_eq!(answer.source_identity.as_deref(), Some("heron@example.com"));
    let info = answer.session_info.as_ref().unwrap();
    assert_eq!(info.arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/Otter/swim"));
    let scoped = opened(&world, &answer);
    assert_eq!(format!("{:?}", scoped.principal), format!("{:?}", caller.principal));
    let after = scoped.session.as_deref().unwrap();
    assert_ne!(after.access_key_id, before.access_key_id);
    assert_eq!(after.scopes, [PHOTOS.replace(char::is_whitespace, "")]);
    assert_eq!(after.scoped_from, vec![before.access_key_id.clone()]);
    assert_eq!((after.issued, after.expires, after.kind), (before.issued, before.expires, before.kind));
    assert_eq!((&after.tags, &after.transitive_tag_keys), (&before.tags, &before.transitive_tag_keys));
    assert_eq!((&after.policies, &after.managed_policies), (&before.policies, &before.managed_policies));
    assert_eq!((&after.source_identity, &after.parent_key), (&before.source_identity, &before.parent_key));
    // Three layers at most; a shorter life needs none.
    let twice = opened(&world, &call(&world, scoped.clone(), narrowed(Some(PHOTOS), None)).await.unwrap());
    let thrice = opened(&world, &call(&world, twice, narrowed(Some(PHOTOS), None)).await.unwrap());
    assert_eq!(thrice.session.as_ref().unwrap().scopes.len(), 3);
    let keys: Vec<_> = thrice.session.as_ref().unwrap().revocable_by(thrice.account()).map(|(_, key)| key).collect();
    assert!(
        keys.contains(&before.access_key_id.as_str()) && keys.contains(&after.access_key_id.as_str()),
        "it ends with each of them"
    );
    assert_eq!(refusal(call(&world, thrice.clone(), narrowed(Some(PHOTOS), None)).await).0, "AccessDenied");
    let shorter = call(&world, thrice, narrowed(None, Some(1))).await.unwrap();
    assert_eq!(shorter.scoped_policies_count, Some(3));
    let expires = opened(&world, &shorter).session.as_ref().unwrap().expires;
    assert_eq!(expires.as_second(), world.cx(user()).now().as_second() + 1);
}

#[tokio::test]
async fn a_session_is_scoped_down_a_bounded_number_of_times() {
    let world = world().await;
    let mut caller = session(&[], &[], None);
    for layer in 0..MAX_LAYERS {
        let answer = call(&world, caller.clone(), narrowed(None, Some(900))).await.unwrap();
        caller = opened(&world, &answer);
        assert_eq!(caller.session.as_ref().unwrap().scoped_from.len(), layer + 1);
    }
    assert_eq!(caller.lineage(), caller.session.as_ref().unwrap().scoped_from);
    assert_eq!(refusal(call(&world, caller, narrowed(None, Some(900))).await).0, "AccessDenied");
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let world = world().await;
    let caller = session(&[], &[], None);
    let left = caller.session.as_ref().unwrap().expires.as_second() - world.cx(user()).date().as_second();
    let left = i32::try_from(left).unwrap();
    let bearer = Caller { credential: Credential::Bearer(caller.access_key_id().unwrap().clone()), ..caller.clone() };
    let long = format!("{PHOTOS}{}", " ".repeat(2_048));
    for (name, caller, req, code) in [
        ("a user", user(), narrowed(Some(PHOTOS), None), "InvalidSubjectCredentials"),
        ("root", root(), narrowed(Some(PHOTOS), None), "InvalidSubjectCredentials"),
        ("a bearer token", bearer, narrowed(Some(PHOTOS), None), "InvalidSubjectCredentials"),
        ("nothing to narrow", caller.clone(), narrowed(None, None), "ValidationError"),
        ("a second too long", caller.clone(), narrowed(None, Some(left + 1)), "InsufficientSessionLifetime"),
        ("also with a policy", caller.clone(), narrowed(Some(PHOTOS), Some(left + 1)), "InsufficientSessionLifetime"),
        ("no time", caller.clone(), narrowed(None, Some(0)), "ValidationError"),
        ("less than no time", caller.clone(), narrowed(None, Some(-1)), "ValidationError"),
        ("not a policy", caller.clone(), narrowed(Some("{}"), None), "MalformedPolicyDocument"),
        (
            "a principal",
            caller.clone(),
            narrowed(Some(&PHOTOS.replace("\"Effect\"", "\"Principal\":\"*\",\"Effect\"")), None),
            "MalformedPolicyDocument",
        ),
        ("a long policy", caller.clone(), narrowed(Some(&long), None), "ValidationError"),
    ] {
        assert_eq!(refusal(call(&world, caller, req).await).0, code, "{name}");
    }
    let whole = call(&world, caller.clone(), narrowed(None, Some(left))).await.unwrap();
    assert_eq!(opened(&world, &whole).session.as_ref().unwrap().expires, caller.session.unwrap().expires);
}
