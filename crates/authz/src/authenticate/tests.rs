//! Tests, one module for each subject.

mod handles;
mod requests;
