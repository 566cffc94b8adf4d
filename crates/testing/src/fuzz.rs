//! The fuzz targets: one function for each parser of outside bytes. It panics if a property does not hold for its input.
//!
//! `fuzz/fuzz_targets/NAME.rs` passes generated inputs to the function of the same name. `tests/corpora.rs` passes it
//! every file in `fuzz/corpus/NAME`, so that an input that once failed is tested from then on.
//!
//! The functions of `policy-lang` and `evaluator` are in these crates, which test them with mutated seeds as well; those of
//! `grpc` and `console` are in them too. Those of `server`, which is not a library, are in its files `net/fuzz_targets.rs`
//! and `backup/fuzz_targets.rs`.

mod bodies;
mod evaluation;
mod federation;
mod id_tokens;
mod records;
mod requests;
mod signatures;
mod tokens;
mod trail;
mod values;

pub use bodies::{console_form, sign_in_json};
pub use evaluation::{decision, evaluation, evaluation_case, pattern};
pub use federation::{certificate, saml_metadata, saml_response, ssh_public_key, webauthn};
pub use id_tokens::{jwks, jwt};
pub use records::{audit_row, storage_key, storage_row};
pub use requests::{json_request, query_form};
pub use signatures::{presigned, signature};
pub use tokens::token;
pub use trail::{audit_digests, audit_segment};
pub use values::{arn, condition_value, policy_document, policy_template, principal};

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

macro_rules! targets {
    ($($name:ident)*) => {
        /// All targets, by name.
        pub const TARGETS: &[Target] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    arn
    audit_digests
    audit_row
    audit_segment
    certificate
    condition_value
    console_form
    decision
    evaluation
    evaluation_case
    json_request
    jwks
    jwt
    pattern
    policy_document
    policy_template
    presigned
    principal
    query_form
    saml_metadata
    saml_response
    sign_in_json
    signature
    ssh_public_key
    storage_key
    storage_row
    token
    webauthn
}
