//! The steps of a call that depend on the types of its operation, behind one trait.
//!
//! The pipeline is compiled once for each kind of caller and not for each operation: some 250 copies of it would be most
//! of the binary and of the time to build it.

use std::marker::PhantomData;

use async_trait::async_trait;
use bailiwick_api::options::Audit;
use bailiwick_api::{Operation, OperationInfo, Redact, Validate, Violations, question};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{CxOf, Handle, Planned, WantedKeys};
use bailiwick_storage::{Revision, Tx};
use bytes::Bytes;
use prost::Message;

/// The facts about an operation and its handler.
pub(crate) struct Facts {
    /// The operation.
    pub(crate) info: &'static OperationInfo,
    /// Whether a plan may name what to wait for.
    pub(crate) waits: bool,
    /// Whether a plan may name what is done instead.
    pub(crate) answers_less: bool,
    /// Whether a call may want keys of an issuer.
    pub(crate) wants_keys: bool,
    /// A request message without secrets, decoded and encoded again, so that a duplicate field is recorded as it was
    /// understood. Empty if it is not a message of its type.
    pub(crate) redacted_request: fn(&Bytes) -> Vec<u8>,
    /// A response message without secrets.
    pub(crate) redacted_response: fn(&Bytes) -> Vec<u8>,
}

impl Facts {
    /// Whether the operation decides for another service, which is not recorded like changes and reads, waits for no other
    /// call, and has no rate limit.
    pub(crate) fn is_decision(&self) -> bool {
        matches!(self.info.audit, Audit::Decision)
    }
}

/// An operation with its handler.
pub(crate) trait Target<Cx>: Send + Sync {
    /// The facts about both.
    fn facts(&self) -> &'static Facts;

    /// Begins a call with its request message.
    ///
    /// # Errors
    /// If the message is not one of its type, or invalid.
    fn begin(&self, message: &Bytes) -> Result<Box<dyn Steps<Cx> + '_>>;
}

/// The steps of one call, as [`Handle`] has them. It keeps the request and the plan.
#[async_trait]
pub(crate) trait Steps<Cx>: Send {
    /// As [`Handle::min_revision`].
    fn min_revision(&self) -> Option<&str>;

    /// What the request asks, as [`question`] returns it.
    fn question(&self) -> Bytes;

    /// As [`Handle::wanted_keys`].
    async fn wanted_keys(&mut self, cx: &Cx, tx: &mut Tx) -> Result<Option<WantedKeys>>;

    /// As [`Handle::plan`]. The request is copied only if this is not the last plan, after which there is none.
    async fn plan(&mut self, cx: &Cx, tx: &mut Tx, is_last: bool) -> Result<Planned<()>>;

    /// Replaces the plan by what is done instead.
    fn do_instead(&mut self);

    /// As [`Handle::handle`], with the last plan. Returns the response message.
    async fn handle(&mut self, cx: &Cx, tx: &mut Tx) -> Result<Bytes>;
}

/// The result of a handled call.
pub(crate) struct Handled {
    /// The response message.
    pub(crate) response: Bytes,
    /// The revision that the response shows.
    pub(crate) revision: Revision,
    /// Whether a change was committed, together with its audit record.
    pub(crate) committed: bool,
}

/// The operation `O` with a handler.
pub(crate) struct Typed<'h, O, H> {
    handler: &'h H,
    operation: PhantomData<O>,
}

impl<'h, O: Operation, H: Handle<O>> Typed<'h, O, H> {
    pub(crate) fn new(handler: &'h H) -> Self {
        Typed { handler, operation: PhantomData }
    }

    const FACTS: &'static Facts = &Facts {
        info: O::INFO,
        waits: H::WAITS,
        answers_less: H::ANSWERS_LESS,
        wants_keys: H::WANTS_KEYS,
        redacted_request: redacted::<O::Request>,
        redacted_response: redacted::<O::Response>,
    };
}

impl<O: Operation, H: Handle<O>> Target<CxOf<O>> for Typed<'_, O, H>
where
    CxOf<O>: Send + Sync,
{
    fn facts(&self) -> &'static Facts {
        Self::FACTS
    }

    fn begin(&self, message: &Bytes) -> Result<Box<dyn Steps<CxOf<O>> + '_>> {
        let request = O::Request::decode(&**message).map_err(not_of_its_type)?;
        valid(&request.validate())?;
        Ok(Box::new(Call::<O, H> { handler: self.handler, request: Some(request), plan: None, instead: None }))
    }
}

/// A call to `O`.
struct Call<'h, O: Operation, H: Handle<O>> {
    handler: &'h H,
    request: Option<O::Request>,
    plan: Option<H::Plan>,
    instead: Option<H::Plan>,
}

#[async_trait]
impl<O: Operation, H: Handle<O>> Steps<CxOf<O>> for Call<'_, O, H>
where
    CxOf<O>: Send + Sync,
{
    fn min_revision(&self) -> Option<&str> {
        self.request.as_ref().and_then(|request| self.handler.min_revision(request))
    }

    fn question(&self) -> Bytes {
        self.request.as_ref().map(question::<O>).unwrap_or_default()
    }

    async fn wanted_keys(&mut self, cx: &CxOf<O>, tx: &mut Tx) -> Result<Option<WantedKeys>> {
        let Some(request) = &self.request else { return Ok(None) };
        self.handler.wanted_keys(cx, tx, request).await
    }

    async fn plan(&mut self, cx: &CxOf<O>, tx: &mut Tx, is_last: bool) -> Result<Planned<()>> {
        let request = if is_last { self.request.take() } else { self.request.clone() };
        let (planned, plan, instead) = self.handler.plan(cx, tx, request.ok_or_else(missing)?).await?.split();
        (self.plan, self.instead) = (Some(plan), instead);
        Ok(planned)
    }

    fn do_instead(&mut self) {
        self.plan = self.instead.take();
    }

    async fn handle(&mut self, cx: &CxOf<O>, tx: &mut Tx) -> Result<Bytes> {
        let plan = self.plan.take().ok_or_else(missing)?;
        let response = self.handler.handle(cx, tx, plan).await?;
        Ok(response.encode_to_vec().into())
    }
}

fn not_of_its_type(error: prost::DecodeError) -> IamError {
    IamError::new(ErrorCode::MalformedInput, "the request is not a message of its type").caused_by(error)
}

fn valid(violations: &Violations) -> Result<()> {
    if violations.is_empty() {
        return Ok(());
    }
    let error = IamError::validation(violations.to_string());
    Err(violations.iter().fold(error, |error, v| error.field(v.member.clone(), v.constraint.clone())))
}

fn missing() -> IamError {
    IamError::internal("a step of a call without the step before it")
}

fn redacted<M: Message + Default + Redact>(message: &Bytes) -> Vec<u8> {
    let Ok(mut message) = M::decode(&**message) else { return Vec::new() };
    message.redact();
    message.encode_to_vec()
}
