//! The second step: the proof.

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

/// What a service asks of a signature beyond being right. The default is the strictest that AWS's clients meet.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// How far the signer's clock may be off, either way; five minutes by default.
    pub max_skew: Duration,
    /// The longest life of a presigned request; a week by default, which is also the most that is read.
    pub max_expires: Duration,
    /// A presigned request lives at least so long, however little it asks for; zero by default.
    ///
    /// STS takes a presigned `GetCallerIdentity` for 15 minutes although its clients ask for 60 seconds.
    pub min_presigned_life: Duration,
    /// The life of a presigned request without `X-Amz-Expires`; by default such a request is refused.
    ///
    /// STS takes a presigned `GetCallerIdentity` without it for 15 minutes; some SDKs leave it out.
    pub absent_expires: Option<Duration>,
    /// Whether `UNSIGNED-PAYLOAD` will do; not by default.
    pub unsigned_payload: bool,
    /// Whether `STREAMING-…` will do; then the caller must check the chunks. Not by default.
    pub streaming_payload: bool,
    /// What it means that nothing is said of the payload.
    pub absent_payload: AbsentPayload,
    /// How the path is signed.
    pub path: PathRule,
    /// Headers, in lower case, that must be signed when they are there; `host` and `x-amz-*` always must.
    pub must_sign: &'a [&'a str],
}

/// What a signature covers when `x-amz-content-sha256` is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentPayload {
    /// The hash of the body, as most of AWS's services have it.
    Hash,
    /// Nothing of the body; as if `UNSIGNED-PAYLOAD` were there.
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
    /// Proves that who has `key` signed this request, that it is neither too old nor too young, and that the body
    /// whose hash is given is the one that was signed.
    ///
    /// `body` may be `None` only where the policy and the request agree that the body is not signed.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: time, headers, payload, signature, in this order.
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

    /// The time within which the signature is good under a policy.
    ///
    /// [`Self::verify`] checks it. A server that waits between verifying a signature and acting on it checks it again.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::MissingParameters`] and [`SigV4Error::MalformedExpires`] for a presigned request whose life the
    /// policy does not take.
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

/// The time within which a signature is good: from [`VerifyOptions::max_skew`] before it was made until it expires.
#[derive(Clone, Copy, Debug)]
pub struct SignatureWindow {
    at: SignedAt,
    past: Duration,
    max_skew: Duration,
}

impl SignatureWindow {
    /// Checks that `now` lies within it.
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
    // At the ends of time there is nothing earlier or later to compare with.
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
