use bailiwick_api::op;
use bailiwick_model::{AccountId, IdKind, Path, PolicyName, Tags, UniqueId};
use bailiwick_storage::{DeletionTask, Policy, Service};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, ALLOW, World, column, trusting};

const ECS: &str = "AWSServiceRoleForECS";

async fn create(w: &World, service: &str, suffix: Option<&str>) -> Value {
    let mut request = json!({"AWSServiceName": service, "Description": "d"});
    if let Some(suffix) = suffix {
        request["CustomSuffix"] = suffix.into();
    }
    w.ok::<op::CreateServiceLinkedRole>(request).await["Role"].clone()
}

/// A registered service with two principals.
async fn register(w: &World) {
    register_as(w, "photos", &["photos.example.com", "jobs.photos.example.com"]).await;
}

async fn register_as(w: &World, prefix: &str, principals: &[&str]) {
    let mut tx = w.begin().await;
    let now = w.deployment.clock.now();
    tx.put_service(&Service {
        prefix: prefix.into(),
        definition: "{}".into(),
        principals: principals.iter().map(|&principal| principal.into()).collect(),
        actors: Vec::new(),
        created: now,
        updated: now,
    })
    .await
    .unwrap();
    w.commit(tx).await;
}

/// A managed policy of the deployment.
async fn managed(w: &World, name: &str, path: &str, number: u8) {
    let mut tx = w.begin().await;
    let now = w.deployment.clock.now();
    let policy = Policy {
        account: AccountId::NONE,
        id: UniqueId::new(IdKind::Policy, [number; 17]),
        name: PolicyName::parse(name).unwrap(),
        path: Path::parse(path).unwrap(),
        created: now,
        updated: now,
        description: None,
        tags: Tags::new(),
        default_version: 1,
        latest_version: 1,
    };
    tx.create_policy(&policy, ALLOW.into()).await.unwrap();
    w.commit(tx).await;
}

#[tokio::test]
async fn a_role_is_created_for_its_service() {
    let w = World::new().await;
    managed(&w, "AmazonECSServiceRolePolicy", "/aws-service-role/", 200).await;
    let made = create(&w, "ecs.amazonaws.com", None).await;
    assert_eq!((&made["RoleName"], &made["Path"]), (&json!(ECS), &json!("/aws-service-role/ecs.amazonaws.com/")));
    let arn = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    assert_eq!(made["Arn"], arn);
    let trust: Value = serde_json::from_str(made["AssumeRolePolicyDocument"].as_str().unwrap()).unwrap();
    assert_eq!(trust["Statement"][0]["Principal"], json!({"Service": ["ecs.amazonaws.com"]}));
    assert_eq!(trust["Statement"][0]["Action"], json!(["sts:AssumeRole"]));
    // Other responses have no lists.
    let shown = w.ok::<op::GetRole>(json!({"RoleName": ECS})).await["Role"]["AssumeRolePolicyDocument"].clone();
    let trust: Value = serde_json::from_str(shown.as_str().unwrap()).unwrap();
    assert_eq!(trust["Statement"][0]["Principal"], json!({"Service": "ecs.amazonaws.com"}));
    assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRole");
    let attached = w.ok::<op::ListAttachedRolePolicies>(json!({"RoleName": ECS})).await;
    assert_eq!(
        column(&attached["AttachedPolicies"], "PolicyArn"),
        ["arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"]
    );
    assert_eq!(w.ok::<op::GetRole>(json!({"RoleName": ECS})).await["Role"]["Description"], "d");
    let taken = "InvalidInput: Service role name AWSServiceRoleForECS has been taken in this account, please try a \
                 different suffix.";
    w.fails::<op::CreateServiceLinkedRole>(json!({"AWSServiceName": "ecs.amazonaws.com"}), taken).await;
    w.needs::<op::CreateServiceLinkedRole>(
        json!({"AWSServiceName": "ecs.amazonaws.com"}),
        &[&format!("iam:CreateServiceLinkedRole {arn} iam:AWSServiceName=ecs.amazonaws.com")],
    )
    .await;
}

