//! bailiwick-authz
