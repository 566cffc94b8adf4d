//! Requests that other services received: their parts, and the verification of their signatures.

use bailiwick_api::authz;
use bailiwick_api::authz::http_request::Payload as Given;
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_sigv4::{
    self as sigv4, AbsentPayload, PathRule, Payload, PayloadHash, UnverifiedSignature, VerifyOptions,
};
use bailiwick_snapshot::Snapshot;
use jiff::Timestamp;

use super::claim::{Claim, account_of_key};
use super::credentials::invalid;
use super::proof::{missing, refused};
use crate::{Authenticated, Authz};

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
        let mut authenticated = self.verify(snapshot, &signed, &policy, body.as_ref(), now)?;
        // The checks were about the account that the key claimed, so the claim must be true.
        if received.claim_of(&signed, snapshot) != Some(authenticated.caller.account()) {
            return Err(invalid());
        }
        authenticated.region = Some(region);
        let output = then(&signed, is_compared);
        Ok((authenticated, output))
    }
}

/// The parts of a request that another service received.
pub(crate) struct Received<'a> {
    pub(super) signed: &'a authz::SignedRequest,
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

    /// Returns the account that the signing key claims; `None` for an unknown key.
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
