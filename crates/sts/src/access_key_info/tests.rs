use bailiwick_testing::HandlerTest;
use serde_json::json;

use crate::Sts;
use crate::testing::{root, session, user, world};
use bailiwick_api::op;

#[tokio::test]
async fn every_key_id_has_its_account() {
    let test = HandlerTest::new(world().await, Sts, user());
    for key in [root().access_key_id().unwrap(), session(&[], &[], None).access_key_id().unwrap()] {
        let answer = test.ok::<op::GetAccessKeyInfo>(json!({"AccessKeyId": key.as_str()})).await;
        assert_eq!(answer, json!({"Account": "111122223333"}));
    }
    test.needs::<op::GetAccessKeyInfo>(
        json!({"AccessKeyId": root().access_key_id().unwrap().as_str()}),
        &["sts:GetAccessKeyInfo *"],
    )
    .await;
    for bad in ["not_one_of_ours_at_all", "0000000000000000"] {
        let error = test.call::<op::GetAccessKeyInfo>(json!({"AccessKeyId": bad})).await.unwrap_err();
        assert_eq!(error.code().wire(), "ValidationError", "{bad}");
    }
}
