//! The caller that a question is about: how it is proven, and which permissions the asking service needs.
//!
//! A signed request and a handle prove their caller. Callers with `bailiwick:AuthorizeAs` may name a user or root user by
//! ARN, and a service by its name, for which being registered to act as that service is enough. A role or session cannot
//! be named, because a bare ARN has neither session policies nor tags nor MFA. Explanations alone take the ARN of a role,
//! for a new session without any of these. A session token proves nothing, because every service that its holder calls
//! sees it.

use std::sync::Arc;

use bailiwick_api::authz;
use bailiwick_api::authz::caller::Who;
use bailiwick_decision::{Subject, View};
use bailiwick_model::{AccessKeyId, AccountId, Arn, ErrorCode, IamError, Region, Result, UserName};
use bailiwick_operation::{Cx, Principal};
use bailiwick_sigv4::PayloadHash;
use bailiwick_snapshot::Snapshot;
use bailiwick_sts::Tokens;

use super::signing_name;
use super::target::service_prefix;
use crate::authenticate::claim::Claim;
use crate::authenticate::credentials::invalid;
use crate::authenticate::received::Received;
use crate::bare_principal;
use crate::{Authenticated, Authz, invalid_member};

/// The caller that a question names, before a signature is verified.
pub struct ClaimedCaller {
    claim: Claim,
    kind: ClaimKind,
}

enum ClaimKind {
    /// The signer of this request, once its signature is verified.
    Signed(Box<authz::SignedRequest>),
    /// The caller that a handle proves.
    Proven(Box<Authenticated>),
    /// A user or root, by ARN.
    Arn(Arn),
    /// A new session of a role, by the role's ARN.
    Role(Arn),
    /// A service principal.
    Service(String),
    Anonymous,
}

