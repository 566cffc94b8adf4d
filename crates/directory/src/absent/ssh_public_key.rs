//! SSH public keys of users: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListSSHPublicKeys |req| Place::User(&req.user_name);
    get GetSSHPublicKey UpdateSSHPublicKey DeleteSSHPublicKey
        |req| Place::User(&req.user_name) => |_, req| unknown(&req.ssh_public_key_id);
}

fn unknown(id: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The Public Key with id {} cannot be found.", text(id)))
}
