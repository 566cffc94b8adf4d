"""Shared parts of the tests: the real server as a process, and real clients."""
