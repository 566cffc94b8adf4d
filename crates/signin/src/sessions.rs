//! Sign-in sessions: list, revoke, and end by their owner.

use bailiwick_api::op;
use bailiwick_api::signin as pb;
use bailiwick_directory::UserOrCaller;
use bailiwick_model::{AccessKeyId, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned, SessionKind};
use bailiwick_storage::{KeyOwner, SignInSession, Tx};
use bailiwick_sts::date;

use crate::SignIn;

/// Lists the sessions of a user, or of the caller.
///
/// # Errors
/// `NoSuchEntity` if the user is missing; `ValidationError` if no user is named and the caller is not one.
impl Handle<op::ListSignInSessions> for SignIn {
    type Plan = UserOrCaller;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListSignInSessionsRequest) -> Result<Planned<UserOrCaller>> {
        plan(cx, tx, &req.user_name, "bailiwick:ListSignInSessions").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, user: UserOrCaller) -> Result<pb::ListSignInSessionsResponse> {
        let owner = user.get()?.key_owner();
        let mut sessions = tx.sign_in_sessions(cx.account(), &owner).await?;
        sessions.retain(|session| session.expires > cx.now());
        sessions.reverse();
        let own = own(cx);
        let sessions = sessions.into_iter().map(|session| view(session, own)).collect();
        Ok(pb::ListSignInSessionsResponse { sessions })
    }
}

/// Revokes sessions of a user, or of the caller.
///
/// # Errors
/// As [`op::ListSignInSessions`]; `NoSuchEntity` for a session that the user does not have.
impl Handle<op::RevokeSignInSessions> for SignIn {
    type Plan = (UserOrCaller, Vec<String>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::RevokeSignInSessionsRequest) -> Result<Planned<Self::Plan>> {
        let planned = plan(cx, tx, &req.user_name, "bailiwick:RevokeSignInSessions").await?;
        Ok(planned.with(req.session_ids))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, ids): Self::Plan) -> Result<pb::RevokeSignInSessionsResponse> {
        let owner = user.get()?.key_owner();
        let session_ids =
            end(cx, tx, &owner, |session| ids.is_empty() || ids.iter().any(|id| id == session.id.as_str())).await?;
        if let Some(missing) = ids.iter().find(|id| !session_ids.contains(id)) {
            let message = format!("The sign-in session with id {missing} cannot be found.");
            return Err(IamError::new(ErrorCode::NoSuchEntity, message));
        }
        Ok(pb::RevokeSignInSessionsResponse { session_ids })
    }
}

/// Ends the session of the call.
///
/// # Errors
/// `AccessDenied` if the call does not come with the token of a sign-in session, or with its temporary keys.
impl Handle<op::SignOut> for SignIn {
    type Plan = AccessKeyId;

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::SignOutRequest) -> Result<Planned<AccessKeyId>> {
        let id = own(cx).ok_or_else(not_signed_in)?.clone();
        Ok(Planned::new(id).check(Check::without_resource("bailiwick:SignOut", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, id: AccessKeyId) -> Result<pb::SignOutResponse> {
        let owner = cx.caller().principal.identity().map_or(KeyOwner::Root, |user| KeyOwner::User(*user));
        end(cx, tx, &owner, |session| session.id == id).await?;
        Ok(pb::SignOutResponse {})
    }
}

/// Looks up the user and names the check.
async fn plan(cx: &Cx, tx: &mut Tx, name: &Option<String>, action: &'static str) -> Result<Planned<UserOrCaller>> {
    let mut planned = UserOrCaller::plan(cx, tx, name, action).await?;
    for check in &mut planned.checks {
        // Only actions of IAM have this one.
        check.context.retain(|(key, _)| !key.starts_with("iam:ResourceTag/"));
    }
    Ok(planned)
}

/// The sign-in session of the call, if it is one, or its temporary keys are.
pub(crate) fn own(cx: &Cx) -> Option<&AccessKeyId> {
    let session = cx.caller().session.as_deref().filter(|session| session.kind == SessionKind::SignIn)?;
    Some(session.parent_key.as_ref().unwrap_or(&session.access_key_id))
}

/// The refusal of a call without a sign-in session.
pub(crate) fn not_signed_in() -> IamError {
    IamError::new(ErrorCode::AccessDenied, "the call does not come with a sign-in session")
}

/// Ends the sessions that are selected, and those that have expired. Returns the ids of the former.
async fn end(
    cx: &Cx,
    tx: &mut Tx,
    owner: &KeyOwner,
    is_selected: impl Fn(&SignInSession) -> bool,
) -> Result<Vec<String>> {
    let mut sessions = tx.sign_in_sessions(cx.account(), owner).await?;
    let before = sessions.len();
    sessions.retain(|session| session.expires > cx.now());
    let (ended, kept): (Vec<_>, Vec<_>) = sessions.into_iter().partition(is_selected);
    if kept.len() < before {
        tx.put_sign_in_sessions(cx.account(), owner, kept);
    }
    Ok(ended.into_iter().map(|session| session.id.to_string()).collect())
}

fn view(session: SignInSession, own: Option<&AccessKeyId>) -> pb::SignInSession {
    pb::SignInSession {
        current: own == Some(&session.id),
        session_id: session.id.to_string(),
        create_date: Some(date(session.issued)),
        expiration: Some(date(session.expires)),
        mfa_authenticated: session.mfa,
        source_ip: session.source_ip,
        user_agent: session.user_agent,
    }
}
