//! What browsers send: sign-ins in JSON, and the forms of the console.

pub use bailiwick_console::fuzz::console_form;
pub use bailiwick_grpc::fuzz::sign_in_json;
