//! bailiwick-storage-redb
