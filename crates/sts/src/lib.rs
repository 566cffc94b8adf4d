//! bailiwick-sts
