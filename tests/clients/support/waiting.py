"""Waits for a condition, and fails if it is not true in time."""

import time

PATIENCE = 30


def until(condition, what, seconds=PATIENCE):
    """Calls the condition until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not in {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.005)
    return found
