//! An attempt to sign in: the person that it names, and whether the password is theirs.

use bailiwick_directory::PasswordChange;
use bailiwick_model::{AccountAlias, AccountId, AccountState, ErrorCode, IamError, Result, UserName};
use bailiwick_operation::{
    Cx, NoCaller, PasswordFailures, PasswordOwner, PasswordPurpose, PasswordResult, PasswordWork, Person, Principal,
};
use bailiwick_seal::{PasswordHash, SecretString};
use bailiwick_storage::{Account, KeyOwner, LoginProfile, RootPassword, Tx, User};

use crate::lockout::{Counted, Lockout, fingerprint};

/// What a request claims.
pub(crate) struct Claim {
    /// The account's id or alias.
    pub(crate) account: Option<String>,
    /// The user; none for root.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: SecretString,
    /// A new password, to change it.
    pub(crate) new_password: Option<SecretString>,
}

/// A user or root who has a password.
pub(crate) struct Candidate {
    pub(crate) account: Account,
    pub(crate) identity: Identity,
}

/// Who it is.
pub(crate) enum Identity {
    /// A user, with their passwords.
    User(Box<User>, Box<LoginProfile>),
    /// The root user of the account.
    Root(RootPassword),
}

/// An attempt, with everything that it depends on.
pub struct Attempt {
    candidate: Option<Candidate>,
    lockout: Lockout,
    /// What the computation with the password depends on.
    basis: Vec<u8>,
    change: Option<PasswordChange>,
}

/// A person whose password was correct.
pub(crate) struct Proven {
    pub(crate) candidate: Candidate,
    pub(crate) lockout: Lockout,
    pub(crate) change: Option<PasswordChange>,
}

impl Attempt {
    /// Looks up the person and the failures so far, and names the computation. It is the same for a person who does not
    /// exist, with a dummy hash. Nothing is computed while attempts are blocked.
    ///
    /// # Errors
    /// `Throttling`; `ServiceFailure`.
    pub(crate) async fn plan(cx: &Cx<NoCaller>, tx: &mut Tx, claim: Claim) -> Result<(Attempt, PasswordWork)> {
        let account_name = folded(claim.account.as_deref().unwrap_or_default());
        let user_name = claim.user.as_deref().map(folded);
        let account = find_account(tx, &account_name).await?;
        let candidate = match &account {
            Some(account) if account.state == AccountState::Active => {
                find_identity(tx, account.id, user_name.as_deref()).await?
            }
            _ => None,
        };
        let candidate = account.clone().zip(candidate).map(|(account, identity)| Candidate { account, identity });
        let counted = match &candidate {
            Some(candidate) => {
                Counted::Person(PasswordFailures::read(tx, candidate.account.id, candidate.owner()).await?)
            }
            None => {
                // The id of an account and its alias are the same account, also for a user who does not exist.
                let account = account.map_or(account_name, |account| account.id.to_string());
                let kind: &[u8] = if user_name.is_some() { b"user" } else { b"root" };
                let user = user_name.unwrap_or_default();
                Counted::unknown(tx, fingerprint(cx, &[kind, account.as_bytes(), user.as_bytes()])?).await?
            }
        };
        let purpose = PasswordPurpose::SignIn(counted.fingerprint(cx)?);
        let lockout = Lockout::read(cx, tx, counted).await?;
        lockout.admit(cx.now())?;
        let (work, change) = work(cx, tx, candidate.as_ref(), claim.password, claim.new_password, purpose).await?;
        Ok((Attempt { candidate, lockout, basis: work.basis.clone(), change }, work))
    }

    /// The person as audit records name them.
    pub(crate) fn person(&self, cx: &Cx<NoCaller>) -> Person {
        Person { principal: self.candidate.as_ref().map(Candidate::principal), is_proven: self.is_correct(cx) }
    }

    /// The person, if the password is known to be correct.
    pub(crate) fn proven(&self, cx: &Cx<NoCaller>) -> Option<&Candidate> {
        self.candidate.as_ref().filter(|_| self.is_correct(cx))
    }

    /// The person, if the password is correct. Otherwise counts the failure.
    ///
    /// # Errors
    /// `AccessDenied`, the same for everything that can be wrong.
    pub(crate) async fn prove(self, cx: &Cx<NoCaller>, tx: &mut Tx) -> Result<Proven> {
        let is_correct = self.is_correct(cx);
        match self.candidate {
            Some(candidate) if is_correct => {
                self.lockout.correct(tx, cx.now());
                Ok(Proven { candidate, lockout: self.lockout, change: self.change })
            }
            _ => {
                self.lockout.failed(tx, cx.now()).await?;
                Err(failed())
            }
        }
    }

