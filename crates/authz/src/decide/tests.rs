//! Tests, one module for each subject.

mod batches;
mod checks;
mod denial_messages;
mod disclosures;
mod foreign_tags;
mod own_password;
mod pass_role;
mod questions;
mod reserved;
mod scopes;
mod values;
mod work_budget;
