use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World};

const OTHER: &str = "444455556666";
const DAY: i64 = 24 * 3600;

/// A request of the main account for this account, or for any.
fn request(owner: Option<&str>) -> Value {
    let mut request = json!({
        "Description": "Sets photos up",
        "Permissions": {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/IdentityReview"},
        "RequestorWorkflowId": "workflow-1",
        "NotificationChannel": format!("arn:aws:sns:eu-central-1:{ACCOUNT}:delegations"),
        "SessionDuration": 3600,
    });
    if let Some(owner) = owner {
        request["OwnerAccountId"] = owner.into();
    }
    request
}

/// Creates a request; the members replace those of [`request`].
async fn create(w: &World, owner: Option<&str>, members: Value) -> Value {
    let mut request = request(owner);
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    w.ok::<op::CreateDelegationRequest>(request).await["DelegationRequestId"].clone()
}

async fn get(w: &World, id: &Value) -> Value {
    w.ok::<op::GetDelegationRequest>(json!({"DelegationRequestId": id})).await["DelegationRequest"].clone()
}

fn missing(id: &Value) -> String {
    format!("NoSuchEntity: The delegation request {} cannot be found.", id.as_str().unwrap())
}

/// A user of the main account with a request that waits for a decision.
async fn associated() -> (World, World, Value) {
    let w = World::new().await;
    w.user("Ann").await;
    let ann = w.as_user("Ann").await;
    let id = create(&w, Some(ACCOUNT), json!({})).await;
    ann.ok::<op::AssociateDelegationRequest>(json!({"DelegationRequestId": id})).await;
    (w, ann, id)
}

#[tokio::test]
async fn a_request_goes_through_its_life() {
    let (w, ann, id) = associated().await;
    let named = json!({"DelegationRequestId": id});
    let shown = get(&w, &id).await;
    assert_eq!((&shown["State"], &shown["OwnerAccountId"]), (&json!("ASSIGNED"), &json!(ACCOUNT)));
    assert_eq!(shown["OwnerId"], format!("arn:aws:iam::{ACCOUNT}:user/Ann"));
    assert_eq!(shown["RequestorId"], ACCOUNT);
    assert!(shown["PermissionPolicy"].as_str().unwrap().contains("iam:Get*"));
    ann.ok::<op::UpdateDelegationRequest>(json!({"DelegationRequestId": id, "Notes": "please"})).await;
    let shown = get(&w, &id).await;
    assert_eq!((&shown["State"], &shown["Notes"]), (&json!("PENDING_APPROVAL"), &json!("please")));
    w.ok::<op::AcceptDelegationRequest>(named.clone()).await;
    let shown = get(&w, &id).await;
    assert_eq!(shown["ApproverId"], format!("arn:aws:iam::{ACCOUNT}:root"));
    ann.ok::<op::SendDelegationToken>(named.clone()).await;
    assert_eq!(get(&w, &id).await["State"], "FINALIZED");
    let listed = w.ok::<op::ListDelegationRequests>(json!({})).await;
    assert_eq!(listed["DelegationRequests"], json!([get(&w, &id).await]));
    // Replays and rejections come too late.
    let late = |wanted: &str| {
        format!(
            "InvalidInput: The delegation request {} is in the state FINALIZED; this needs the state {wanted}.",
            id.as_str().unwrap()
        )
    };
    w.fails::<op::SendDelegationToken>(named.clone(), &late("ACCEPTED")).await;
    w.fails::<op::AcceptDelegationRequest>(named.clone(), &late("ASSIGNED or PENDING_APPROVAL")).await;
    w.fails::<op::UpdateDelegationRequest>(named.clone(), &late("ASSIGNED or PENDING_APPROVAL")).await;
    w.fails::<op::RejectDelegationRequest>(named.clone(), &late("ASSIGNED or PENDING_APPROVAL or ACCEPTED")).await;
    w.fails::<op::AssociateDelegationRequest>(named, &late("UNASSIGNED")).await;
}

#[tokio::test]
async fn a_rejection_is_final_even_after_an_acceptance() {
    let (w, _, id) = associated().await;
    let named = json!({"DelegationRequestId": id});
    w.ok::<op::AcceptDelegationRequest>(named.clone()).await;
    w.ok::<op::RejectDelegationRequest>(json!({"DelegationRequestId": id, "Notes": "too much"})).await;
    let shown = get(&w, &id).await;
    assert_eq!((&shown["State"], &shown["RejectionReason"]), (&json!("REJECTED"), &json!("too much")));
    assert_eq!(shown["ApproverId"], Value::Null);
    for refused in [
        w.call::<op::AcceptDelegationRequest>(named.clone()).await.is_err(),
        w.call::<op::SendDelegationToken>(named.clone()).await.is_err(),
        w.call::<op::UpdateDelegationRequest>(named.clone()).await.is_err(),
        w.call::<op::RejectDelegationRequest>(named).await.is_err(),
    ] {
        assert!(refused);
    }
}

#[tokio::test]
async fn requests_expire() {
    let (w, _, accepted) = associated().await;
    let unassigned = create(&w, None, json!({"RequestorWorkflowId": "workflow-2"})).await;
    let named = |id: &Value| json!({"DelegationRequestId": id});
    w.clock.advance(DAY - 1);
    assert_eq!(get(&w, &unassigned).await["State"], "UNASSIGNED");
    w.ok::<op::AcceptDelegationRequest>(named(&accepted)).await;
    w.clock.advance(1);
    assert_eq!(get(&w, &unassigned).await["State"], "EXPIRED");
    let expired = |id: &Value, wanted: &str| {
        format!(
            "InvalidInput: The delegation request {} is in the state EXPIRED; this needs the state {wanted}.",
            id.as_str().unwrap()
        )
    };
    w.fails::<op::AssociateDelegationRequest>(named(&unassigned), &expired(&unassigned, "UNASSIGNED")).await;
    // An acceptance lasts for seven days, and the token cannot be sent after that.
    w.clock.advance(7 * DAY - 2);
    assert_eq!(get(&w, &accepted).await["State"], "ACCEPTED");
    w.clock.advance(1);
    w.fails::<op::SendDelegationToken>(named(&accepted), &expired(&accepted, "ACCEPTED")).await;
    // Expired requests are removed by later ones, seven days after.
    w.clock.advance(8 * DAY);
    create(&w, None, json!({})).await;
    w.fails::<op::GetDelegationRequest>(named(&accepted), &missing(&accepted)).await;
    assert_eq!(w.ok::<op::ListDelegationRequests>(json!({})).await["DelegationRequests"], Value::Null);
}

/// Notes do not keep a request alive.
#[tokio::test]
async fn notes_do_not_prolong_a_request() {
    let (w, ann, id) = associated().await;
    let note = json!({"DelegationRequestId": id, "Notes": "again"});
    ann.ok::<op::UpdateDelegationRequest>(note.clone()).await;
    let expires = get(&w, &id).await["ExpirationTime"].clone();
    w.clock.advance(DAY);
    ann.ok::<op::UpdateDelegationRequest>(note).await;
    assert_eq!(get(&w, &id).await["ExpirationTime"], expires);
}

#[tokio::test]
async fn other_accounts_cannot_take_part() {
    let w = World::new().await;
    let made = w.ok::<op::CreateAccount>(json!({"accountName": "Pond", "email": "pond@example.com"})).await;
    let owner = made["account"]["accountId"].as_str().unwrap().to_owned();
    let id = create(&w, Some(&owner), json!({})).await;
    let named = json!({"DelegationRequestId": id});
    let (theirs, stranger) = (w.as_root(&owner), w.as_root(OTHER));
    // The requestor sees the request, but does nothing with it.
    assert_eq!(get(&w, &id).await["State"], "UNASSIGNED");
    for world in [&w, &stranger] {
        world.fails::<op::AssociateDelegationRequest>(named.clone(), &missing(&id)).await;
    }
    stranger.fails::<op::GetDelegationRequest>(named.clone(), &missing(&id)).await;
    // Without an owner there is nothing to decide.
    theirs.fails::<op::AcceptDelegationRequest>(named.clone(), &missing(&id)).await;
    theirs.ok::<op::AssociateDelegationRequest>(named.clone()).await;
    for world in [&w, &stranger] {
        world.fails::<op::AcceptDelegationRequest>(named.clone(), &missing(&id)).await;
        world.fails::<op::RejectDelegationRequest>(named.clone(), &missing(&id)).await;
        world.fails::<op::UpdateDelegationRequest>(named.clone(), &missing(&id)).await;
        world.fails::<op::SendDelegationToken>(named.clone(), &missing(&id)).await;
        assert_eq!(world.ok::<op::ListDelegationRequests>(json!({})).await["DelegationRequests"], Value::Null);
    }
    theirs.ok::<op::AcceptDelegationRequest>(named.clone()).await;
    w.fails::<op::SendDelegationToken>(named, &missing(&id)).await;
}

#[tokio::test]
async fn only_the_owner_sends_if_the_requestor_wants_it() {
    let w = World::new().await;
    w.user("Ann").await;
    let ann = w.as_user("Ann").await;
    let id = create(&w, None, json!({"OnlySendByOwner": true})).await;
    let named = json!({"DelegationRequestId": id});
    ann.ok::<op::AssociateDelegationRequest>(named.clone()).await;
    w.ok::<op::AcceptDelegationRequest>(named.clone()).await;
    let refused = "AccessDenied: only the owner of the delegation request may send its token";
    w.fails::<op::SendDelegationToken>(named.clone(), refused).await;
    // A new user of the same name is not the owner.
    w.ok::<op::DeleteUser>(json!({"UserName": "Ann"})).await;
    w.user("Ann").await;
    w.as_user("Ann").await.fails::<op::SendDelegationToken>(named, refused).await;
}

#[tokio::test]
async fn who_accepts_limits_what_is_accepted() {
    let w = World::new().await;
    let id = create(&w, None, json!({"SessionDuration": 4 * 3600 + 1})).await;
    let named = json!({"DelegationRequestId": id});
    w.ok::<op::AssociateDelegationRequest>(named.clone()).await;
    let root = "InvalidInput: A root user can accept delegation requests of at most four hours only.";
    w.fails::<op::AcceptDelegationRequest>(named.clone(), root).await;
    w.user("Ann").await;
    w.as_user("Ann").await.ok::<op::AcceptDelegationRequest>(named).await;
}

#[tokio::test]
async fn permissions_are_checked_on_the_request() {
    let (w, _, id) = associated().await;
    let named = json!({"DelegationRequestId": id});
    let arn = format!("arn:aws:iam::{ACCOUNT}:delegation-request/{}", id.as_str().unwrap());
    let owned = format!("{arn} iam:DelegationRequestOwner=arn:aws:iam::{ACCOUNT}:user/Ann");
    w.needs::<op::GetDelegationRequest>(named.clone(), &[&format!("iam:GetDelegationRequest {owned}")]).await;
    w.needs::<op::AssociateDelegationRequest>(named.clone(), &[&format!("iam:AssociateDelegationRequest {owned}")])
        .await;
    w.needs::<op::UpdateDelegationRequest>(named.clone(), &[&format!("iam:UpdateDelegationRequest {owned}")]).await;
    w.needs::<op::AcceptDelegationRequest>(named.clone(), &[&format!("iam:AcceptDelegationRequest {owned}")]).await;
    w.needs::<op::RejectDelegationRequest>(named.clone(), &[&format!("iam:RejectDelegationRequest {owned}")]).await;
    w.needs::<op::SendDelegationToken>(named, &[&format!("iam:SendDelegationToken {owned}")]).await;
    w.needs::<op::ListDelegationRequests>(json!({}), &["iam:ListDelegationRequests *"]).await;
    let ann = format!("arn:aws:iam::{ACCOUNT}:user/Ann");
    let own = format!("iam:ListDelegationRequests * iam:DelegationRequestOwner={ann}");
    w.needs::<op::ListDelegationRequests>(json!({"OwnerId": ann}), &[&own]).await;
    let summary = format!("iam:GetHumanReadableSummary {owned}");
    w.needs::<op::GetHumanReadableSummary>(json!({"EntityArn": arn}), &[&summary]).await;
    // The id of the new request, which the tests' random numbers determine.
    let new = format!("arn:aws:iam::{ACCOUNT}:delegation-request/2494dd9e-f4e5-42bb-a388-62ed2f8a54fc");
    let keys = format!(
        "iam:CreateDelegationRequest {new} iam:DelegationDuration=3600 \
         iam:NotificationChannel=arn:aws:sns:eu-central-1:{ACCOUNT}:delegations \
         iam:TemplateArn=arn:aws:iam:::delegation-template/IdentityReview"
    );
    w.needs::<op::CreateDelegationRequest>(request(None), &[&keys]).await;
}

#[tokio::test]
async fn a_request_is_checked_when_it_is_created() {
    let w = World::new().await;
    create(&w, None, json!({})).await;
    let template = |name: &str, parameters: Value| json!({"PolicyTemplateArn": format!("arn:aws:iam:::delegation-template/{name}"), "Parameters": parameters});
    let string = |name: &str, value: &str| json!({"Name": name, "Values": [value], "Type": "string"});
    let channel = "is not the ARN of an SNS topic in the caller's account.";
    for (members, expected) in [
        (json!({}), "EntityAlreadyExists: A delegation request with workflow id workflow-1 already exists.".to_owned()),
        (json!({"NotificationChannel": "mail"}), format!("InvalidInput: The notification channel mail {channel}")),
        (
            json!({"NotificationChannel": "arn:aws:sns:eu-central-1:444455556666:theirs"}),
            format!("InvalidInput: The notification channel arn:aws:sns:eu-central-1:444455556666:theirs {channel}"),
        ),
        (
            json!({"Permissions": template("Everything", json!([]))}),
            "InvalidInput: The policy template arn:aws:iam:::delegation-template/Everything does not exist.".into(),
        ),
        (json!({"Permissions": {}}), "InvalidInput: The policy template  does not exist.".into()),
        (
            json!({"Permissions": template("RoleSetup", json!([string("RolePath", "/photos/")]))}),
            "InvalidInput: The parameter BoundaryArn is missing.".into(),
        ),
        (
            json!({"Permissions": template("IdentityReview", json!([string("RolePath", "/photos/")]))}),
            "InvalidInput: The parameter RolePath is unknown to the policy template or given twice.".into(),
        ),
        (
            json!({"Permissions": template("ServiceReview", json!([
                string("ServicePrefix", "*"), {"Name": "ResourceArns", "Values": ["arn:aws:s3:::a"], "Type": "stringList"},
            ]))}),
            "InvalidInput: The parameter ServicePrefix must be the prefix of a service, of type string.".into(),
        ),
    ] {
        let mut request = request(None);
        for (name, value) in members.as_object().unwrap() {
            request[name] = value.clone();
        }
        w.fails::<op::CreateDelegationRequest>(request, &expected).await;
    }
}

#[tokio::test]
async fn a_summary_says_what_is_asked_for() {
    let w = World::new().await;
    let bound = format!("arn:aws:iam::{ACCOUNT}:policy/Bound");
    let parameters = json!([
        {"Name": "RolePath", "Values": ["/photos/"], "Type": "string"},
        {"Name": "BoundaryArn", "Values": [bound], "Type": "string"},
    ]);
    let permissions =
        json!({"PolicyTemplateArn": "arn:aws:iam:::delegation-template/RoleSetup", "Parameters": parameters});
    let id = create(&w, None, json!({"Permissions": permissions, "SessionDuration": 5400})).await;
    assert_eq!(get(&w, &id).await["RolePermissionRestrictionArns"], json!([bound]));
    let arn = format!("arn:aws:iam::{ACCOUNT}:delegation-request/{}", id.as_str().unwrap());
    let summary = w.ok::<op::GetHumanReadableSummary>(json!({"EntityArn": arn, "Locale": "en-GB"})).await;
    assert_eq!((&summary["SummaryState"], &summary["Locale"]), (&json!("AVAILABLE"), &json!("en-GB")));
    let text = summary["SummaryContent"].as_str().unwrap();
    let expected = format!(
        " (account {ACCOUNT}) asks for temporary access to an account for 90 minutes.\n\
         - Allows iam:AttachRolePolicy, iam:CreateRole, iam:PutRolePolicy on arn:*:iam::*:role/photos/*, if \
         iam:PermissionsBoundary StringEquals {bound}.\n\
         Roles that it creates must have the permissions boundary {bound}.\nState: UNASSIGNED."
    );
    assert!(text.ends_with(&expected), "{text}");
    let german = w.ok::<op::GetHumanReadableSummary>(json!({"EntityArn": arn, "Locale": "de"})).await;
    assert_eq!((&german["SummaryState"], &german["SummaryContent"]), (&json!("NOT_SUPPORTED"), &Value::Null));
    let theirs = arn.replace(ACCOUNT, OTHER);
    w.fails::<op::GetHumanReadableSummary>(json!({"EntityArn": theirs}), &missing(&id)).await;
    let user = format!("arn:aws:iam::{ACCOUNT}:user/Ann");
    let refused = format!("InvalidInput: ARN {user} is not valid.");
    w.fails::<op::GetHumanReadableSummary>(json!({"EntityArn": user}), &refused).await;
}

#[tokio::test]
async fn a_permission_check_compares_policies() {
    let w = World::new().await;
    let id = create(&w, None, json!({})).await;
    w.user("Ann").await;
    let ann = w.as_user("Ann").await;
    let check = async |world: &World| {
        let request = json!({"DelegationRequestId": id, "DelegationPermissionCheck": true});
        let shown = world.ok::<op::GetDelegationRequest>(request).await;
        assert_eq!(shown["PermissionCheckStatus"], "COMPLETE");
        shown["PermissionCheckResult"].as_str().unwrap().to_owned()
    };
    assert_eq!(check(&w).await, "ALLOWED");
    assert_eq!(check(&ann).await, "DENIED");
    for (effect, action, expected) in
        [("Allow", "iam:Get*", "UNSURE"), ("Allow", "*", "ALLOWED"), ("Deny", "s3:*", "UNSURE")]
    {
        let document =
            json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": "*"}});
        let name = action.replace([':', '*'], "-");
        let put = json!({"UserName": "Ann", "PolicyName": format!("p{name}"), "PolicyDocument": document.to_string()});
        w.ok::<op::PutUserPolicy>(put).await;
        assert_eq!(check(&ann).await, expected, "{action}");
    }
}
