"""Three servers on one store, each of which reaches every node of the store through a proxy of its own, and faults of them."""

import math
import signal
import time

from .clocks import Clock
from .cuttable import Cuttable
from .server import Server, random_root
from .shared_store import started
from .waiting import until

SERVERS = 3
STALENESS = 2
# Less than what signatures allow, so that decisions go on.
SKEW = 300


class Deployment:
    """The servers and their proxies. A subclass has the store, and the faults of it."""

    def __init__(self, folder, nodes, address):
        """`nodes` are hosts and ports; `address` makes the store's address of the hosts and ports of the proxies."""
        self.root = random_root()
        self.key = folder / "key"
        self.servers, self.proxies, self.clocks = [], [], []
        # When another node of the store took over for the first time that may not have all of its predecessor's answers.
        self.replaced_at = math.inf
        for number in range(SERVERS):
            proxies = [Cuttable(port, host) for host, port in nodes]
            own = folder / f"server{number}"
            own.mkdir()
            environment = {"BAILIWICK_STORE": address(",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies))}
            arguments = ["--master-key-file", str(self.key), "--max-staleness", str(STALENESS)]
            self.servers.append(Server(own, root=self.root, arguments=arguments, environment=environment))
            self.proxies.append(proxies)

    def start(self):
        """Starts the servers."""
        started(self.servers)
        return self

    def with_clocks(self):
        """Gives each server, which is not started yet, a clock of its own."""
        for server in self.servers:
            self.clocks.append(Clock(server.folder / "clock"))
            server.environment |= self.clocks[-1].environment
        return self

    def end(self):
        """Ends the servers and the proxies."""
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.signal(signal.SIGCONT)
                server.kill()
        for proxy in sum(self.proxies, []):
            proxy.close()

    # Faults: each one takes place for some seconds and is over at the end.

    def kill_server(self, server):
        """Ends a server without notice."""
        self.servers[server].kill()
        time.sleep(0.5)
        self.servers[server].start()

    def pause_server(self, server):
        """Stops a server for longer than it may decide without the store."""
        self.servers[server].signal(signal.SIGSTOP)
        time.sleep(STALENESS + 1)
        self.servers[server].signal(signal.SIGCONT)

    def cut_off(self, server, mode="cut"):
        """Cuts a server off from the store."""
        for proxy in self.proxies[server]:
            proxy.set(mode)
        time.sleep(STALENESS + 1)
        for proxy in self.proxies[server]:
            proxy.set("open")

    def silence(self, server):
        """The same without an end of the connections."""
        self.cut_off(server, "silent")

    # The same for deployments with clocks.

    def clock_ahead(self, server, seconds=SKEW):
        """The clock of a server is wrong."""
        self.clocks[server].set(seconds)
        time.sleep(STALENESS + 1)
        self.clocks[server].set(0)

    def clock_behind(self, server):
        """The clock of a server is behind."""
        self.clock_ahead(server, -SKEW)

    def clock_far_ahead(self, server):
        """The clock of a server is ahead by days, so that it refuses all signatures and replaces keys that are old for it."""
        self.clocks[server].set(3 * 86_400)
        until(lambda: self.servers[server].date() > time.time() + 2 * 86_400, "the server has this clock")
        self.clock_ahead(server, 3 * 86_400)

    def start_with_clock_behind(self, server):
        """A server ends, and starts again with a clock that is behind."""
        self.clocks[server].set(-SKEW)
        self.kill_server(server)
        self.clocks[server].set(0)

    def cut_off_with_clock_behind(self, server):
        """The clock is set back while a server is cut off: it stops deciding nevertheless."""
        self.clocks[server].set(-SKEW)
        self.cut_off(server)
        self.clocks[server].set(0)


CLOCK_FAULTS = [
    Deployment.clock_ahead, Deployment.clock_behind, Deployment.clock_far_ahead, Deployment.start_with_clock_behind,
    Deployment.cut_off_with_clock_behind,
]  # fmt: skip
