use bailiwick_api::op;
use bailiwick_model::{AccountId, UniqueId};
use bailiwick_storage::{ServiceUse, ServiceUser};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World, column};

const BOB: &str = "arn:aws:iam::111122223333:user/Bob";
const DEVS: &str = "arn:aws:iam::111122223333:group/Devs";

/// Records a use some seconds before now.
fn used(w: &World, id: Option<&Value>, action: &str, seconds: i64) {
    let id = id.map(|id| UniqueId::parse(id.as_str().unwrap()).unwrap());
    let time = w.deployment.clock.now() - SignedDuration::from_secs(seconds);
    let account = AccountId::parse(ACCOUNT).unwrap();
    w.deployment.recent_uses.services.note(account, id, action, "eu-central-1", time);
}

async fn generate(w: &World, arn: &str, granularity: &str) -> Value {
    let request = json!({"Arn": arn, "Granularity": granularity});
    w.ok::<op::GenerateServiceLastAccessedDetails>(request).await["JobId"].clone()
}

async fn details(w: &World, job: &Value) -> Value {
    w.ok::<op::GetServiceLastAccessedDetails>(json!({"JobId": job})).await
}

/// The world: Bob is in Devs, Ada has the managed policy, Runner has it as well.
async fn world() -> (World, Value, Value, String) {
    let w = World::new().await;
    let bob = w.user("Bob").await["UserId"].clone();
    w.group("Devs").await;
    w.ok::<op::AddUserToGroup>(json!({"UserName": "Bob", "GroupName": "Devs"})).await;
    let runner = w.role("Runner").await["RoleId"].clone();
    let policy = w.policy("Read").await;
    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": policy})).await;
    w.ok::<op::AttachRolePolicy>(json!({"RoleName": "Runner", "PolicyArn": policy})).await;
    let own = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}});
    let own = json!({"UserName": "Bob", "PolicyName": "own", "PolicyDocument": own.to_string()});
    w.ok::<op::PutUserPolicy>(own).await;
    (w, bob, runner, policy)
}

