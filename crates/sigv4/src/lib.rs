//! bailiwick-sigv4
