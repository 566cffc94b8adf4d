//! The agent's source of sessions: the caller's profile, and a role.

use std::sync::Arc;

use bailiwick_api::op;
use bailiwick_api::sts::GetCallerIdentityRequest;
use bailiwick_model::Arn;
use bailiwick_operation::Clock as _;

use super::{Remote, RoleOptions};
use crate::agent::{Obtain, Session};
use crate::aws::Keys;
use crate::commands::remote::{Connection, Prepared};
use crate::failure::Failure;
use crate::system::SystemClock;

/// Reads profile and variables again for each session, so that a new sign-in is used at the next renewal.
pub(super) struct Caller {
    remote: Arc<Remote>,
    role: RoleOptions,
    /// The session that was opened with an MFA code, which later sessions begin with.
    with_mfa: Option<Keys>,
    /// Whether a person may be asked for a code: at the start only.
    may_ask: bool,
}

impl Caller {
    pub(super) fn new(remote: Remote, role: RoleOptions) -> Self {
        Caller { remote: Arc::new(remote), role, with_mfa: None, may_ask: true }
    }

    async fn prepared(&self) -> Result<Prepared, Failure> {
        let (remote, role) = (Arc::clone(&self.remote), self.role.role());
        // It may run a program.
        let prepared = tokio::task::spawn_blocking(move || remote.resolve(role)?.prepared()).await;
        prepared.map_err(|e| Failure::new(format!("cannot read the profiles: {e}")))?
    }

    /// Replaces the keys of a caller with MFA by a session that was opened with a code.
    async fn proved(&mut self, connection: &mut Connection, may_ask: bool) -> Result<(), Failure> {
        let Some(serial) = connection.take_mfa_serial().or_else(|| self.role.mfa_serial().map(str::to_owned)) else {
            return Ok(());
        };
        let now = SystemClock.now();
        let is_valid = |keys: &&Keys| keys.expiration.is_none_or(|expiration| now < expiration);
        let keys = match self.with_mfa.as_ref().filter(is_valid) {
            Some(keys) => keys.clone(),
            None if may_ask => connection.session_token(None, Some(&serial)).await?,
            None => {
                let message = format!("a new code of {serial} is needed: start the agent again on a terminal");
                return Err(Failure::new(message));
            }
        };
        connection.set_keys(keys.clone());
        self.with_mfa = Some(keys);
        Ok(())
    }
}

impl Obtain for Caller {
    async fn obtain(&mut self) -> Result<Session, Failure> {
        let may_ask = std::mem::take(&mut self.may_ask);
        let obtained = SystemClock.now();
        let mut connection = self.prepared().await?.connect_only().await?;
        self.proved(&mut connection, may_ask).await?;
        let role = connection.assume_roles().await?;
        if role.is_none() && connection.keys().session_token.is_none() {
            // Clients cannot renew keys that do not expire, so they get a session of the user.
            let keys = connection.session_token(self.role.duration(), None).await?;
            connection.set_keys(keys);
        }
        let keys = connection.keys().clone();
        let Some(expiration) = keys.expiration else {
            return Err(Failure::with_code(
                "it is not known when the credentials expire, so they cannot be renewed: name a role with --role-arn, or a \
                 profile with keys, `credential_process` or `role_arn`",
                2,
            ));
        };
        if expiration <= obtained {
            return Err(Failure::new(format!("the credentials expired at {expiration}")));
        }
        let arn = match role {
            Some(arn) => arn,
            None => identity(&connection).await?,
        };
        let parsed = Arn::parse(&arn).map_err(|e| Failure::new(format!("`{arn}` is {e}")))?;
        Ok(Session {
            name: name(&arn).to_owned(),
            account: parsed.account().to_string(),
            keys,
            obtained,
            expiration,
            arn,
        })
    }
}

/// The ARN that the server knows the credentials by.
async fn identity(connection: &Connection) -> Result<String, Failure> {
    let answer = connection.call::<op::GetCallerIdentity>(&GetCallerIdentityRequest {}).await;
    let answer = answer.map_err(|e| Failure::new(e.to_string()).temporary(e.is_temporary()))?;
    answer.arn.ok_or_else(|| Failure::new("the server did not name the identity of the credentials"))
}

/// The name of a role or user in an ARN; of a session, the name of its role.
fn name(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').last().unwrap_or(arn);
    match resource.split_once('/') {
        Some(("assumed-role", rest)) => rest.split('/').next().unwrap_or(rest),
        Some((_, rest)) => rest.rsplit('/').next().unwrap_or(rest),
        None => resource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:role/deploy", "deploy"),
            ("arn:aws:iam::111122223333:role/a/b/deploy", "deploy"),
            ("arn:aws:sts::111122223333:assumed-role/deploy/ses", "deploy"),
            ("arn:aws:sts::111122223333:federated-user/ann", "ann"),
            ("arn:aws:iam::111122223333:user/a/ann", "ann"),
            ("arn:aws:iam::111122223333:root", "root"),
        ] {
            assert_eq!(name(arn), expected, "{arn}");
        }
    }
}
