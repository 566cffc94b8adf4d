"""Servers that share a store."""

from concurrent.futures import ThreadPoolExecutor

from .server import Server, random_root


class SharedStoreServers:
    """Makes servers in folders of their own, with one master key."""

    def __init__(self, folder, new_address):
        self.folder = folder
        self.new_address = new_address
        self.made = []

    def make(self, count, address=None, arguments=()):
        """Servers on one store, which is new without an address; not yet started."""
        address, root = address or self.new_address(), random_root()
        servers = []
        for _ in range(count):
            folder = self.folder / f"server{len(self.made)}"
            folder.mkdir()
            key = ["--master-key-file", str(self.folder / "key")]
            server = Server(folder, root=root, arguments=[*key, *arguments], environment={"BAILIWICK_STORE": address})
            servers.append(server)
            self.made.append(server)
        return servers

    def kill(self):
        """Ends those that run."""
        for each in self.made:
            if each.process and each.process.poll() is None:
                each.kill()


def started(servers):
    """Starts servers: the first, which makes the deployment, then the others."""
    servers[0].start()
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.start, servers[1:]))
    return servers