impl ClaimedCaller {
    /// The claim of the question about its caller.
    pub(crate) fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl Authz {
    /// Parses the caller of a question.
    ///
    /// # Errors
    /// Those of [`Self::question_subject`] that do not need a signature to be verified. Only authorized callers see them.
    pub(crate) fn claimed(&self, cx: &Cx, snapshot: &Snapshot, caller: Option<authz::Caller>) -> Result<ClaimedCaller> {
        self.parse_claim(cx, snapshot, caller).map_err(IamError::about_given_caller)
    }

    /// Parses the caller of a question whose answer nothing depends on: it may be a role.
    ///
    /// # Errors
    /// As [`Self::claimed`].
    pub(crate) fn claimed_or_role(
        &self,
        cx: &Cx,
        snapshot: &Snapshot,
        caller: Option<authz::Caller>,
    ) -> Result<ClaimedCaller> {
        let Some(Who::PrincipalArn(text)) = caller.as_ref().and_then(|caller| caller.who.as_ref()) else {
            return self.claimed(cx, snapshot, caller);
        };
        let role = Arn::parse(text).ok().filter(|arn| arn.service() == "iam" && arn.resource().starts_with("role/"));
        match role.and_then(|arn| arn.account_id().map(|account| (arn, account))) {
            Some((arn, account)) => {
                Ok(ClaimedCaller { claim: Claim::of_arn(&arn, account), kind: ClaimKind::Role(arn) })
            }
            None => self.claimed(cx, snapshot, caller),
        }
    }

    fn parse_claim(&self, cx: &Cx, snapshot: &Snapshot, caller: Option<authz::Caller>) -> Result<ClaimedCaller> {
        Ok(match stated(caller)? {
            Who::SignedRequest(request) => {
                let claim = Received::read(&request)?.claim(snapshot)?;
                ClaimedCaller { claim, kind: ClaimKind::Signed(Box::new(request)) }
            }
            Who::Handle(handle) => {
                let caller = self.by_handle(cx, snapshot, &handle)?;
                let claim = Claim::of_account(Some(caller.caller.account()));
                ClaimedCaller { claim, kind: ClaimKind::Proven(Box::new(caller)) }
            }
            Who::PrincipalArn(arn) => {
                let arn = Arn::parse(&arn).map_err(|_| not_a_principal())?;
                let account = account_of(&arn)?;
                let claim = Claim::of_arn(&arn, account);
                ClaimedCaller { claim, kind: ClaimKind::Arn(arn) }
            }
            Who::ServicePrincipal(name) => {
                ClaimedCaller { claim: claim_of_service(cx, snapshot, &name), kind: ClaimKind::Service(name) }
            }
            Who::Anonymous(_) => ClaimedCaller { claim: Claim::without_principal(), kind: ClaimKind::Anonymous },
        })
    }

    /// The subject of a question: the claimed caller, proven or named by permission.
    ///
    /// # Errors
    /// Of a signed request, as [`Authz::authenticate`]; `InvalidClientTokenId` of a handle; `InvalidInput` for a
    /// missing user.
    pub(crate) fn question_subject(
        &self,
        cx: &Cx,
        snapshot: &Snapshot,
        caller: ClaimedCaller,
    ) -> Result<QuestionSubject> {
        self.prove_claim(cx, snapshot, caller).map_err(IamError::about_given_caller)
    }

    fn prove_claim(&self, cx: &Cx, snapshot: &Snapshot, caller: ClaimedCaller) -> Result<QuestionSubject> {
        Ok(match caller.kind {
            ClaimKind::Signed(request) => {
                let received = Received::read(&request)?;
                let (authenticated, ()) = self.received(snapshot, &received, cx.now(), |_, _| ())?;
                QuestionSubject::signed(&authenticated, &request.service)
            }
            ClaimKind::Proven(authenticated) => {
                // Every handle that was issued has a service.
                let service = authenticated.signed_for().ok_or_else(invalid)?;
                QuestionSubject::signed(&authenticated, service)
            }
            ClaimKind::Arn(arn) => {
                let principal = user_or_root(snapshot, &arn)?;
                let subject = Subject::of_principal(&principal, snapshot.partition()).ok_or_else(not_a_principal)?;
                QuestionSubject::unsigned(subject, false)
            }
            ClaimKind::Role(arn) => QuestionSubject::unsigned(new_session(cx, snapshot, &arn)?, false),
            ClaimKind::Service(name) => {
                QuestionSubject::unsigned(Subject::service(&name), !acts_as(cx, snapshot, &name))
            }
            ClaimKind::Anonymous => QuestionSubject::unsigned(Subject::anonymous(), true),
        })
    }

    fn by_handle(&self, cx: &Cx, snapshot: &Snapshot, handle: &[u8]) -> Result<Authenticated> {
        let holder = cx.account().digits();
        // A handle is valid for one asking account only, also if it is cached.
        let mut bytes = Vec::with_capacity(holder.len() + handle.len());
        bytes.extend_from_slice(&holder);
        bytes.extend_from_slice(handle);
        let digest = PayloadHash::of(&bytes).0;
        let open = || Tokens::of(&self.deployment).open_handle(handle, &holder, cx.now());
        self.by_token(&self.callers, snapshot, digest, cx.now(), || Ok(open()?))
    }
}

/// The subject of a question, proven or named by permission.
pub(crate) struct QuestionSubject {
    pub(crate) subject: Arc<Subject>,
    /// The service that the subject's request was signed for; none without a signature.
    signed_for: Option<Box<str>>,
    /// The access key that the subject signed with; none without a signature.
    pub(crate) access_key: Option<AccessKeyId>,
    /// The region that the request was signed for; none without a signature.
    pub(crate) region: Option<Region>,
    /// Whether the asking service only names a service that it is not registered to act as, or an anonymous caller.
    ///
    /// Roles of foreign accounts then look as if they did not exist: decisions would reveal which roles exist and which
    /// services they trust.
    pub(crate) is_claimed: bool,
}

impl QuestionSubject {
    fn signed(authenticated: &Authenticated, service: &str) -> Self {
        let subject = Arc::clone(authenticated.subject());
        let region = authenticated.region.clone();
        let access_key = authenticated.caller.access_key_id().cloned();
        QuestionSubject { subject, signed_for: Some(service.into()), access_key, region, is_claimed: false }
    }

    fn unsigned(subject: Subject, is_claimed: bool) -> Self {
        QuestionSubject { subject: Arc::new(subject), signed_for: None, access_key: None, region: None, is_claimed }
    }

    /// Refuses an action of another service than the one that the caller signed for.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(crate) fn check_action(&self, view: &View, action: &str) -> Result<()> {
        match &self.signed_for {
            Some(name) => signing_name::check(view.catalogue(), service_prefix(action)?, name),
            None => Ok(()),
        }
    }

