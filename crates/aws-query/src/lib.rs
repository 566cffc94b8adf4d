//! bailiwick-aws-query
