//! Other services: `services` registers their names, `resources` stores policies and tags of their resources, and `validate`
//! checks policy documents against those names.

use bailiwick_model::{ErrorCode, IamError};

mod definition;
mod resources;
mod services;
#[cfg(test)]
mod tests;
pub(crate) mod validate;

fn invalid(field: &str, message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message.clone()).field(field, message)
}
