"""Sessions on servers that share a store in etcd, one of which has a wrong clock."""

from stores.test_clocks import (  # noqa: F401
    clock,
    test_a_clock_that_is_ahead_ends_sessions_on_that_server_only,
    test_a_clock_that_was_days_ahead_ends_no_session,
    test_a_provider_that_is_created_again_ends_sessions_of_a_clock_that_is_ahead,
    test_sessions_of_a_server_whose_clock_is_ahead_end_with_the_revocation,
    test_sessions_that_are_issued_after_a_revocation_by_a_clock_that_is_ahead_are_valid,
    three,
)
