//! bailiwick-seal
