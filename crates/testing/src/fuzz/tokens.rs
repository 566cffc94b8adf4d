//! Session tokens, bearer tokens, trade-in tokens and handles.

use bailiwick_model::AccessKeyId;
use bailiwick_sts::Tokens;

use crate::{MAIN, account, noon, sealer};

/// No bytes are a token of a cluster that did not issue them.
///
/// # Panics
/// If the property does not hold.
pub fn token(bytes: &[u8]) {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    assert!(tokens.open_handle(bytes, b"service", noon()).is_err());
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(tokens.open_bearer(text, noon()).is_err());
    assert!(tokens.open_trade_in(account(MAIN), text, noon()).is_err());
    let (id, token) = text.split_once('\n').unwrap_or(("ASIAIOSFODNN7EXAMPLE", text));
    if let Ok(id) = AccessKeyId::parse(id) {
        assert!(tokens.open_session(&id, token, noon()).is_err());
    }
}
