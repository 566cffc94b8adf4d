//! bailiwick-model
