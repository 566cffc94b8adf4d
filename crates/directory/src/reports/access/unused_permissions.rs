//! ListUnusedPermissions: what policies allow and was not used.

use bailiwick_api::{account as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{ServiceUser, Tx};
use jiff::{SignedDuration, Timestamp};

use super::entities::{Named, Reported};
use super::services::allowed_actions;
use super::uses::Uses;
use crate::Directory;

/// The days after which an action counts as unused, if the request has none.
const UNUSED_DAYS: i32 = 90;

/// Lists the actions that are allowed to a user or role and that it did not use.
///
/// # Errors
/// `InvalidInput` for an ARN that is not of a user or role of the caller's account; `NoSuchEntity`.
impl Handle<op::ListUnusedPermissions> for Directory {
    /// The principal, and the days.
    type Plan = (Named, i32);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListUnusedPermissionsRequest) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "bailiwick:ListUnusedPermissions";
        let why = "principalArn must be the ARN of a user or role of the caller's account";
        let arn = &req.principal_arn;
        let own = [format!(":iam::{}:user/", cx.account()), format!(":iam::{}:role/", cx.account())];
        if !own.iter().any(|part| arn.contains(part)) {
            return Err(IamError::new(ErrorCode::InvalidInput, why).field("principalArn", why));
        }
        let (named, _) = Named::look_up(cx, tx, arn, ACTION).await?;
        let check = Check::without_resource(ACTION, cx.account());
        Ok(Planned::new((named, req.unused_days.unwrap_or(UNUSED_DAYS))).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, days): Self::Plan,
    ) -> Result<pb::ListUnusedPermissionsResponse> {
        let reported = named.get()?;
        let (id, created) = match &reported {
            Reported::User(user) => (user.id, user.created),
            Reported::Role(role) => (role.id, role.created),
            Reported::Group(_) | Reported::Policy(_) => return Err(IamError::internal("a report of another kind")),
        };
        let documents = reported.documents(cx, tx).await?;
        let allowed = allowed_actions(tx, &documents).await?;
        let uses = Uses::of(cx, tx, &ServiceUser { account: cx.account(), id: Some(id) }).await?;
        let since = cx.now().checked_sub(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MIN);
        let services = allowed.into_iter().filter(|(_, actions)| !actions.is_empty()).map(|(service, mut actions)| {
            actions.sort();
            let is_used = |name: &String| uses.of_action(&service, name).is_some_and(|used| used.time >= since);
            let (used_actions, unused_actions) = actions.into_iter().partition(is_used);
            let last = uses.of_service(&service).map(|used| date(used.time));
            pb::ServicePermissions { last_used_time: last, used_actions, unused_actions, service }
        });
        Ok(pb::ListUnusedPermissionsResponse { services: services.collect(), create_time: Some(date(created)) })
    }
}

fn date(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}
