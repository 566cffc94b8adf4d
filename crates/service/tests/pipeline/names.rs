//! New names on a store on another machine, which a call presumes to be free before it reads them.

use bailiwick_api::{account, iam, op};
use bailiwick_testing::{Client, MAIN, code};

use super::TestEnv;

async fn create_group(env: &TestEnv, by: &Client, name: &str) -> String {
    let req = iam::CreateGroupRequest { group_name: Some(name.into()), ..Default::default() };
    code(&env.call::<op::CreateGroup>(by, req).await).to_owned()
}

async fn rename(env: &TestEnv, by: &Client, name: &str, new: &str) -> String {
    let (group_name, new_group_name) = (Some(name.into()), Some(new.into()));
    let req = iam::UpdateGroupRequest { group_name, new_group_name, new_path: None };
    code(&env.call::<op::UpdateGroup>(by, req).await).to_owned()
}

#[tokio::test]
async fn a_taken_name_is_refused_as_if_it_had_been_read_first() {
    let env = TestEnv::new().await;
    let admin = env.user(&env.root, "admin").await;
    env.store.be_elsewhere();
    assert_eq!(create_group(&env, &admin, "Waders").await, "OK");
    assert_eq!(create_group(&env, &admin, "Ducks").await, "OK");
    assert_eq!(env.store.conflicts(), 0, "free names are committed at once");
    assert_eq!(create_group(&env, &admin, "WADERS").await, "EntityAlreadyExists");
    assert_eq!(rename(&env, &admin, "Ducks", "waders").await, "EntityAlreadyExists");
    assert_eq!(env.store.conflicts(), 2, "the commit finds out");
    assert_eq!(rename(&env, &admin, "Ducks", "Divers").await, "OK");
    assert_eq!(create_group(&env, &admin, "Ducks").await, "OK");
    let groups = env.call::<op::ListGroups>(&admin, iam::ListGroupsRequest::default()).await.unwrap().groups;
    let names: Vec<&str> = groups.iter().map(|group| group.group_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["Divers", "Ducks", "Waders"]);
    env.service.parts().recorder.close().await;
    let records = env.segments();
    assert_eq!(records.lines().filter(|record| record.contains("EntityAlreadyExists")).count(), 2, "{records}");
    assert_eq!(records.lines().filter(|record| record.contains("WADERS")).count(), 1, "{records}");
}

// The commit does not run: the handler refuses first.
#[tokio::test]
async fn a_taken_name_is_refused_before_a_quota() {
    let env = TestEnv::new().await;
    let admin = env.user(&env.root, "admin").await;
    assert_eq!(create_group(&env, &admin, "Waders").await, "OK");
    let quotas = Some(account::AccountQuotas { groups: Some(1), ..Default::default() });
    let req = account::PutAccountQuotasRequest { account_id: Some(MAIN.into()), quotas };
    env.call::<op::PutAccountQuotas>(&admin, req).await.unwrap();
    env.store.be_elsewhere();
    let before = env.store.conflicts();
    assert_eq!(create_group(&env, &admin, "waders").await, "EntityAlreadyExists");
    assert_eq!(create_group(&env, &admin, "Ducks").await, "LimitExceeded");
    assert_eq!(env.store.conflicts(), before);
}
