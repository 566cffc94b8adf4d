//! Known attacks on signature checks, and our answer to each.
//!
//! **Two readings of one request.** A verifier that reads the first `Authorization` header or `X-Amz-…` parameter
//! while the service reads the last lets unsigned text through. Every header and parameter that takes part in
//! authentication may be there once; header and query signatures together are refused; so is a parameter whose name
//! differs from AWS's only by case.
//!
//! **Unsigned headers that mean something.** `host` and every `x-amz-*` header that is present must be among the
//! signed ones; [`crate::VerifyOptions::must_sign`] adds a service's own.
//!
//! **Line breaks.** A canonical request is lines. A header value with a line break, or a method that is not a token,
//! could move text from one line to the next. Both are refused.
//!
//! **Paths that normalize to the same text.** AWS signs `/b` for `/a/../b` and `//b`. A service that routes on the
//! path as it came would act on something else than was signed. [`crate::PathRule::Strict`], the default, refuses
//! such paths; [`crate::PathRule::Normalize`] is AWS's behaviour, [`crate::PathRule::ObjectKey`] is S3's, where
//! nothing is normalized and `%2F` is not `/`.
//!
//! **Plus signs.** `+` in a query string is canonicalized as the space that form decoders read, never as `%2B`.
//!
//! **Unverified bodies.** `UNSIGNED-PAYLOAD` and `STREAMING-…` are accepted only if the options allow it. A declared
//! hash is compared with the hash of the received body, and a request without that hash is refused.
//!
//! **Algorithm confusion.** The algorithm is a constant, not a choice of the caller: anything else, the asymmetric
//! variant included, is an error.
//!
//! **Old signatures.** The time is part of what is signed, and its day must be the day of the key; it must lie within
//! the allowed skew, or within a presigned request's life, which is at most a week.
//!
//! **Timing and error messages.** Signatures are compared in constant time, and no error contains the computed
//! signature.
