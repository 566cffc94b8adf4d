//! The handler of one operation: a plan before authorization, a change and an answer after it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_api::Operation;
use bailiwick_decision::{Caller, FederatedPrincipal, Person, UnsignedCaller};
use bailiwick_model::{AccessKeyId, Result};
use bailiwick_storage::Tx;

use crate::{Check, CxOf, PasswordWork, WantedKeys};

/// Answers one operation, in two steps within one transaction.
///
/// [`plan`](Self::plan) parses the request, looks up what it names, and names every check that must pass. The pipeline
/// has the checks decided. [`handle`](Self::handle) then receives the plan, makes the change and builds the response.
/// State passes from one step to the other in the typed plan only.
///
/// Both steps run again after a write conflict, so they may touch nothing but `cx`, `tx` and their input. Computations
/// with passwords are too slow for either: the plan [names them](Planned::password), and the pipeline has them done
/// once, outside of the transaction, after the checks have passed.
pub trait Handle<O: Operation>: Send + Sync + 'static {
    /// What `plan` parsed and looked up for `handle`.
    type Plan: Send;

    /// The revision that the answer must not be older than, as an earlier answer carried it. The pipeline waits for it
    /// before it proves the caller.
    fn min_revision<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        let _ = req;
        None
    }

    /// Whether a plan may name what to [wait for](Planned::wait_for). Only for operations that change nothing.
    const WAITS: bool = false;

    /// Whether a plan may name what is done [instead](Planned::or_else). Only for operations that change nothing.
    const ANSWERS_LESS: bool = false;

    /// Whether [`wanted_keys`](Self::wanted_keys) names anything. The pipeline asks no other handler.
    const WANTS_KEYS: bool = false;

    /// Names the keys of an issuer that the plan needs. The pipeline asks once, in a transaction of its own, which ends
    /// before the keys are fetched; `plan` finds them in [`Cx::issuer_keys`](crate::Cx::issuer_keys). Nothing is
    /// authorized yet, so only what an administrator registered may be named.
    ///
    /// # Errors
    /// When the request cannot be understood.
    fn wanted_keys(
        &self,
        cx: &CxOf<O>,
        tx: &mut Tx,
        req: &O::Request,
    ) -> impl Future<Output = Result<Option<WantedKeys>>> + Send {
        let _ = (cx, tx, req);
        std::future::ready(Ok(None))
    }

    /// Parses the request and names everything that must be allowed before [`handle`](Self::handle) runs. Reads, but
    /// changes nothing.
    ///
    /// A caller who is not authorized must not learn what exists. So a missing object is not an error here: its check names
    /// the ARN that the object would have, the plan carries the lookup that found nothing, and `handle` returns
    /// `NoSuchEntity`. The same holds for every error that AWS reports to authorized callers only. A member that no
    /// check depends on, such as a policy document or a marker, can pass through the plan as text; `handle` parses it.
    ///
    /// # Errors
    /// When the request cannot be understood well enough to name its checks.
    fn plan(
        &self,
        cx: &CxOf<O>,
        tx: &mut Tx,
        req: O::Request,
    ) -> impl Future<Output = Result<Planned<Self::Plan>>> + Send;

    /// Makes the change within `tx` and returns the response. Runs only if every check of the plan passed.
    ///
    /// # Errors
    /// Whatever the operation's documentation lists; nothing has changed then.
    fn handle(&self, cx: &CxOf<O>, tx: &mut Tx, plan: Self::Plan) -> impl Future<Output = Result<O::Response>> + Send;
}

/// What [`Handle::plan`] returns: the plan, and the checks that must pass before it is carried out.
#[derive(Clone, Debug)]
#[must_use]
pub struct Planned<P> {
    /// The input of [`Handle::handle`].
    pub plan: P,
    /// Every check that must pass. The first one names the resource that the audit record shows.
    pub checks: Vec<Check>,
    /// An access key that the operation makes unusable.
    pub retired_key: Option<AccessKeyId>,
    /// What to compute with passwords before [`Handle::handle`] runs.
    pub password: Option<Box<PasswordWork>>,
    /// What to wait for before [`Handle::handle`] runs.
    pub wait: Option<Arc<dyn WaitFor>>,
    /// The caller that the request proves, for operations whose proof is in the request.
    pub proven: UnsignedCaller,
    /// What is done instead if the checks are not allowed.
    pub instead: Option<Box<Planned<P>>>,
}

