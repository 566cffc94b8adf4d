//! Long-term credentials of users and root.

mod access_key;
mod login_profile;
mod password_change;
mod password_rules;
