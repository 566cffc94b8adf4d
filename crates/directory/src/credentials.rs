//! Long-term credentials of users and root.

mod access_key;
