//! Calls of handlers without the pipeline: requests and responses are JSON in AWS's member names.

use std::ops::Deref;
use std::sync::Arc;

use bailiwick_api::{Operation, SignedCall, Validate as _, find_operation};
use bailiwick_model::{AccessKeyKind, AccountId, ErrorCode, IamError, Result, RoleName, SessionName, UserName};
use bailiwick_operation::{
    Caller, Check, ContextValue, Cx, Handle, PasswordWork, Planned, Principal, Session, SessionKind,
};
use bailiwick_storage::{CommitError, Role, Tx, User};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::{World, account, caller};

/// A [`World`], a handler, and the caller of its operations.
///
/// A call runs the steps of the pipeline in order: validation, plan, handler, commit. Plan and handler run twice, because
/// they may. Checks are not decided, but compared with the catalogue; [`needs`](Self::needs) asserts them.
#[derive(Debug)]
pub struct HandlerTest<H> {
    world: Arc<World>,
    handler: Arc<H>,
    caller: Arc<Caller>,
}

impl<H> Clone for HandlerTest<H> {
    fn clone(&self) -> Self {
        HandlerTest { world: self.world.clone(), handler: self.handler.clone(), caller: self.caller.clone() }
    }
}

impl<H> Deref for HandlerTest<H> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl<H: Send + Sync + 'static> HandlerTest<H> {
    /// Calls a handler as this caller.
    pub fn new(world: World, handler: H, caller: Caller) -> Self {
        HandlerTest { world: Arc::new(world), handler: Arc::new(handler), caller: Arc::new(caller) }
    }

    /// The same with another caller.
    pub fn as_caller(&self, caller: Caller) -> Self {
        HandlerTest { caller: Arc::new(caller), ..self.clone() }
    }

    /// The same with root of an account as the caller.
    pub fn as_root(&self, of: &str) -> Self {
        self.as_caller(caller(Principal::Root { account: account(of) }, AccessKeyKind::LongTerm))
    }

    /// The same with a user of the caller's account as the caller.
    pub async fn as_user(&self, name: &str) -> Self {
        let account = self.caller.account();
        let user = self.begin().await.get::<User>(account, &UserName::parse(name).unwrap()).await.unwrap();
        let principal = Principal::User { account, id: user.id, name: user.name, path: user.path };
        self.as_caller(caller(principal, AccessKeyKind::LongTerm))
    }

    /// The same with a session of a role of the caller's account as the caller.
    pub async fn as_session(&self, name: &str) -> Self {
        let account = self.caller.account();
        let role = self.begin().await.get::<Role>(account, &RoleName::parse(name).unwrap()).await.unwrap();
        let session_name = SessionName::parse("session").unwrap();
        let principal = Principal::RoleSession { account, id: role.id, name: role.name, path: role.path, session_name };
        let mut caller = caller(principal, AccessKeyKind::Temporary);
        let (key, now) = (caller.access_key_id().unwrap().clone(), self.deployment.clock.now());
        caller.session = Some(Arc::new(Session::new(SessionKind::AssumeRole, key, now, now)));
        self.as_caller(caller)
    }

    /// The context of a call.
    pub fn cx(&self) -> Cx {
        self.world.cx(Caller::clone(&self.caller))
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// The errors of validation, plan and handler.
    pub async fn call<O: Operation<Call = SignedCall>>(&self, request: Value) -> Result<Value>
    where
        H: Handle<O>,
    {
        let request = read::<O>(request)?;
        // A first run that is not committed: a handler may run twice.
        let mut tx = self.begin().await;
        let cx = self.cx().reading_at(tx.revision());
        let planned = self.plan::<O>(&cx, &mut tx, request.clone()).await.inspect_err(|error| {
            let is_about_request = matches!(error.code(), ErrorCode::ValidationError | ErrorCode::InvalidInput);
            assert!(is_about_request, "{} may reveal before authorization what exists: {error}", O::NAME);
        })?;
        assert!(!planned.checks.is_empty(), "{} has no check", O::NAME);
        planned.checks.iter().for_each(|check| assert_eq!(check.undocumented(), None));
        let cx = &match planned.password {
            Some(work) => self.computed(cx, *work).await?,
            None => cx,
        };
        let planned = self.plan::<O>(cx, &mut tx, request.clone()).await?;
        let _ = Handle::<O>::handle(&*self.handler, cx, &mut tx, planned.plan).await;
        let mut tx = self.begin().await;
        let planned = self.plan::<O>(cx, &mut tx, request).await?;
        assert!(tx.is_read_only(), "{} changes something while it plans", O::NAME);
        let response = match Handle::<O>::handle(&*self.handler, cx, &mut tx, planned.plan).await {
            Ok(response) => response,
            Err(error) => {
                if tx.is_kept_if_refused() {
                    self.commit(tx).await;
                }
                return Err(error);
            }
        };
        assert!(!O::READ_ONLY || tx.is_read_only(), "{} says that it only reads", O::NAME);
        self.commit(tx).await;
        Ok(to_json(&find_operation(O::NAME).unwrap().response_descriptor().unwrap(), &response.encode_to_vec()))
    }

    /// The response of a call that succeeds.
    pub async fn ok<O: Operation<Call = SignedCall>>(&self, request: Value) -> Value
    where
        H: Handle<O>,
    {
        let shown = request.to_string();
        self.call::<O>(request).await.unwrap_or_else(|error| panic!("{} {shown}: {error:?}", O::NAME))
    }

    /// Asserts that a call fails with this code and message.
    pub async fn fails<O: Operation<Call = SignedCall>>(&self, request: Value, expected: &str)
    where
        H: Handle<O>,
    {
        let shown = request.to_string();
        match self.call::<O>(request).await {
            Ok(answer) => panic!("{} {shown} answered {answer}", O::NAME),
            Err(error) => assert_eq!(error.to_string(), expected, "{} {shown}", O::NAME),
        }
    }

    /// Asserts the checks of a call, one line each: action, resource, owner if it is another account, keys.
    pub async fn needs<O: Operation<Call = SignedCall>>(&self, request: Value, expected: &[&str])
    where
        H: Handle<O>,
    {
        let mut tx = self.begin().await;
        let planned = self.plan::<O>(&self.cx(), &mut tx, read::<O>(request).unwrap()).await.unwrap();
        let shown: Vec<String> = planned.checks.iter().map(|check| show(check, self.caller.account())).collect();
        assert_eq!(shown, expected, "{}", O::NAME);
    }

    /// Returns for each check of a call whether the account's password policy grants it.
    pub async fn granted<O: Operation<Call = SignedCall>>(&self, request: Value) -> Vec<bool>
    where
        H: Handle<O>,
    {
        let mut tx = self.begin().await;
        let planned = self.plan::<O>(&self.cx(), &mut tx, read::<O>(request).unwrap()).await.unwrap();
        planned.checks.iter().map(|check| check.own_password).collect()
    }

    /// Runs two calls on the same state and commits one after the other. Returns whether the second conflicts.
    pub async fn collide<A: Operation<Call = SignedCall>, B: Operation<Call = SignedCall>>(
        &self,
        first: Value,
        second: Value,
    ) -> bool
    where
        H: Handle<A> + Handle<B>,
    {
        let cx = self.cx();
        let (mut ahead, mut behind) = (self.begin().await, self.begin().await);
        let first = self.plan::<A>(&cx, &mut ahead, read::<A>(first).unwrap()).await.unwrap();
        let second = self.plan::<B>(&cx, &mut behind, read::<B>(second).unwrap()).await.unwrap();
        let mut contexts = Vec::new();
        for work in [first.password, second.password] {
            contexts.push(match work {
                Some(work) => self.computed(cx.clone(), *work).await.unwrap(),
                None => cx.clone(),
            });
        }
        Handle::<A>::handle(&*self.handler, &contexts[0], &mut ahead, first.plan).await.unwrap();
        Handle::<B>::handle(&*self.handler, &contexts[1], &mut behind, second.plan).await.unwrap();
        ahead.commit().await.unwrap();
        match behind.commit().await {
            Ok(_) => false,
            Err(CommitError::Conflict) => true,
            Err(CommitError::Failed(error)) => panic!("{error:?}"),
        }
    }

    /// A context with what a plan needs computed.
    async fn computed(&self, cx: Cx, work: PasswordWork) -> Result<Cx> {
        let outcome = self.deployment.passwords.run("test".into(), work).await?;
        Ok(cx.with_password_outcome(Some(Arc::new(outcome))))
    }

    async fn plan<O: Operation<Call = SignedCall>>(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        request: O::Request,
    ) -> Result<Planned<<H as Handle<O>>::Plan>>
    where
        H: Handle<O>,
    {
        Handle::<O>::plan(&*self.handler, cx, tx, request).await
    }
}

fn read<O: Operation>(request: Value) -> Result<O::Request> {
    let descriptor = find_operation(O::NAME).unwrap().request_descriptor().unwrap();
    let message = DynamicMessage::deserialize(descriptor, request).unwrap();
    let request = O::Request::decode(&*message.encode_to_vec()).unwrap();
    let violations = request.validate();
    if violations.is_empty() { Ok(request) } else { Err(IamError::validation(violations.to_string())) }
}

fn show(check: &Check, own: AccountId) -> String {
    let mut text = format!("{} {}", check.action, check.resource);
    if check.resource_account != Some(own) {
        let owner = check.resource_account.map_or("no account".to_owned(), |owner| owner.to_string());
        text.push_str(&format!(" of {owner}"));
    }
    for (key, value) in &check.context {
        match value {
            ContextValue::One(value) => text.push_str(&format!(" {key}={value}")),
            ContextValue::Many(values) => text.push_str(&format!(" {key}=[{}]", values.join(","))),
        }
    }
    text
}

fn to_json(descriptor: &MessageDescriptor, bytes: &[u8]) -> Value {
    let message = DynamicMessage::decode(descriptor.clone(), bytes).unwrap();
    serde_json::to_value(&message).unwrap()
}
