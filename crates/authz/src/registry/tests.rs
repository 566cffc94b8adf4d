//! Tests, one module for each subject.

mod resources;
mod services;
mod validation;
