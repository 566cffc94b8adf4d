//! bailiwick-service
