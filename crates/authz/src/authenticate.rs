//! Authentication of requests that other services received.

use std::time::Duration;

use bailiwick_api::authz::http_request::Payload as Given;
use bailiwick_api::authz::{self, AuthenticateRequest, AuthenticateResponse, Principal};
use bailiwick_api::op;
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_sigv4::{
    self as sigv4, AbsentPayload, Mechanism, PathRule, Payload, PayloadHash, UnverifiedSignature, VerifyOptions,
};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;
use bailiwick_sts::Tokens;
use jiff::Timestamp;

use crate::caller::{Claim, account_of_key};
use crate::credentials::invalid;
use crate::decide::snapshot;
use crate::proof::{missing, refused};
use crate::subject::Present;
use crate::{Authenticated, Authz};

/// The lifetime of a handle, unless the caller's credentials expire earlier.
const HANDLE_LIFE: Duration = Duration::from_secs(5 * 60);

/// Authenticates the signer of a request, and returns the principal and a handle for it.
///
/// The asking service needs `bailiwick:Authenticate` on `arn:PARTITION:bailiwick::ITS-ACCOUNT:service/PREFIX`. The keys
/// `bailiwick:ServicePrefix` and `bailiwick:PrincipalAccount` are the service that the signature must be for and the
/// account that the signer claims.
///
/// # Errors
/// `MissingAuthenticationToken`, `IncompleteSignature`, `InvalidClientTokenId`, `SignatureDoesNotMatch`,
/// `ExpiredToken` for the received request; `ValidationError`.
impl Handle<op::Authenticate> for Authz {
    /// The request to authenticate. Its signature is verified for authorized callers only.
    type Plan = authz::SignedRequest;

    fn min_revision<'r>(&self, req: &'r AuthenticateRequest) -> Option<&'r str> {
        req.min_revision.as_deref()
    }

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: AuthenticateRequest) -> Result<Planned<authz::SignedRequest>> {
        let missing = || IamError::validation("`signed_request` must be there");
        let signed = req.signed_request.ok_or_else(missing)?;
        let snapshot = snapshot(cx)?;
        let claim = Received::read(&signed).and_then(|received| received.claim(&snapshot));
        let checks = claim.unwrap_or_else(|_| Claim::nobody()).checks(cx, "bailiwick:Authenticate", &signed.service);
        Ok(Planned::new(signed).checks(checks))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, signed: authz::SignedRequest) -> Result<AuthenticateResponse> {
        let snapshot = snapshot(cx)?;
        let received = Received::read(&signed)?;
        let (who, signature) = self.received(&snapshot, &received, cx.now(), signature)?;
        let session = who.caller.session.as_deref();
        let end = cx.now() + HANDLE_LIFE;
        let end = session.map_or(end, |session| end.min(session.expires));
        let (holder, service) = (cx.account().digits(), received.signed.service.as_str());
        let handle = Tokens::of(&self.deployment).issue_handle(&who.caller, &holder, service, cx.now(), end)?;
        Ok(AuthenticateResponse {
            principal: Some(principal(&who, &who.subject().on(&snapshot)?)),
            signature: Some(signature),
            handle: handle.into(),
            handle_expiration: Some(date(end)),
            revision: self.deployment.revisions.format(snapshot.revision()),
        })
    }
}

impl Authz {
    /// Authenticates a request that another service received. Calls `then` with the signature, and whether the payload's
    /// hash was compared with that of the body.
    pub(crate) fn received<T>(
        &self,
        snapshot: &Snapshot,
        received: &Received<'_>,
        now: Timestamp,
        then: impl FnOnce(&UnverifiedSignature<'_>, bool) -> T,
    ) -> Result<(Authenticated, T)> {
        let signed = sigv4::parse(&received.request()).map_err(|error| refused(&error))?.ok_or_else(missing)?;
        let service = received.signed.service.as_str();
        signed.expect_service(&[service]).map_err(|error| refused(&error))?;
        let region = self.region(&signed)?;
        if let Some(wanted) = &received.signed.region {
            signed.expect_region(|region| region == wanted).map_err(|error| refused(&error))?;
        }
        received.check_host()?;
        let is_s3 = matches!(service, "s3" | "s3-object-lambda" | "s3-outposts" | "s3express");
        let (body, is_compared) = received.body(&signed, is_s3)?;
        let policy = VerifyOptions {
            unsigned_payload: true,
            streaming_payload: true,
            absent_payload: if is_s3 { AbsentPayload::Unsigned } else { AbsentPayload::Hash },
            path: if is_s3 { PathRule::ObjectKey } else { PathRule::Strict },
            ..VerifyOptions::default()
        };
        let mut who = self.verify(snapshot, &signed, &policy, body.as_ref(), now)?;
        // The checks were about the account that the key claimed, so the claim must be true.
        if received.claim_of(&signed, snapshot) != Some(who.caller.account()) {
            return Err(invalid());
        }
        who.region = Some(region);
        let told = then(&signed, is_compared);
        Ok((who, told))
    }
}

/// The parts of a request that another service received.
pub(crate) struct Received<'a> {
    signed: &'a authz::SignedRequest,
    http: &'a authz::HttpRequest,
    path: &'a str,
    query: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Received<'a> {
    pub(crate) fn read(signed: &'a authz::SignedRequest) -> Result<Self> {
        let http = signed.http_request.as_ref();
        let http = http.ok_or_else(|| IamError::validation("`http_request` must be there"))?;
        let (path, query) = http.target.split_once('?').unwrap_or((&http.target, ""));
        if !path.starts_with('/') {
            return Err(IamError::validation("`target` must be a path, as it stood in the request line"));
        }
        let headers = http.headers.iter().map(|header| (header.name.as_str(), header.value.as_bytes())).collect();
        Ok(Received { signed, http, path, query, headers })
    }

