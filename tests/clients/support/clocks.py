"""Servers with clocks of their own, which are wrong: Debian's `libfaketime`."""

from pathlib import Path

import pytest


class Clock:
    """The wall clock of servers that are started with `environment`; it may be changed while they run.

    The monotonic clock of the system stays as it is, as on a machine whose time is set.
    """

    def __init__(self, file):
        library = max(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), default=None)
        if library is None:
            pytest.skip("libfaketime is not installed: apt-get install libfaketime")
        self._file = file
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip

    def set(self, seconds):
        """The clock is ahead by this many seconds, or behind if they are negative."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self._file)
