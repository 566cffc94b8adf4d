//! bailiwick-policy-lang