#[tokio::test]
async fn services_and_suffixes_are_checked() {
    let w = World::new().await;
    register(&w).await;
    for (service, suffix, expected) in [
        ("ecs.amazonaws.com", Some("a"), Err("Custom suffix is not allowed for ecs.amazonaws.com")),
        ("ecs", None, Err("Service name ecs does not support service-linked roles")),
        (
            "nothing.amazonaws.com",
            None,
            Err("Service name nothing.amazonaws.com does not support service-linked roles"),
        ),
        ("other.example.com", None, Err("Service name other.example.com does not support service-linked roles")),
        ("autoscaling.amazonaws.com", None, Ok("AWSServiceRoleForAutoScaling")),
        ("autoscaling.amazonaws.com", Some("a"), Ok("AWSServiceRoleForAutoScaling_a")),
        ("photos.example.com", None, Ok("AWSServiceRoleForPhotos")),
        ("photos.example.com", Some("b"), Ok("AWSServiceRoleForPhotos_b")),
        ("jobs.photos.example.com", None, Ok("AWSServiceRoleForJobsPhotosExampleCom")),
    ] {
        let mut request = json!({"AWSServiceName": service});
        if let Some(suffix) = suffix {
            request["CustomSuffix"] = suffix.into();
        }
        match expected {
            Ok(name) => {
                assert_eq!(w.ok::<op::CreateServiceLinkedRole>(request).await["Role"]["RoleName"], name);
            }
            Err(message) => {
                w.fails::<op::CreateServiceLinkedRole>(request, &format!("InvalidInput: {message}")).await;
            }
        }
    }
    let unknown = "iam:CreateServiceLinkedRole arn:aws:iam::111122223333:role/aws-service-role/x/AWSServiceRoleFor \
                   iam:AWSServiceName=x";
    w.needs::<op::CreateServiceLinkedRole>(json!({"AWSServiceName": "x"}), &[unknown]).await;
}

/// A policy of the deployment counts as the service's only if it is below the path of services.
#[tokio::test]
async fn a_policy_elsewhere_is_not_attached() {
    let w = World::new().await;
    managed(&w, "AmazonECSServiceRolePolicy", "/", 200).await;
    create(&w, "ecs.amazonaws.com", None).await;
    let attached = w.ok::<op::ListAttachedRolePolicies>(json!({"RoleName": ECS})).await;
    assert_eq!(column(&attached["AttachedPolicies"], "PolicyArn"), Vec::<String>::new());
}

/// The path of the policy of a registered service names its principal: AWS's policies are never such a service's.
#[tokio::test]
async fn a_registered_service_gets_its_own_policy_only() {
    for (path, expected) in [
        ("/aws-service-role/", vec![]),
        ("/aws-service-role/jobs.photos.example.com/", vec![]),
        ("/aws-service-role/photos.example.com/", vec!["PhotosServiceRolePolicy"]),
    ] {
        let w = World::new().await;
        register(&w).await;
        managed(&w, "PhotosServiceRolePolicy", path, 200).await;
        create(&w, "photos.example.com", None).await;
        let attached = json!({"RoleName": "AWSServiceRoleForPhotos"});
        let attached = w.ok::<op::ListAttachedRolePolicies>(attached).await;
        assert_eq!(column(&attached["AttachedPolicies"], "PolicyName"), expected, "{path}");
    }
}

#[tokio::test]
async fn a_registered_service_does_not_take_the_role_name_of_an_aws_service() {
    let w = World::new().await;
    register_as(&w, "autoscaling", &["pond.example.com"]).await;
    let refused = "InvalidInput: Service name pond.example.com does not support service-linked roles";
    w.fails::<op::CreateServiceLinkedRole>(json!({"AWSServiceName": "pond.example.com"}), refused).await;
}

/// A role can always be deleted: the oldest task makes room.
#[tokio::test]
async fn the_oldest_task_makes_room() {
    let w = World::new().await;
    create(&w, "ecs.amazonaws.com", None).await;
    let now = w.deployment.clock.now();
    let id = |number: i64| format!("task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/{number}");
    for number in 0..1000 {
        let mut tx = w.begin().await;
        let created = now - SignedDuration::from_secs(1000 - number);
        tx.create_expiring(&DeletionTask { account: w.deployment.management_account, id: id(number), created })
            .await
            .unwrap();
        w.commit(tx).await;
    }
    w.ok::<op::DeleteServiceLinkedRole>(json!({"RoleName": ECS})).await;
    let mut tx = w.begin().await;
    for (number, found) in [(0, false), (1, true)] {
        let task = tx.find_expiring::<DeletionTask>(w.deployment.management_account, &id(number), now).await;
        assert_eq!(task.unwrap().is_some(), found, "{number}");
    }
}

