//! bailiwick-storage
