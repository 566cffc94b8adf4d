"""Attacks on the running server: what an enemy sends, and what must not come of it."""
