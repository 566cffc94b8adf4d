use bailiwick_model::{AccountId, Tags};
use bailiwick_storage::{Resource, ResourcePolicy, Service};

use crate::env::{ACCOUNT, TestEnv, now};

fn service(prefix: &str, principals: &[&str]) -> Service {
    Service {
        prefix: prefix.into(),
        definition: "{}".into(),
        principals: principals.iter().map(|name| (*name).to_owned()).collect(),
        actors: Vec::new(),
        created: now(),
        updated: now(),
    }
}

#[tokio::test]
async fn a_service_principal_belongs_to_one_service() {
    let env = TestEnv::new();
    env.run(async |tx| tx.put_service(&service("photos", &["a.example", "b.example"])).await).await;
    let taken = "EntityAlreadyExists: Service principal with name a.example already exists.";
    assert_eq!(env.refusal(async |tx| tx.put_service(&service("other", &["a.example"])).await).await, taken);
    env.run(async |tx| tx.put_service(&service("photos", &["b.example", "c.example"])).await).await;
    env.run(async |tx| tx.put_service(&service("other", &["a.example"])).await).await;
    let listed = env.tx().await.list_services(None, 1).await.unwrap();
    assert_eq!((listed.items.len(), listed.next.as_deref()), (1, Some("other")));
    for prefix in ["photos", "other"] {
        env.run(async |tx| {
            let found = tx.find_service(prefix).await?.expect("it is registered");
            tx.delete_service(&found).await
        })
        .await;
    }
    assert!(env.keys().await.is_empty(), "nothing is left over");
}

#[tokio::test]
async fn a_resource_without_policy_and_tags_is_deleted() {
    let env = TestEnv::new();
    let arn = "arn:aws:photos::111122223333:album/1";
    let kept = ResourcePolicy { text: "{}".into(), bound: "{}".into(), updated: now() };
    let tags = Tags::parse([("Team", "blue")]).unwrap();
    let full = Resource { account: ACCOUNT, arn: arn.into(), policy: Some(kept), tags };
    let tagged = Resource { policy: None, ..full.clone() };
    env.run(async |tx| tx.put_resource(&full).await).await;
    let listed = async |prefix: &str| {
        let page = env.tx().await.list_resource_policies(ACCOUNT, prefix, None, 10).await.unwrap();
        page.items.len()
    };
    assert_eq!((listed("arn:aws:photos:").await, listed("arn:aws:films:").await), (1, 0));
    env.run(async |tx| tx.put_resource(&tagged).await).await;
    assert_eq!(listed("").await, 0);
    let found = async |account: AccountId, arn: &str| env.tx().await.find_resource(account, arn).await.unwrap();
    assert_eq!(found(ACCOUNT, arn).await, Some(tagged.clone()));
    assert_eq!(found(ACCOUNT, "arn:aws:photos::111122223333:album/2").await, None);
    assert_eq!(found(AccountId::NONE, arn).await, None);
    env.run(async |tx| tx.put_resource(&Resource { tags: Tags::new(), ..tagged.clone() }).await).await;
    assert!(env.keys().await.is_empty(), "nothing is left over");
}