    /// Refuses to pass a role to another service than the one that the caller signed for. A service principal that is not
    /// registered belongs to the service whose prefix its name begins with.
    ///
    /// # Errors
    /// `ValidationError`; `ServiceFailure` if the row of a registered service cannot be read.
    pub(crate) fn check_service_principal(&self, snapshot: &Snapshot, principal: &str) -> Result<()> {
        let Some(name) = &self.signed_for else { return Ok(()) };
        if signing_name::fits(snapshot.catalogue(), "iam", name) {
            return Ok(());
        }
        let prefix = match snapshot.service_of_principal(principal) {
            Some(service) if service.principals.iter().any(|known| **known == *principal) => &*service.prefix,
            // A service that cannot be read may have this principal.
            Some(_) => return Err(IamError::internal("the row of a registered service cannot be read")),
            None => principal.split('.').next().unwrap_or_default(),
        };
        signing_name::check(snapshot.catalogue(), prefix, name)
    }
}

/// The claim of a question about a service principal.
fn claim_of_service(cx: &Cx, snapshot: &Snapshot, name: &str) -> Claim {
    let registered = snapshot.service_of_principal(name);
    if acts_as(cx, snapshot, name) {
        return Claim::without_principal();
    }
    // A registered name belongs to the deployment; any other is in the asking caller's account.
    let owner = if registered.is_some() { snapshot.management_account() } else { cx.account() };
    let on = Arn::of(cx.partition(), "bailiwick", owner, format_args!("service-principal/{name}"));
    Claim { account: None, unproven: Some((on.as_str().to_owned(), owner)) }
}

fn stated(caller: Option<authz::Caller>) -> Result<Who> {
    caller
        .and_then(|caller| caller.who)
        .ok_or_else(|| invalid_member("caller", "`caller` must name the principal, and prove it"))
}

/// Returns whether a service with this principal name is registered, and the asking user or role may act as it.
fn acts_as(cx: &Cx, snapshot: &Snapshot, name: &str) -> bool {
    let (Principal::User { id, .. } | Principal::RoleSession { id, .. }) = &cx.caller().principal else { return false };
    snapshot.service_of_principal(name).is_some_and(|service| service.actors.contains(id))
}

fn not_a_principal() -> IamError {
    invalid_member(
        "caller.principalArn",
        "`principal_arn` must be the ARN of a user, or of the root user of an account",
    )
}

/// Returns the account that the ARN of a user or root user names.
fn account_of(arn: &Arn) -> Result<AccountId> {
    let account = arn.account_id().ok_or_else(not_a_principal)?;
    match (arn.service(), arn.typed_resource()) {
        ("iam", None) if arn.resource() == "root" => Ok(account),
        ("iam", Some(("user", ..))) => Ok(account),
        ("iam", Some(("role", ..))) | ("sts", _) => Err(bare_session()),
        _ => Err(not_a_principal()),
    }
}

/// Returns the user or root user that an ARN names.
fn user_or_root(snapshot: &Snapshot, arn: &Arn) -> Result<Principal> {
    let account = account_of(arn)?;
    let why = "`principal_arn` names no user and no account that exists";
    let absent = || IamError::new(ErrorCode::InvalidInput, why).field("caller.principalArn", why);
    if arn.partition() != snapshot.partition().as_str() || !snapshot.account(account).is_some_and(|a| a.is_active()) {
        return Err(absent());
    }
    if arn.resource() == "root" {
        return Ok(Principal::Root { account });
    }
    let user = snapshot.entity_by_arn(arn).ok_or_else(absent)?;
    let (name, path) = (UserName::parse(&user.name)?, user.path().clone());
    Ok(Principal::User { account, id: user.id, name, path })
}

/// A new session of the role that an ARN names.
fn new_session(cx: &Cx, snapshot: &Snapshot, arn: &Arn) -> Result<Subject> {
    let is_active = |account| snapshot.account(account).is_some_and(|account| account.is_active());
    let role = snapshot.entity_by_arn(arn).filter(|role| role.is_role() && is_active(role.account));
    match role.filter(|_| arn.partition() == snapshot.partition().as_str()) {
        Some(role) => bare_principal::of_entity(cx, snapshot, role),
        None => {
            let why = "`principal_arn` names no role that exists";
            Err(IamError::new(ErrorCode::InvalidInput, why).field("caller.principalArn", why))
        }
    }
}

fn bare_session() -> IamError {
    invalid_member(
        "caller.principalArn",
        "the ARN of a role or session is not a proof: it lacks session policies, tags and MFA; send the signed request, or \
         the handle that Authenticate returned for it; Explain alone takes the ARN of a role, for a session without these",
    )
}

/// Returns the claim that the checks of a question are about. If the caller is invalid, it names no principal.
pub(crate) fn claim(caller: &Result<ClaimedCaller>) -> Claim {
    caller.as_ref().map_or_else(|_| Claim::without_principal(), |caller| caller.claim().clone())
}
