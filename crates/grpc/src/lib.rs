//! bailiwick-grpc
