"""Attacks on the running server: requests of an attacker, and the effects that they must not have."""
