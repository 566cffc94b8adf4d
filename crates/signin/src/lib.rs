//! People who sign in: passwords, second factors, lockout, and their sessions.
//!
//! A sign-in session is a record of its owner, a user or root, and a sealed bearer token that names it. The token is valid
//! while the record has the session: the view follows the records, so a session that was revoked is refused by the next
//! decision. Temporary access keys of a session name it as their parent and end with it.
//!
//! An attempt to sign in runs in the pipeline like every operation. Its plan looks up the person and names the computation
//! with the password; the pipeline computes on a bounded pool, outside of the transaction, and plans again; the handler
//! then finds out whether the password was correct. Unknown accounts, users and passwords cost the same and have the same
//! answers: a computation with a dummy hash, and failures that are counted under the name.
//!
//! The crate deliberately does not know front ends, signatures, nor how a decision is made.
//!
//! Start reading at `attempt`, then `sign_in`.

mod attempt;
mod change_password;
mod credentials;
mod factor;
mod federation;
mod link;
mod lockout;
mod root_password;
mod session;
mod sessions;
mod sign_in;

pub use link::{LINK_LIFETIME, Link};

/// Handles the operations of people who sign in.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignIn;
