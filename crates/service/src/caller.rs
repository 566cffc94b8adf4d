//! The caller of a call, by how its operation is authenticated.

use std::future::Future;
use std::sync::Arc;

use bailiwick_api::{CallKind, Operation, OperationInfo};
use bailiwick_authz::{Authenticated, DecidedBy, ExplainedDenial};
use bailiwick_model::{AccessKeyId, Fault, IamError, Region, Result, SourceNetwork};
use bailiwick_operation::{
    Check, Cx, IssuerKeysOutcome, NoCaller, PasswordOutcome, RequestInfo, UnsignedCaller, counted_as, standing, trace,
};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Revision, Tx};
use bytes::Bytes;
use jiff::Timestamp;

use crate::authenticate::FAILED;
use crate::call_audit::CallAudit;
use crate::failures::{Admission, Claim};
use crate::shared::Shared;
use crate::{Incoming, lockout, session_limits};

/// What the context of each attempt has besides the caller: the results of slow work that was done outside of
/// transactions, and what the request asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    /// What was computed with passwords.
    pub(crate) passwords: Option<Arc<PasswordOutcome>>,
    /// The keys of an issuer.
    pub(crate) issuer_keys: Option<Arc<IssuerKeysOutcome>>,
    /// The request without its marker and page size.
    pub(crate) question: Bytes,
}

/// What an attempt is decided on.
pub(crate) struct Basis {
    /// The revision that its transaction reads at.
    pub(crate) revision: Revision,
    /// A snapshot of this revision or a later one, on which the caller is valid.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The time just before the snapshot was taken.
    pub(crate) now: Timestamp,
}

impl Basis {
    fn context<C>(&self, cx: Cx<C>) -> Cx<C> {
        cx.at(self.now).reading_at(self.revision).with_view(Arc::clone(&self.snapshot))
    }
}

/// The caller of an operation: [`Authenticated`] if it needs a signature or a bearer token, otherwise [`Unsigned`].
pub(crate) type CallerOf<O> = <<O as Operation>::Call as CallKind>::Select<Authenticated, Unsigned>;

/// The caller of an operation that needs no signature: anonymous until the plan has verified a proof in the request.
pub(crate) struct Unsigned {
    caller: UnsignedCaller,
    source: SourceNetwork,
}

/// What the pipeline does with a caller. The pipeline is the same for all operations; only this differs.
pub(crate) trait CallCaller: Sized + Send + Sync {
    /// The context of the operation's handler.
    type Cx: Send + Sync;
    /// Whether a caller may make a call wait for a revision.
    const MAY_WAIT: bool;