#[tokio::test]
async fn a_report_lists_every_service_that_policies_allow() {
    let (w, bob, ..) = world().await;
    used(&w, Some(&bob), "iam:GetUser", 5);
    used(&w, Some(&bob), "iam:GetRole", 9);
    used(&w, Some(&bob), "sts:GetCallerIdentity", 1);
    used(&w, Some(&bob), "s3:", 400 * 24 * 3600 + 1);
    let job = generate(&w, BOB, "SERVICE_LEVEL").await;
    let report = details(&w, &job).await;
    assert_eq!(report["JobStatus"], "COMPLETED");
    assert_eq!(report["JobType"], "SERVICE_LEVEL");
    assert_eq!(report["JobCompletionDate"], report["JobCreationDate"]);
    let services = &report["ServicesLastAccessed"];
    let used_at = w.deployment.clock.now() - SignedDuration::from_secs(5);
    assert_eq!(
        *services,
        json!([
            {
                "ServiceName": "AWS Identity and Access Management",
                "ServiceNamespace": "iam",
                "LastAuthenticated": services[0]["LastAuthenticated"],
                "LastAuthenticatedEntity": BOB,
                "LastAuthenticatedRegion": "eu-central-1",
                "TotalAuthenticatedEntities": 1,
            },
            {"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "TotalAuthenticatedEntities": 0},
        ])
    );
    let shown = services[0]["LastAuthenticated"].as_str().unwrap();
    assert_eq!(shown.parse::<jiff::Timestamp>().unwrap().as_second(), used_at.as_second());
    // The report shows uses up to the moment when it is read, from the store as well.
    let mut tx = w.begin().await;
    let id = Some(UniqueId::parse(bob.as_str().unwrap()).unwrap());
    let user = ServiceUser { account: AccountId::parse(ACCOUNT).unwrap(), id };
    let now = ServiceUse { time: w.deployment.clock.now(), region: "eu-west-1".into() };
    tx.put_service_use(&user, "s3:", &now).await.unwrap();
    w.commit(tx).await;
    assert_eq!(details(&w, &job).await["ServicesLastAccessed"][1]["LastAuthenticatedRegion"], "eu-west-1");
}

#[tokio::test]
async fn a_report_on_actions_lists_the_allowed_ones() {
    let (w, bob, ..) = world().await;
    let actions = |report: &Value| report["ServicesLastAccessed"][0]["TrackedActionsLastAccessed"].clone();
    let job = generate(&w, BOB, "ACTION_LEVEL").await;
    assert_eq!(actions(&details(&w, &job).await), Value::Null);
    used(&w, Some(&bob), "iam:GetUser", 5);
    used(&w, Some(&bob), "iam:CreateUser", 5);
    let report = details(&w, &job).await;
    assert_eq!(report["JobType"], "ACTION_LEVEL");
    let actions = actions(&report);
    let names = column(&actions, "ActionName");
    assert!(names.iter().all(|name| name.starts_with("Get")), "{names:?}");
    let of = |name: &str| &actions[names.iter().position(|known| known == name).unwrap()];
    assert_eq!(*of("GetRole"), json!({"ActionName": "GetRole"}));
    assert_eq!(of("GetUser")["LastAccessedEntity"], BOB);
    assert_eq!(of("GetUser")["LastAccessedRegion"], "eu-central-1");
}

#[tokio::test]
async fn groups_and_policies_cover_their_entities() {
    let (w, bob, runner, policy) = world().await;
    w.user("Ann").await;
    w.ok::<op::AddUserToGroup>(json!({"UserName": "Ann", "GroupName": "Devs"})).await;
    used(&w, Some(&bob), "s3:", 9);
    used(&w, Some(&runner), "s3:", 3);
    for (arn, last, total, entities) in [
        (DEVS, BOB, 1, vec!["Bob", "Ann"]),
        (&policy, "arn:aws:iam::111122223333:role/Runner", 2, vec!["Runner", "Bob", "Ann"]),
    ] {
        let job = generate(&w, arn, "SERVICE_LEVEL").await;
        let service = details(&w, &job).await["ServicesLastAccessed"][0].clone();
        assert_eq!(service["LastAuthenticatedEntity"], last);
        assert_eq!(service["TotalAuthenticatedEntities"], total);
        // One entity a page.
        let (mut found, mut marker) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({"JobId": job, "ServiceNamespace": "s3", "MaxItems": 1});
            if !marker.is_null() {
                request["Marker"] = marker;
            }
            let page = w.ok::<op::GetServiceLastAccessedDetailsWithEntities>(request).await;
            let entity = &page["EntityDetailsList"][0];
            let name = entity["EntityInfo"]["Name"].as_str().unwrap().to_owned();
            assert_eq!(entity["LastAuthenticated"].is_null(), name == "Ann");
            found.push(name);
            marker = page["Marker"].clone();
            if page["IsTruncated"] == false {
                break;
            }
        }
        assert_eq!(found, entities);
    }
    let job = generate(&w, DEVS, "SERVICE_LEVEL").await;
    let other = json!({"JobId": job, "ServiceNamespace": "ec2"});
    let other = w.ok::<op::GetServiceLastAccessedDetailsWithEntities>(other).await;
    assert_eq!(other["EntityDetailsList"], Value::Null);
}

#[tokio::test]
async fn a_job_belongs_to_its_creator() {
    let (w, ..) = world().await;
    let needs = format!("iam:GenerateServiceLastAccessedDetails {BOB}");
    w.needs::<op::GenerateServiceLastAccessedDetails>(json!({"Arn": BOB}), &[&needs]).await;
    let job = generate(&w, BOB, "SERVICE_LEVEL").await;
    let request = json!({"JobId": job});
    w.needs::<op::GetServiceLastAccessedDetails>(request.clone(), &["iam:GetServiceLastAccessedDetails *"]).await;
    let job = job.as_str().unwrap();
    let missing = format!("NoSuchEntity: The report with job id {job} cannot be found.");
    w.as_user("Bob").await.fails::<op::GetServiceLastAccessedDetails>(request.clone(), &missing).await;
    w.as_root("444455556666").fails::<op::GetServiceLastAccessedDetails>(request.clone(), &missing).await;
    w.fails::<op::GetOrganizationsAccessReport>(request.clone(), &missing).await;
    // A deleted subject fails the job; it does not break it.
    w.ok::<op::CreateUser>(json!({"UserName": "Gone"})).await;
    let job = generate(&w, "arn:aws:iam::111122223333:user/Gone", "SERVICE_LEVEL").await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Gone"})).await;
    let report = details(&w, &job).await;
    assert_eq!((&report["JobStatus"], &report["Error"]["Code"]), (&json!("FAILED"), &json!("NoSuchEntity")));
}

