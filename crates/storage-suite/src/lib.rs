//! bailiwick-storage-suite
