//! bailiwick-snapshot
