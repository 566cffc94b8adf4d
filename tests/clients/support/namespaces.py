"""Network namespaces, whose networks are divided. They need permission."""

import secrets
import subprocess

import pytest


def ip(*arguments):
    """Runs `ip`."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)


class Namespaces:
    """Namespaces in a network of their own, which this machine reaches too."""

    def __init__(self, count):
        name = f"bw{secrets.token_hex(3)}"
        # Addresses for tests of networks (RFC 2544).
        network = f"198.{secrets.choice((18, 19))}.{secrets.randbelow(256)}"
        self.bridge = name
        self.names = [f"{name}-{number}" for number in range(count)]
        self.addresses = [f"{network}.{number + 2}" for number in range(count)]
        done = subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"network namespaces are not permitted here: {done.stderr.strip()}")
        try:
            self._connect(f"{network}.1")
        except BaseException:
            self.end()
            raise

    def _connect(self, own):
        ip("address", "add", f"{own}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for name, address in zip(self.names, self.addresses):
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", self.bridge, "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def divide(self, number):
        """Nothing passes between a namespace and the others; this machine reaches all of them."""
        self._others(number, "add")

    def join(self, number):
        """Ends that."""
        self._others(number, "delete")

    def _others(self, number, verb):
        for other, address in enumerate(self.addresses):
            if other != number:
                ip("-n", self.names[number], "route", verb, "blackhole", f"{address}/32")

    def end(self):
        """Removes all."""
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        subprocess.run(["ip", "link", "delete", self.bridge], capture_output=True)
