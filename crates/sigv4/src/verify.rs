//! The second step: verifying the signature.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    canonical::{Canonical, PayloadLine},
    date::SignedAt,
    error::SigV4Error,
    header,
    key::SigningKey,
    path::PathRule,
    payload::{Payload, PayloadHash},
    query,
    unverified::{Mechanism, UnverifiedSignature},
};

/// The requirements of a service for a signature. The default is the strictest that AWS's clients satisfy.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// The largest permitted difference between the signer's clock and `now`; five minutes by default.
    pub max_skew: Duration,
    /// The longest lifetime of a presigned request; one week by default, which is also the maximum.
    pub max_expires: Duration,
    /// The shortest lifetime of a presigned request, whatever it asks for; zero by default.
    ///
    /// STS accepts a presigned `GetCallerIdentity` for 15 minutes, although its clients ask for 60 seconds.
    pub min_presigned_life: Duration,
    /// The lifetime of a presigned request without `X-Amz-Expires`; by default such a request is refused.
    ///
    /// STS accepts a presigned `GetCallerIdentity` without it for 15 minutes; some SDKs omit it.
    pub absent_expires: Option<Duration>,
    /// Whether `UNSIGNED-PAYLOAD` is accepted; `false` by default.
    pub unsigned_payload: bool,
    /// Whether `STREAMING-…` is accepted; `false` by default. The caller must then check the chunks.
    pub streaming_payload: bool,
    /// What a signature without `x-amz-content-sha256` covers.
    pub absent_payload: AbsentPayload,
    /// The rule by which the path is signed.
    pub path: PathRule,
    /// Headers, in lower case, that must be signed if they are present, besides `host` and `x-amz-*`.
    pub must_sign: &'a [&'a str],
}

/// What a signature covers if `x-amz-content-sha256` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbsentPayload {
    /// The hash of the body, as in most AWS services.
    Hash,
    /// Nothing of the body, as with `UNSIGNED-PAYLOAD`.
    Unsigned,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            max_skew: Duration::from_secs(5 * 60),
            max_expires: Duration::from_secs(crate::presigned::MAX_EXPIRES),
            min_presigned_life: Duration::ZERO,
            absent_expires: None,
            unsigned_payload: false,
            streaming_payload: false,
            absent_payload: AbsentPayload::Hash,
            path: PathRule::Strict,
            must_sign: &[],
        }
    }
}

impl UnverifiedSignature<'_> {
    /// Verifies that `key` signed this request, that the request is within its [`window`](Self::window), and that the
    /// signature covers the body with the given hash.
    ///
    /// `body` may be `None` only if both the options and the request leave the body unsigned.
    ///
    /// # Errors
    ///
    /// The first failed check: time, headers, payload, signature, in this order.
    pub fn verify(
        &self,
        key: &SigningKey,
        now: Timestamp,
        policy: &VerifyOptions<'_>,
        body: Option<&PayloadHash>,
    ) -> Result<(), SigV4Error> {
        self.window(policy)?.check(now)?;
        self.check_headers(policy)?;
        let canonical = Canonical {
            request: &self.request,
            signed_headers: &self.signed_headers,
            path: policy.path,
            presigned: matches!(self.mechanism, Mechanism::Presigned { .. }),
            payload: self.payload_line(policy, body)?,
        };
        let text = canonical.string_to_sign(&self.at, &self.scope)?;
        if key.verify(&text, &self.signature) { Ok(()) } else { Err(SigV4Error::Mismatch) }
    }

    /// Returns the time window in which the signature is valid.
    ///
    /// [`Self::verify`] checks it. A server that waits between verifying a signature and acting on it checks it again.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::MissingParameters`] and [`SigV4Error::MalformedExpires`] for a presigned request whose lifetime
    /// the options do not accept.
    pub fn window(&self, policy: &VerifyOptions<'_>) -> Result<SignatureWindow, SigV4Error> {
        let past = match self.mechanism {
            Mechanism::Header => policy.max_skew,
            Mechanism::Presigned { expires } => {
                let expires = expires.or(policy.absent_expires);
                let expires = expires.ok_or_else(|| SigV4Error::MissingParameters(vec![query::EXPIRES]))?;
                if expires > policy.max_expires {
                    return Err(SigV4Error::MalformedExpires(policy.max_expires.as_secs()));
                }
                expires.max(policy.min_presigned_life)
            }
        };
        Ok(SignatureWindow { at: self.at, past, max_skew: policy.max_skew })
    }

    fn check_headers(&self, policy: &VerifyOptions<'_>) -> Result<(), SigV4Error> {
        let unsigned = policy.must_sign.iter().find(|name| {
            !header::is_signed(&self.signed_headers, name)
                && self.request.headers.iter().any(|(present, _)| present.eq_ignore_ascii_case(name))
        });
        match unsigned {
            Some(name) => Err(SigV4Error::HeaderNotSigned((*name).to_owned())),
            None => Ok(()),
        }
    }

    fn payload_line<'b>(
        &'b self,
        policy: &VerifyOptions<'_>,
        body: Option<&'b PayloadHash>,
    ) -> Result<PayloadLine<'b>, SigV4Error> {
        match self.payload()? {
            Payload::Absent if policy.absent_payload == AbsentPayload::Hash => {
                body.map(PayloadLine::Hash).ok_or(SigV4Error::UnsignedPayload)
            }
            Payload::Absent | Payload::Unsigned if policy.unsigned_payload => Ok(PayloadLine::Unsigned),
            Payload::Absent | Payload::Unsigned => Err(SigV4Error::UnsignedPayload),
            Payload::Streaming(word) if policy.streaming_payload => Ok(PayloadLine::Word(word)),
            Payload::Streaming(_) => Err(SigV4Error::UnsignedPayload),
            Payload::Hash(declared) => match body {
                Some(body) if *body == declared => Ok(PayloadLine::Hash(body)),
                Some(_) => Err(SigV4Error::PayloadMismatch),
                None => Err(SigV4Error::UnsignedPayload),
            },
        }
    }
}

/// The time window in which a signature is valid: from [`VerifyOptions::max_skew`] before its time until it expires.
#[derive(Clone, Copy, Debug)]
pub struct SignatureWindow {
    at: SignedAt,
    past: Duration,
    max_skew: Duration,
}

impl SignatureWindow {
    /// Checks that `now` lies within the window.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::Expired`] and [`SigV4Error::NotYetCurrent`].
    pub fn check(&self, now: Timestamp) -> Result<(), SigV4Error> {
        let (date, now_text) = (|| self.at.as_str().to_owned(), || SignedAt::of(now).as_str().to_owned());
        let earliest = shift(now, self.past, Timestamp::checked_sub);
        if self.at.time < earliest {
            let limit = SignedAt::of(earliest).as_str().to_owned();
            return Err(SigV4Error::Expired { date: date(), limit, now: now_text(), window: window(self.past) });
        }
        let latest = shift(now, self.max_skew, Timestamp::checked_add);
        if self.at.time > latest {
            let limit = SignedAt::of(latest).as_str().to_owned();
            let window = window(self.max_skew);
            return Err(SigV4Error::NotYetCurrent { date: date(), limit, now: now_text(), window });
        }
        Ok(())
    }
}

fn shift(time: Timestamp, by: Duration, step: fn(Timestamp, Duration) -> Result<Timestamp, jiff::Error>) -> Timestamp {
    // At the limits of `Timestamp` the time itself is the bound.
    step(time, by).unwrap_or(time)
}

fn window(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min.", seconds / 60),
        seconds => format!("{seconds} sec."),
    }
}

#[cfg(test)]
mod tests;
