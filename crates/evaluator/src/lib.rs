//! bailiwick-evaluator