    /// Whether the computation has found the password correct, and nothing that it depended on has changed since.
    fn is_correct(&self, cx: &Cx<NoCaller>) -> bool {
        let outcome = cx.password_outcome().filter(|outcome| outcome.basis == self.basis);
        self.candidate.is_some() && outcome.is_some_and(|outcome| !matches!(outcome.result, PasswordResult::Wrong))
    }
}

impl Candidate {
    /// The owner of the person's records.
    pub(crate) fn owner(&self) -> KeyOwner {
        match &self.identity {
            Identity::User(user, _) => KeyOwner::User(user.id),
            Identity::Root(_) => KeyOwner::Root,
        }
    }

    /// The principal that the person acts as.
    pub(crate) fn principal(&self) -> Principal {
        match &self.identity {
            Identity::User(user, _) => {
                Principal::User { account: user.account, id: user.id, name: user.name.clone(), path: user.path.clone() }
            }
            Identity::Root(_) => Principal::Root { account: self.account.id },
        }
    }

    /// The hashes of the current and former passwords, the newest first, and their sealed form.
    fn hashes(&self, cx: &Cx<NoCaller>) -> Result<(Vec<PasswordHash>, &[u8])> {
        let (user, sealed) = match &self.identity {
            Identity::User(user, profile) => (Some(&user.id), &profile.sealed_hashes),
            Identity::Root(password) => (None, &password.sealed_hash),
        };
        let owner = PasswordOwner { account: self.account.id, user };
        Ok((owner.open(&cx.deployment().sealer, sealed).map_err(IamError::internal)?, sealed))
    }
}

/// The answer to every attempt that fails, whatever is wrong.
fn failed() -> IamError {
    IamError::new(ErrorCode::AccessDenied, "the account, the user name or the password is wrong")
}

/// A name without case and surrounding white space.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

async fn find_account(tx: &mut Tx, name: &str) -> Result<Option<Account>> {
    if let Ok(id) = AccountId::parse(name) {
        return tx.find_account(id).await;
    }
    match AccountAlias::parse(name) {
        Ok(alias) => tx.find_account_by_alias(&alias).await,
        Err(_) => Ok(None),
    }
}

/// The user of this name, or root without a name, if they have a password.
async fn find_identity(tx: &mut Tx, account: AccountId, name: Option<&str>) -> Result<Option<Identity>> {
    let Some(name) = name else {
        return Ok(tx.account_setting::<RootPassword>(account).await?.map(Identity::Root));
    };
    let Ok(name) = UserName::parse(name) else { return Ok(None) };
    let Some(user) = tx.find::<User>(account, &name).await? else { return Ok(None) };
    let profile = tx.find_login_profile(account, &user.id).await?;
    Ok(profile.map(|profile| Identity::User(Box::new(user), Box::new(profile))))
}

/// The computation of an attempt, and the change of the password if the attempt is one.
async fn work(
    cx: &Cx<NoCaller>,
    tx: &mut Tx,
    candidate: Option<&Candidate>,
    password: SecretString,
    new: Option<SecretString>,
    purpose: PasswordPurpose,
) -> Result<(PasswordWork, Option<PasswordChange>)> {
    let (hash, basis) = match candidate {
        Some(candidate) => {
            let (hashes, sealed) = candidate.hashes(cx)?;
            (hashes.into_iter().next(), sealed.to_vec())
        }
        None => (None, Vec::new()),
    };
    let check = |hash, basis| PasswordWork {
        purpose,
        basis,
        known: Some((password.clone(), hash)),
        new: None,
        not_among: Vec::new(),
    };
    let Some(hash) = hash else {
        return Ok((check(PasswordHash::dummy(cx.random()), Vec::new()), None));
    };
    let (Some(Candidate { identity: Identity::User(user, profile), .. }), Some(new)) = (candidate, new) else {
        return Ok((check(hash, basis), None));
    };
    let planned = PasswordChange::plan(cx, tx, user, Some(profile), Some(password.clone()), new, purpose).await?;
    // A new password that the rules refuse costs no work of its own, but the current one is verified first: the rules of an
    // account are not for strangers.
    Ok(match planned {
        (change, Some(work)) => (work, Some(change)),
        (change, None) => (check(hash, basis), Some(change)),
    })
}
