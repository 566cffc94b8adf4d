//! ID tokens of OpenID Connect providers: JSON Web Tokens, and the key sets (JWKS) that verify them.
//!
//! [`Jwt::parse`] reads a token once, by rules that leave no second reading: three parts of canonical base64url, JSON
//! without duplicate names, bounded sizes and depth. [`Jwt::verify`] checks the signature, the issuer, the audience and the
//! times, and returns an [`IdToken`], which is the only way to the claims.
//!
//! What a token says about its own verification is never followed. Its `alg` must be the algorithm that the key fixes;
//! `jku`, `x5u`, `jwk` and `x5c` are not read; `crit`, `b64`, `zip`, `enc` and `cty`, which change what the token means, are
//! refused. Keys come from the caller, as a [`KeySet`] of the registered issuer.
//!
//! The signatures are verified by `aws-lc-rs`. The crate `jsonwebtoken` is not used: it has no ES512, and it would read the
//! header and the claims a second time, by other rules than those that decided here.

mod claims;
mod error;
mod id_token;
mod keys;
mod token;

pub use claims::{ClaimValue, SessionClaims};
pub use error::{JwtError, MAX_TOKEN_BYTES};
pub use id_token::IdToken;
pub use keys::{JwksError, KeySet, MAX_JWKS_BYTES, MAX_KEYS};
pub use token::{Expected, Jwt, MAX_CLOCK_SKEW_SECONDS};

#[cfg(test)]
mod tests;
