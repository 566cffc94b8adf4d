//! bailiwick-audit
