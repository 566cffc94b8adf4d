//! Properties of the account: none is set.

use super::{Place, absent};

absent! {
    all GetAccountProperties |req| Place::Account;
}
