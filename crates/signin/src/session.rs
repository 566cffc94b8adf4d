//! The start of a sign-in session.

use std::sync::Arc;

use bailiwick_api::signin::SignInToken;
use bailiwick_model::{AccessKeyKind, AccountId, Result};
use bailiwick_operation::{Caller, Credential, Cx, NoCaller, Principal, Session, SessionKind};
use bailiwick_storage::{KeyOwner, RootPassword, SignInSession, Tx, User};
use bailiwick_sts::{Tokens, date, expiry};

use crate::attempt::{Candidate, Identity};

/// The maximum duration of a session, in seconds, as that of AWS's console.
const LONGEST: u32 = 12 * 3_600;
/// The maximum number of sessions of a person. A new one ends the oldest.
const MOST: usize = 50;

/// Starts the session of a person: stores it, records the use of the password, and issues the token.
///
/// # Errors
/// `ServiceFailure`.
pub(crate) async fn start(cx: &Cx<NoCaller>, tx: &mut Tx, person: &Candidate, has_mfa: bool) -> Result<SignInToken> {
    let account = person.account.id;
    match &person.identity {
        Identity::User(user, _) => {
            // The password may have been changed by this transaction, the user not.
            let used = User { password_last_used: Some(cx.date()), ..User::clone(user) };
            tx.update(&**user, &used).await?;
        }
        Identity::Root(password) => {
            let used = RootPassword { last_used: Some(cx.date()), ..password.clone() };
            tx.put_account_setting(account, &used).await?;
        }
    }
    let longest = match &person.identity {
        Identity::User(_, profile) => profile.max_signin_session_seconds,
        Identity::Root(_) => None,
    };
    open(cx, tx, account, person.owner(), person.principal(), longest, has_mfa).await
}

/// Starts a session of root, who has no password yet.
///
/// # Errors
/// `ServiceFailure`.
pub(crate) async fn start_of_root(cx: &Cx<NoCaller>, tx: &mut Tx, account: AccountId) -> Result<SignInToken> {
    open(cx, tx, account, KeyOwner::Root, Principal::Root { account }, None, false).await
}

/// Stores a session and issues its token.
async fn open(
    cx: &Cx<NoCaller>,
    tx: &mut Tx,
    account: AccountId,
    owner: KeyOwner,
    principal: Principal,
    longest: Option<u32>,
    has_mfa: bool,
) -> Result<SignInToken> {
    let expires = expiry(cx, i64::from(longest.unwrap_or(LONGEST).min(LONGEST)));
    let id = cx.new_access_key_id(AccessKeyKind::Temporary, account);
    let request = cx.request();
    let mut sessions = tx.sign_in_sessions(account, &owner).await?;
    sessions.retain(|session| session.expires > cx.now());
    let surplus = (sessions.len() + 1).saturating_sub(MOST);
    sessions.drain(..surplus);
    sessions.push(SignInSession {
        id: id.clone(),
        issued: cx.now(),
        expires,
        mfa: has_mfa,
        source_ip: request.source_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: request.user_agent.as_deref().unwrap_or_default().chars().take(256).collect(),
    });
    tx.put_sign_in_sessions(account, &owner, sessions);
    let arn = principal.arn(cx.partition()).to_string();
    let caller = Caller {
        principal,
        credential: Credential::Bearer(id.clone()),
        session: Some(Arc::new(Session::new(SessionKind::SignIn, id.clone(), cx.issue(), expires))),
        mfa: has_mfa.then_some(cx.now()),
    };
    Ok(SignInToken {
        token: Tokens::of(cx.deployment()).issue_bearer(&caller, cx.issue(), expires)?,
        expiration: Some(date(expires)),
        session_id: id.to_string(),
        arn,
        mfa_authenticated: has_mfa,
    })
}