    fn request(&self) -> sigv4::Request<'_> {
        sigv4::Request { method: &self.http.method, path: self.path, query: self.query, headers: &self.headers }
    }

    /// The account that the signing key claims; none if there is no such key.
    pub(crate) fn claim(&self, snapshot: &Snapshot) -> Result<Claim> {
        let signed = sigv4::parse(&self.request()).map_err(|error| refused(&error))?.ok_or_else(missing)?;
        Ok(Claim::of_account(self.claim_of(&signed, snapshot)))
    }

    fn claim_of(&self, signed: &UnverifiedSignature<'_>, snapshot: &Snapshot) -> Option<AccountId> {
        account_of_key(snapshot, signed.access_key_id(), signed.session_token().is_some())
    }

    fn check_host(&self) -> Result<()> {
        let Some(wanted) = &self.signed.host else { return Ok(()) };
        let mut hosts = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        match (hosts.next(), hosts.next()) {
            (Some((_, host)), None) if host.eq_ignore_ascii_case(wanted.as_bytes()) => Ok(()),
            _ => Err(IamError::new(
                bailiwick_model::ErrorCode::SignatureDoesNotMatch,
                "the request is signed for another host",
            )),
        }
    }

    /// The hash that the signature must cover, and whether it is a hash of the body.
    ///
    /// If the body is not given, the hash that the request declares is used. A GET or HEAD that declares none has no body.
    fn body(&self, signed: &UnverifiedSignature<'_>, is_s3: bool) -> Result<(Option<PayloadHash>, bool)> {
        match &self.http.payload {
            Some(Given::Body(body)) => return Ok((Some(PayloadHash::of(body)), true)),
            Some(Given::PayloadSha256(hex)) => {
                let hash = parse_hex(hex);
                let hash =
                    hash.ok_or_else(|| IamError::validation("`payload_sha256` must be 64 hexadecimal digits"))?;
                return Ok((Some(PayloadHash(hash)), true));
            }
            None => {}
        }
        match signed.payload().map_err(|error| refused(&error))? {
            Payload::Hash(declared) => Ok((Some(declared), false)),
            Payload::Absent if !is_s3 && matches!(self.http.method.as_str(), "GET" | "HEAD") => {
                Ok((Some(PayloadHash::of(b"")), false))
            }
            _ => Ok((None, false)),
        }
    }
}

fn parse_hex(hex: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(hash)
}

fn signature(signed: &UnverifiedSignature<'_>, is_compared: bool) -> authz::Signature {
    let expiration = match signed.mechanism() {
        Mechanism::Header => None,
        Mechanism::Presigned { expires } => expires.and_then(|expires| signed.date().checked_add(expires).ok()),
    };
    let (payload_hash, is_hash) = match signed.payload() {
        Ok(Payload::Hash(hash)) => (hex(&hash.0), true),
        Ok(Payload::Unsigned) => ("UNSIGNED-PAYLOAD".to_owned(), false),
        Ok(Payload::Streaming(word)) => (word.to_owned(), false),
        // Not declared: the body's own hash was compared, or nothing.
        Ok(Payload::Absent) | Err(_) => (String::new(), signed.scope().service() != "s3"),
    };
    authz::Signature {
        service: signed.scope().service().to_owned(),
        region: signed.scope().region().to_owned(),
        signed_at: Some(date(signed.date())),
        expiration: expiration.map(date),
        signed_headers: signed.signed_headers().map(str::to_owned).collect(),
        payload_hash,
        payload_verified: is_compared && is_hash,
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn principal(who: &Authenticated, present: &Present<'_>) -> Principal {
    let caller = &who.caller;
    let session = caller.session.as_deref();
    let names = &*present.names;
    let is_session = matches!(caller.principal, bailiwick_operation::Principal::RoleSession { .. });
    let mut principal_tags = std::collections::HashMap::new();
    let own = present.entity.iter().flat_map(|entity| entity.tags.iter());
    for tag in session.iter().flat_map(|session| session.tags.iter()).chain(own) {
        let is_there = principal_tags.keys().any(|key: &String| key.to_lowercase() == tag.key.to_lowercase());
        if !is_there {
            principal_tags.insert(tag.key.clone(), tag.value.clone());
        }
    }
    Principal {
        arn: names.arn.to_string(),
        account_id: caller.account().to_string(),
        principal_type: caller.principal.type_name().to_owned(),
        user_id: names.user_id.to_string(),
        user_name: names.user_name.as_deref().map(str::to_owned),
        role_arn: is_session.then(|| names.identity_arn.to_string()),
        session_name: match &caller.principal {
            bailiwick_operation::Principal::RoleSession { session_name, .. } => Some(session_name.to_string()),
            _ => None,
        },
        source_identity: session.and_then(|session| session.source_identity.clone()),
        access_key_id: caller.access_key_id().to_string(),
        session_issued_at: session.map(|session| date(session.issued)),
        session_expiration: session.map(|session| date(session.expires)),
        mfa_authenticated_at: caller.mfa.map(date),
        principal_tags,
    }
}

pub(crate) fn date(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}
