//! bailiwick-directory