#[tokio::test]
async fn only_description_and_tags_can_be_changed() {
    let w = World::new().await;
    create(&w, "ecs.amazonaws.com", None).await;
    let policy = w.policy("P").await;
    let refused = "UnmodifiableEntity: Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - \
                   this role is only modifiable by AWS";
    w.fails::<op::DeleteRole>(json!({"RoleName": ECS}), refused).await;
    let durations = "UnmodifiableEntity: AWSServiceRoleForECS is an AWS service linked role, max session duration cannot be \
                     changed.";
    w.fails::<op::UpdateRole>(json!({"RoleName": ECS, "Description": "e", "MaxSessionDuration": 7200}), durations)
        .await;
    w.fails::<op::UpdateRole>(json!({"RoleName": ECS, "ResetMaxSigninSessionDuration": true}), durations).await;
    w.fails::<op::AttachRolePolicy>(json!({"RoleName": ECS, "PolicyArn": policy}), refused).await;
    w.fails::<op::DetachRolePolicy>(json!({"RoleName": ECS, "PolicyArn": policy}), refused).await;
    let put = json!({"RoleName": ECS, "PolicyName": "p", "PolicyDocument": ALLOW});
    w.fails::<op::PutRolePolicy>(put, refused).await;
    w.fails::<op::DeleteRolePolicy>(json!({"RoleName": ECS, "PolicyName": "p"}), refused).await;
    let edge = json!({"RoleName": ECS, "PermissionsBoundary": policy});
    w.fails::<op::PutRolePermissionsBoundary>(edge, refused).await;
    w.fails::<op::DeleteRolePermissionsBoundary>(json!({"RoleName": ECS}), refused).await;
    let trust = json!({"RoleName": ECS, "PolicyDocument": trusting(ACCOUNT)});
    w.fails::<op::UpdateAssumeRolePolicy>(trust, refused).await;
    w.ok::<op::UpdateRole>(json!({"RoleName": ECS, "Description": "e"})).await;
    assert_eq!(w.ok::<op::GetRole>(json!({"RoleName": ECS})).await["Role"]["Description"], "e");
    w.ok::<op::UpdateRoleDescription>(json!({"RoleName": ECS, "Description": "f"})).await;
    w.ok::<op::TagRole>(json!({"RoleName": ECS, "Tags": [{"Key": "a", "Value": "b"}]})).await;
    w.ok::<op::UntagRole>(json!({"RoleName": ECS, "TagKeys": ["a"]})).await;
}

#[tokio::test]
async fn a_deletion_is_a_task() {
    let w = World::new().await;
    managed(&w, "AmazonECSServiceRolePolicy", "/aws-service-role/", 200).await;
    w.role("Runner").await;
    let ordinary = "NoSuchEntity: The service-linked role with name Runner cannot be found.";
    w.fails::<op::DeleteServiceLinkedRole>(json!({"RoleName": "Runner"}), ordinary).await;
    let missing = "NoSuchEntity: The role with name AWSServiceRoleForECS cannot be found.";
    w.fails::<op::DeleteServiceLinkedRole>(json!({"RoleName": ECS}), missing).await;
    create(&w, "ecs.amazonaws.com", None).await;
    let task = w.ok::<op::DeleteServiceLinkedRole>(json!({"RoleName": ECS})).await["DeletionTaskId"].clone();
    let id = task.as_str().unwrap();
    assert!(id.starts_with("task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/"), "{id}");
    assert_eq!(id.rsplit('/').next().unwrap().len(), 36);
    w.fails::<op::GetRole>(json!({"RoleName": ECS}), missing).await;
    let status = json!({"DeletionTaskId": id});
    let expected = json!({"Status": "SUCCEEDED"});
    assert_eq!(w.ok::<op::GetServiceLinkedRoleDeletionStatus>(status.clone()).await, expected);
    let arn = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    let needed = format!("iam:GetServiceLinkedRoleDeletionStatus {arn}");
    w.needs::<op::GetServiceLinkedRoleDeletionStatus>(status, &[&needed]).await;
    // The name is free again.
    create(&w, "ecs.amazonaws.com", None).await;
    let other = format!("{}{}", &id[..id.len() - 1], if id.ends_with('0') { '1' } else { '0' });
    let missing = "NoSuchEntity: Cannot find deletion status for given id.";
    w.fails::<op::GetServiceLinkedRoleDeletionStatus>(json!({"DeletionTaskId": other}), missing).await;
    for bad in ["task/1", "task/aws-service-role/x", "aws-service-role/a/b/c", "task/role/a/b/c"] {
        let request = json!({"DeletionTaskId": bad});
        w.fails::<op::GetServiceLinkedRoleDeletionStatus>(request, "InvalidInput: Invalid task id").await;
    }
}

/// A caller that creates and deletes in a loop does not fill the store.
#[tokio::test]
async fn old_tasks_are_removed() {
    let w = World::new().await;
    let mut tasks = Vec::new();
    for day in [0, 3, 8, 12] {
        w.clock.set(bailiwick_testing::noon());
        w.clock.advance(day * 86_400);
        create(&w, "ecs.amazonaws.com", None).await;
        tasks.push(w.ok::<op::DeleteServiceLinkedRole>(json!({"RoleName": ECS})).await["DeletionTaskId"].clone());
    }
    let mut found = Vec::new();
    for task in tasks {
        found.push(w.call::<op::GetServiceLinkedRoleDeletionStatus>(json!({"DeletionTaskId": task})).await.is_ok());
    }
    assert_eq!(found, [false, false, true, true]);
}
