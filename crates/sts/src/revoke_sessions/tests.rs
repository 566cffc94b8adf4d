use std::time::Duration;

use bailiwick_model::{Issue, StorePosition};
use bailiwick_testing::HandlerTest;
use serde_json::{Value, json};

use super::*;
use crate::testing::{MAIN, account, role, root, user, world};

const OTHER_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
const REQUEST: &str = "0b9f6a3e-5d2b-4c3e-9a51-6a1d2f3c4b5a";

#[tokio::test]
async fn one_subject_of_the_callers_account_is_named() {
    let test = HandlerTest::new(world().await, Sts, user());
    for request in [
        json!({}),
        json!({"allOfAccount": false}),
        json!({"roleName": "Otter", "userName": "Ana"}),
        json!({"roleName": "Otter", "allOfAccount": true}),
        json!({"accessKeyId": OTHER_KEY}),
        json!({"delegationRequestId": REQUEST, "allOfAccount": true}),
        json!({"accessKeyId": "0000000000000000"}),
        json!({"roleName": "a b"}),
    ] {
        let error = test.call::<op::RevokeSessions>(request.clone()).await.unwrap_err();
        assert_eq!(error.code().wire(), "ValidationError", "{request}");
    }
    for request in [json!({"roleName": "Otter"}), json!({"userName": "Ana"}), json!({"delegationRequestId": REQUEST})] {
        let error = test.call::<op::RevokeSessions>(request.clone()).await.unwrap_err();
        assert_eq!(error.code().wire(), "NoSuchEntity", "{request}");
    }
}

#[tokio::test]
async fn roles_users_keys_and_the_account_are_revoked_from_now_on() {
    let test = HandlerTest::new(world().await, Sts, user());
    role(&test, MAIN, "/water/", "Otter", 3600).await;
    test.user(MAIN, "Ana", "").await;
    let key = root().access_key_id().unwrap().to_string();
    let rows: [(Value, &str); 4] = [
        (json!({"roleName": "otter"}), "arn:aws:iam::111122223333:role/water/Otter aws:ResourceTag/team=reeds"),
        (json!({"userName": "ANA"}), "arn:aws:iam::111122223333:user/Ana aws:ResourceTag/Team=reeds"),
        (json!({"accessKeyId": key}), &format!("arn:aws:bailiwick::111122223333:session/{key}")),
        (json!({"allOfAccount": true}), "arn:aws:iam::111122223333:root"),
    ];
    let before = issue(&test).await;
    for (request, resource) in rows {
        test.needs::<op::RevokeSessions>(request.clone(), &[&format!("bailiwick:RevokeSessions {resource}")]).await;
        assert_eq!(test.ok::<op::RevokeSessions>(request).await, json!({}));
    }
    let from = Some(crate::testing::now() + Duration::from_micros(1));
    let mut tx = test.begin().await;
    let role = tx.find::<Role>(account(MAIN), &RoleName::parse("Otter").unwrap()).await.unwrap().unwrap();
    let user = tx.find::<User>(account(MAIN), &UserName::parse("Ana").unwrap()).await.unwrap().unwrap();
    let marked = tx.find_account(account(MAIN)).await.unwrap().unwrap();
    assert_eq!([role.sessions_valid_after, user.sessions_valid_after, marked.sessions_valid_after], [from; 3]);
    // A revocation is about what was issued on older views, also by a clock that is ahead, and leaves the rest.
    let later = Issue { time: before.time + Duration::from_secs(300), ..before };
    let after = Issue { time: before.time - Duration::from_secs(300), ..issue(&test).await };
    for subject in [&*key, "account", &format!("identity/{}", role.id), &format!("identity/{}", user.id)] {
        for (issue, is_revoked) in [(before, true), (later, true), (after, false)] {
            let found = tx.is_session_revoked(account(MAIN), subject, issue).await.unwrap();
            assert_eq!(found, is_revoked, "{subject} {issue:?}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_several_revocations_counts() {
    let test = HandlerTest::new(world().await, Sts, user());
    role(&test, MAIN, "/", "Otter", 3600).await;
    let first = issue(&test).await;
    test.ok::<op::RevokeSessions>(json!({"roleName": "Otter"})).await;
    let second = issue(&test).await;
    // By a server whose clock is behind.
    test.clock.set(crate::testing::time("11:50:00"));
    test.ok::<op::RevokeSessions>(json!({"roleName": "Otter"})).await;
    let third = issue(&test).await;
    let mut tx = test.begin().await;
    let role = tx.find::<Role>(account(MAIN), &RoleName::parse("Otter").unwrap()).await.unwrap().unwrap();
    let subject = format!("identity/{}", role.id);
    for (issue, is_ended) in [(first, true), (second, true), (third, false)] {
        let of = (account(MAIN), &*subject);
        let found = tx.is_ended_by(role.sessions_valid_after, of, issue).await.unwrap();
        assert_eq!(found, is_ended, "{issue:?}");
    }
}

/// What is issued now, at noon.
async fn issue(test: &HandlerTest<Sts>) -> Issue {
    let position = StorePosition { epoch: 0, restore_id: 0, revision: test.begin().await.revision().number() };
    Issue { time: crate::testing::now(), position: Some(position) }
}
