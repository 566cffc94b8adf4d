//! bailiwick-operation