    /// Authenticates the caller before the request is read.
    fn authenticate(
        shared: &Shared,
        incoming: &Incoming<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// Checks that the caller's credentials may be used to call an operation at all.
    fn may_call(&self, operation: &OperationInfo) -> Result<()>;

    /// The region in the signature.
    fn region(&self) -> Option<&Region>;

    /// Records the use of the credentials.
    fn note_use(&self, shared: &Shared, operation: &OperationInfo, now: Timestamp);

    /// Records the use of the actions that were allowed, as far as the operation is not named like them: `iam:PassRole`.
    fn note_actions(&self, shared: &Shared, operation: &OperationInfo, checks: &[Check], now: Timestamp);

    /// Validates the caller again on the snapshot that an attempt is decided on.
    fn revalidate(&mut self, shared: &Shared, snapshot: &Snapshot, now: Timestamp) -> Result<()>;

    /// Sets the caller of the audit record.
    fn record(&self, audit: &mut CallAudit<'_>);

    /// Makes the context of an attempt.
    fn context(&self, shared: &Shared, request: &Arc<RequestInfo>, on: &Basis) -> Self::Cx;

    /// Adds what was done outside of transactions to a context.
    fn with_outcomes(cx: Self::Cx, outcomes: &Outcomes) -> Self::Cx;

    /// The text that the caller's calls and computations with passwords are counted under. Without a signature, that is the
    /// source.
    fn counted_as(&self) -> String;

    /// Takes the caller that the request proves, from the plan.
    fn set_proven(&mut self, proven: UnsignedCaller) -> Result<()>;

    /// Decides the checks of the plan, and notes what decided.
    fn decide(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        cx: &Self::Cx,
        checks: &[Check],
        decided: &mut DecidedBy,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Explains the denial of the last of these checks, for its record. `None` for callers whose denials have no details:
    /// those without a signature.
    fn explain_denial(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        cx: &Self::Cx,
        checks: &[Check],
    ) -> Option<Result<ExplainedDenial>>;

    /// Refuses to retire the last administrator's access key, unless it is allowed.
    fn check_lockout(
        shared: &Shared,
        cx: &Self::Cx,
        snapshot: &Snapshot,
        tx: &mut Tx,
        key: &AccessKeyId,
        allowed: bool,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes a commit depend on the records of the caller's proof.
    fn depend(&self, tx: &mut Tx) -> impl Future<Output = Result<()>> + Send;

    /// Counts the outcome of the call for the limit of failures.
    fn ended(&self, shared: &Shared, incoming: &Incoming<'_>, error: Option<&IamError>, now: Timestamp);
}

impl CallCaller for Authenticated {
    type Cx = Cx;
    const MAY_WAIT: bool = true;

    async fn authenticate(shared: &Shared, incoming: &Incoming<'_>, now: Timestamp) -> Result<Self> {
        let authenticated = shared.authenticate(incoming, now).await?;
        trace::note_authenticated();
        Ok(authenticated)
    }

    fn may_call(&self, operation: &OperationInfo) -> Result<()> {
        session_limits::check(&self.caller, operation)
    }

    fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    fn note_use(&self, shared: &Shared, operation: &OperationInfo, now: Timestamp) {
        let region = self.region.as_ref().unwrap_or(&shared.parts.deployment.region);
        let uses = &shared.parts.deployment.recent_uses;
        uses.note(&self.caller, operation.service, operation.name, region.as_str(), now);
    }

    fn note_actions(&self, shared: &Shared, operation: &OperationInfo, checks: &[Check], now: Timestamp) {
        let (account, id) = (self.caller.account(), self.caller.principal.identity().copied());
        let region = self.region.as_ref().unwrap_or(&shared.parts.deployment.region);
        let is_other = |check: &&Check| check.action.split_once(':') != Some((operation.service, operation.name));
        for check in checks.iter().filter(is_other) {
            let services = &shared.parts.deployment.recent_uses.services;
            services.note(account, id, check.action, region.as_str(), now);
        }
    }

    fn revalidate(&mut self, shared: &Shared, snapshot: &Snapshot, now: Timestamp) -> Result<()> {
        let validated = shared.parts.authz.prove_again(snapshot, self, now);
        validated.inspect_err(|e| shared.metrics.unauthenticated(e.code().wire()))
    }

    fn record(&self, audit: &mut CallAudit<'_>) {
        audit.set_caller(&self.caller);
    }

    fn context(&self, shared: &Shared, request: &Arc<RequestInfo>, on: &Basis) -> Cx {
        let cx = Cx::new(Arc::clone(&shared.parts.deployment), Arc::clone(&self.caller), Arc::clone(request));
        on.context(cx)
    }

    fn with_outcomes(cx: Cx, outcomes: &Outcomes) -> Cx {
        cx.with_password_outcome(outcomes.passwords.clone())
            .with_issuer_keys(outcomes.issuer_keys.clone())
            .with_question(outcomes.question.clone())
    }

    fn counted_as(&self) -> String {
        counted_as(&self.caller)
    }

    fn set_proven(&mut self, proven: UnsignedCaller) -> Result<()> {
        match proven {
            UnsignedCaller::Anonymous => Ok(()),
            _ => Err(IamError::internal("a plan names a principal although its caller is authenticated")),
        }
    }

    async fn decide(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        cx: &Cx,
        checks: &[Check],
        decided: &mut DecidedBy,
    ) -> Result<()> {
        shared.parts.authz.decide_all(snapshot, self, cx, checks, decided).await
    }

    fn explain_denial(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        cx: &Cx,
        checks: &[Check],
    ) -> Option<Result<ExplainedDenial>> {
        Some(shared.parts.authz.explain_denial(snapshot, self, cx, checks))
    }

    async fn check_lockout(
        shared: &Shared,
        cx: &Cx,
        snapshot: &Snapshot,
        tx: &mut Tx,
        key: &AccessKeyId,
        allowed: bool,
    ) -> Result<()> {
        lockout::refuse(&shared.parts, cx, snapshot, tx, key, allowed).await
    }

    async fn depend(&self, tx: &mut Tx) -> Result<()> {
        tx.depend_on(&standing(&self.caller)).await
    }

    fn ended(&self, _: &Shared, _: &Incoming<'_>, _: Option<&IamError>, _: Timestamp) {
        // Authentication has counted it.
    }
}

impl CallCaller for Unsigned {
    type Cx = Cx<NoCaller>;
    // A client without credentials must not hold a call open.
    const MAY_WAIT: bool = false;

    async fn authenticate(shared: &Shared, incoming: &Incoming<'_>, now: Timestamp) -> Result<Self> {
        let source = SourceNetwork::of(incoming.peer.ip);
        match shared.failures.admit(source, || Claim::Unnamed, now) {
            Admission::Throttled(wait) => Err(shared.throttled(FAILED, wait)),
            Admission::Free | Admission::OnlyIfValid => Ok(Unsigned { caller: UnsignedCaller::Anonymous, source }),
        }
    }

    fn may_call(&self, _: &OperationInfo) -> Result<()> {
        Ok(())
    }

    fn region(&self) -> Option<&Region> {
        None
    }

    fn note_use(&self, _: &Shared, _: &OperationInfo, _: Timestamp) {}

    fn note_actions(&self, _: &Shared, _: &OperationInfo, _: &[Check], _: Timestamp) {}

    fn revalidate(&mut self, _: &Shared, _: &Snapshot, _: Timestamp) -> Result<()> {
        Ok(())
    }

    fn record(&self, audit: &mut CallAudit<'_>) {
        audit.set_unsigned(&self.caller);
    }

    fn context(&self, shared: &Shared, request: &Arc<RequestInfo>, on: &Basis) -> Self::Cx {
        let cx = Cx::new(Arc::clone(&shared.parts.deployment), NoCaller, Arc::clone(request));
        on.context(cx)
    }

    fn with_outcomes(cx: Self::Cx, outcomes: &Outcomes) -> Self::Cx {
        cx.with_password_outcome(outcomes.passwords.clone())
            .with_issuer_keys(outcomes.issuer_keys.clone())
            .with_question(outcomes.question.clone())
    }

    fn counted_as(&self) -> String {
        self.source.to_string()
    }

    fn set_proven(&mut self, proven: UnsignedCaller) -> Result<()> {
        self.caller = proven;
        Ok(())
    }

    async fn decide(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        cx: &Self::Cx,
        checks: &[Check],
        decided: &mut DecidedBy,
    ) -> Result<()> {
        shared.parts.authz.decide_unsigned(snapshot, &self.caller, cx, checks, decided).await
    }

    fn explain_denial(&self, _: &Shared, _: &Snapshot, _: &Self::Cx, _: &[Check]) -> Option<Result<ExplainedDenial>> {
        None
    }

    async fn check_lockout(_: &Shared, _: &Self::Cx, _: &Snapshot, _: &mut Tx, _: &AccessKeyId, _: bool) -> Result<()> {
        Err(IamError::internal("a call without an authenticated caller retires an access key"))
    }

    async fn depend(&self, _: &mut Tx) -> Result<()> {
        Ok(())
    }

    fn ended(&self, shared: &Shared, incoming: &Incoming<'_>, error: Option<&IamError>, now: Timestamp) {
        let source = SourceNetwork::of(incoming.peer.ip);
        match error {
            None if self.caller.is_proven() => incoming.peer.standing.set_authenticated(),
            // Until a proof is accepted, every error counts: a proof can be guessed in each of its parts.
            Some(error) if !self.caller.is_proven() && error.code().fault() == Fault::Sender => {
                shared.failures.failed(source, Claim::Unnamed, now);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
