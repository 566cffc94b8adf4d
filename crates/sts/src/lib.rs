//! Temporary credentials and bearer tokens: the operations of STS and of `signin.v1`, and the tokens themselves.
//!
//! A token is self-contained: it contains the sealed caller, and issuing one writes nothing. The secret key of temporary
//! credentials is derived from the key that sealed the token and from the whole token, so it is neither stored nor in the
//! token, and every token has its own. [`Tokens`] issues and opens tokens. The code that opens one still has to check
//! that the principal exists, that its sessions were not revoked, and that the request is signed with the secret.
//!
//! The crate deliberately does not know front ends, signatures, nor how a decision is made.
//!
//! Start reading at [`Tokens`], then [`Sts`] and `assume_role`.

mod access_key;
mod access_key_info;
mod assume_role;
mod assume_root;
mod authorization_message;
mod caller_identity;
mod create_token;
mod delegation;
mod federation_token;
mod issue;
mod message;
mod packed_size;
mod revoke_sessions;
mod role_session;
mod saml;
mod scoped_credentials;
mod second_factor;
mod session_policy;
mod session_tags;
mod session_token;
#[cfg(test)]
mod testing;
mod token_keys;
mod tokens;
mod trade_in;
mod web_identity;
mod web_identity_token;

pub use authorization_message::{AuthorizationMessages, MessageLength};
pub use issue::{Issued, SessionParts, date, expiry, issue_session};
pub use token_keys::{TOKEN_KEYS_MAX_AGE, rotate_token_keys};
pub use tokens::{Bearer, OpenedSession, TokenError, Tokens};
pub use trade_in::TradeIn;

/// Handles the operations of STS and of `signin.v1`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sts;