#[tokio::test]
async fn what_is_not_an_entity_is_refused() {
    let (w, ..) = world().await;
    for (arn, expected) in [
        ("not-an-arn-but-long-enough", "InvalidInput: ARN not-an-arn-but-long-enough is not valid."),
        ("arn:aws:iam::111122223333:mfa/Bob", "InvalidInput: ARN arn:aws:iam::111122223333:mfa/Bob is not valid."),
        ("arn:aws:iam::111122223333:user/No", "NoSuchEntity: The user with name No cannot be found."),
        ("arn:aws:iam::111122223333:user/x/Bob", "NoSuchEntity: The user with name Bob cannot be found."),
        (
            "arn:aws:iam::111122223333:policy/No",
            "NoSuchEntity: Policy arn:aws:iam::111122223333:policy/No was not found.",
        ),
    ] {
        w.fails::<op::GenerateServiceLastAccessedDetails>(json!({"Arn": arn}), expected).await;
    }
}

#[tokio::test]
async fn the_management_account_reports_on_the_organization() {
    let w = World::new().await;
    let other = w.ok::<op::CreateAccount>(json!({"accountName": "Pond", "email": "pond@example.com"})).await;
    let other = other["account"]["accountId"].as_str().unwrap().to_owned();
    let time = w.deployment.clock.now();
    for (account, action, time) in
        [(&other, "iam:ListUsers", time), (&ACCOUNT.to_owned(), "sts:AssumeRole", time - SignedDuration::from_secs(1))]
    {
        w.deployment.recent_uses.services.note(AccountId::parse(account).unwrap(), None, action, "eu-central-1", time);
    }
    let id = w.ok::<op::ListOrganizationsFeatures>(json!({})).await["OrganizationId"].as_str().unwrap().to_owned();
    let root = format!("{id}/r-{}", &id[2..6]);
    let report = async |path: &str, sort: &str| {
        let request = json!({"EntityPath": path, "OrganizationsPolicyId": "p-FullAWSAccess"});
        let job = w.ok::<op::GenerateOrganizationsAccessReport>(request).await["JobId"].clone();
        w.ok::<op::GetOrganizationsAccessReport>(json!({"JobId": job, "SortKey": sort})).await
    };
    let all = report(&format!("{root}/"), "LAST_AUTHENTICATED_TIME_DESCENDING").await;
    assert_eq!((&all["NumberOfServicesAccessible"], &all["NumberOfServicesNotAccessed"]), (&json!(4), &json!(3)));
    let first = &all["AccessDetails"][0];
    assert_eq!(first["EntityPath"], format!("{root}/{other}/"));
    assert_eq!((&first["ServiceNamespace"], &first["TotalAuthenticatedEntities"]), (&json!("iam"), &json!(1)));
    let own = report(&format!("{root}/{ACCOUNT}"), "SERVICE_NAMESPACE_DESCENDING").await;
    assert_eq!(column(&own["AccessDetails"], "ServiceNamespace"), ["sts", "iam", "cloudtrail", "bailiwick"]);
    assert_eq!(own["AccessDetails"][0]["EntityPath"], format!("{root}/{ACCOUNT}/"));
    assert_eq!(own["AccessDetails"][1]["LastAuthenticatedTime"], Value::Null);

    let needs = format!("iam:GenerateOrganizationsAccessReport arn:aws:iam::{ACCOUNT}:access-report/{root}");
    w.needs::<op::GenerateOrganizationsAccessReport>(json!({"EntityPath": root}), &[&needs]).await;
    let member = w.as_root(&other);
    let refused = "AccessDenied: only the management account of the organization may report on its accounts";
    member.fails::<op::GenerateOrganizationsAccessReport>(json!({"EntityPath": root}), refused).await;
    for (request, expected) in [
        (
            json!({"EntityPath": format!("{root}/ou-abcd-12345678/")}),
            format!("entity path {root}/ou-abcd-12345678/ is not one of this organization"),
        ),
        (
            json!({"EntityPath": format!("{root}/999999999999")}),
            format!("entity path {root}/999999999999 is not one of this organization"),
        ),
        (
            json!({"EntityPath": root, "OrganizationsPolicyId": "p-abcdefgh"}),
            "service control policy p-abcdefgh does not exist".into(),
        ),
    ] {
        w.fails::<op::GenerateOrganizationsAccessReport>(request, &format!("InvalidInput: The {expected}.")).await;
    }
}
