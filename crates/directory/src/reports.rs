//! Reports about an account.

mod authorization_details;