/// What a call waits for, for a bounded time.
#[async_trait]
pub trait WaitFor: Send + Sync {
    /// Returns when it has happened, or when the time is over.
    ///
    /// # Errors
    /// When it cannot be known.
    async fn wait(&self) -> Result<()>;
}

impl fmt::Debug for dyn WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitFor")
    }
}

impl<P> Planned<P> {
    /// A plan without checks.
    pub fn new(plan: P) -> Self {
        Planned {
            plan,
            checks: Vec::new(),
            retired_key: None,
            password: None,
            wait: None,
            proven: UnsignedCaller::Anonymous,
            instead: None,
        }
    }

    /// Adds another part to the plan. What is done instead is left out.
    pub fn with<T>(self, part: T) -> Planned<(P, T)> {
        Planned {
            plan: (self.plan, part),
            checks: self.checks,
            retired_key: self.retired_key,
            password: self.password,
            wait: self.wait,
            proven: self.proven,
            instead: None,
        }
    }

    /// Takes the plan, and the plan of what is done instead, out of the rest.
    pub fn split(self) -> (Planned<()>, P, Option<P>) {
        let Planned { plan, checks, retired_key, password, wait, proven, instead } = self;
        let (instead, instead_plan) = match instead.map(|instead| instead.split()) {
            Some((rest, plan, _)) => (Some(Box::new(rest)), Some(plan)),
            None => (None, None),
        };
        (Planned { plan: (), checks, retired_key, password, wait, proven, instead }, plan, instead_plan)
    }

    /// Names what is done instead, with less, if the checks are not allowed, its own are, and no statement denies one of the
    /// former. Of `instead` only plan and checks are used. Only for handlers with [`Handle::ANSWERS_LESS`].
    pub fn or_else(mut self, instead: Option<Planned<P>>) -> Self {
        self.instead = instead.map(Box::new);
        self
    }

    /// Adds a check.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds a check if `condition` holds.
    pub fn check_if(self, condition: bool, check: Check) -> Self {
        if condition { self.check(check) } else { self }
    }

    /// Adds several checks.
    pub fn checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.checks.extend(checks);
        self
    }

    /// Names the principal that the request proves. The checks are decided for it; without it, for an anonymous caller. Only
    /// for operations whose proof is in the request: the pipeline refuses the plan of another operation.
    pub fn proven(mut self, principal: FederatedPrincipal) -> Self {
        self.proven = UnsignedCaller::Federated(Arc::new(principal));
        self
    }

    /// Names the person that the request is to prove, or proves. A plan for a person may be without checks: signing in needs
    /// no permission. Only for operations whose proof is in the request.
    pub fn person(mut self, person: Person) -> Self {
        self.proven = UnsignedCaller::Person(Arc::new(person));
        self
    }

    /// Names the caller that temporary credentials in the request prove, if they were not revoked: the pipeline verifies
    /// that. The plan may be without checks. Only for operations whose proof is in the request.
    pub fn credentials(mut self, caller: Caller) -> Self {
        self.proven = UnsignedCaller::Credentials(Arc::new(caller));
        self
    }

    /// Names what to compute with passwords. After the checks have passed, it is computed outside of the transaction; the
    /// plan then runs again, and `handle` finds the result in [`Cx::password_outcome`](crate::Cx::password_outcome).
    /// What the plan names the second time is ignored. Only for operations that change something.
    pub fn password(mut self, work: impl Into<Option<PasswordWork>>) -> Self {
        self.password = work.into().map(Box::new);
        self
    }

    /// Names what to wait for. After the checks have passed, the call waits outside of the transaction; the caller is then
    /// proved, planned and decided again. What the plan names the second time is ignored. Only for handlers with
    /// [`Handle::WAITS`].
    pub fn wait_for(mut self, wait: impl WaitFor + 'static) -> Self {
        self.wait = Some(Arc::new(wait));
        self
    }

    /// Names an access key that the operation makes unusable. The pipeline refuses to take the last one with which the
    /// deployment can be administered, unless the call allows it.
    pub fn retires(mut self, key: impl Into<Option<AccessKeyId>>) -> Self {
        self.retired_key = key.into();
        self
    }
}
