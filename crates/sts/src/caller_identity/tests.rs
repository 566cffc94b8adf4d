use super::*;
use crate::testing::{root, session, user, world};

#[tokio::test]
async fn every_caller_gets_its_own_identity() {
    let world = world().await;
    for (caller, user_id, arn) in [
        (root(), "111122223333", "arn:aws:iam::111122223333:root"),
        (user(), "AIDAHHHHHHHHHHHHHHHHH", "arn:aws:iam::111122223333:user/birds/Heron"),
        (session(&[], &[], None), "AROAJJJJJJJJJJJJJJJJJ:swim", "arn:aws:sts::111122223333:assumed-role/Otter/swim"),
    ] {
        let (cx, mut tx) = (world.cx(caller), world.begin().await);
        let planned =
            Handle::<op::GetCallerIdentity>::plan(&Sts, &cx, &mut tx, GetCallerIdentityRequest {}).await.unwrap();
        assert_eq!(planned.checks[0].action, "sts:GetCallerIdentity");
        let answer = Handle::<op::GetCallerIdentity>::handle(&Sts, &cx, &mut tx, ()).await;
        let answer = answer.unwrap();
        assert_eq!(answer.user_id.as_deref(), Some(user_id));
        assert_eq!(answer.account.as_deref(), Some("111122223333"));
        assert_eq!(answer.arn.as_deref(), Some(arn));
    }
}
