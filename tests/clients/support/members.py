"""An etcd cluster whose members are killed, paused and moved, through etcd's API as JSON."""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .server import clean_environment, free_port
from .waiting import until


def encoded(value):
    """Text or bytes as etcd's API has them in JSON."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


class Member:
    """One member in a folder; it may be started, stopped and killed repeatedly."""

    def __init__(self, folder, number, options):
        self.folder, self.name, self.options = folder, f"m{number}", options
        self.host, self.port, self.peer = "127.0.0.1", free_port(), free_port()
        # What the command of the member begins with.
        self.prefix = []
        # Whether it joins the others, instead of making a cluster with them.
        self.state = "new"
        self.process = None

    @property
    def peer_url(self):
        """The address for the other members."""
        return f"http://{self.host}:{self.peer}"

    def spawn(self, members):
        """Starts the member of a cluster without waiting for it."""
        clients = f"http://{self.host}:{self.port}"
        command = [
            "etcd", f"--name={self.name}", f"--data-dir={self.folder / self.name}",
            f"--initial-cluster-state={self.state}", "--initial-cluster=" + ",".join(f"{member.name}={member.peer_url}" for member in members),
            f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={self.peer_url}", f"--initial-advertise-peer-urls={self.peer_url}", *self.options,
        ]  # fmt: skip
        # It ends with this process. It need not run as root.
        user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        with (self.folder / f"log.{self.name}").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, "setpriv", "--pdeathsig=KILL", *user, "--", *command],
                cwd=self.folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def call(self, method, timeout=10, **request):
        """Calls the API of this member; bytes are in base64."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request("POST", f"/v3/{method}", json.dumps(request))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"{method}: {text}")
        return json.loads(text)

    def is_healthy(self):
        """Whether the member reads through the quorum."""
        try:
            return "header" in self.call("kv/range", timeout=2, key=encoded("health"))
        except (OSError, http.client.HTTPException):
            return False

    def output(self):
        """The end of what the member wrote."""
        return (self.folder / f"log.{self.name}").read_text(errors="replace")[-2000:]

    def pause(self):
        """Stops the process where it is, as for a machine that hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        """Lets it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """Ends the process without notice."""
        if self.process:
            self.process.kill()
            self.process.wait(timeout=60)
            self.process = None


class Cluster:
    """Members in a temporary folder, until this process ends."""

    def __init__(self, members=3, options=(), namespaces=None):
        assert shutil.which("etcd"), "etcd must be installed: apt-get install etcd-server"
        self.folder = Path(tempfile.mkdtemp(prefix="bailiwick-etcd."))
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self.members = [Member(self.folder, number, options) for number in range(members)]
        if namespaces:
            for member, name, address in zip(self.members, namespaces.names, namespaces.addresses):
                member.host, member.prefix = address, ["ip", "netns", "exec", name]
        self._count = 0

    def start(self):
        """Starts the members that do not run, and waits until all answer."""
        for member in self.members:
            if not member.process:
                member.spawn(self.members)
        for member in self.members:
            until(member.is_healthy, lambda: f"etcd answers; it wrote {member.output()}", seconds=60)
        return self

    def end(self):
        """Ends all and removes their files."""
        for member in self.members:
            member.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, **request):
        """Calls the API of the first member."""
        return self.members[0].call(method, **request)

    def hosts(self):
        """The addresses of the members for clients."""
        return ",".join(f"{member.host}:{member.port}" for member in self.members)

    def database(self):
        """The address of a new store."""
        self._count += 1
        return f"etcd://{self.hosts()}/iam{self._count}"

    def is_empty(self, address):
        """Whether there is nothing of Bailiwick in a store."""
        return not self._range(address.rsplit("/", 1)[1] + "/")

    def remove_user(self, address):
        """Removes the row of a user from a store."""
        self.call("kv/deleterange", key=encoded(self._user(address)[0]))

    def change_user(self, address):
        """Changes the row of a user in a store."""
        key, value = self._user(address)
        self.call("kv/put", key=encoded(key), value=encoded(value + b"\x00"))

    def _user(self, address):
        """The key and the value of a row of a user."""
        rows = address.rsplit("/", 1)[1] + "/row/"
        return next((key, value) for key, value in self._range(rows) if key[len(rows) + 5] == 0x10)

    def _range(self, prefix):
        """The keys that begin with this, which ends with a slash, and their values."""
        found = self.call("kv/range", key=encoded(prefix), range_end=encoded(prefix[:-1] + "0")).get("kvs", [])
        return [(base64.b64decode(each["key"]), base64.b64decode(each.get("value", ""))) for each in found]

    def leader(self):
        """The member that leads, when there is one."""
        return until(self._leader, "there is a leader")

    def _leader(self):
        for member in self.members:
            try:
                status = member.call("maintenance/status", timeout=2)
            except (OSError, http.client.HTTPException):
                continue
            if status.get("leader") == status["header"]["member_id"]:
                return member
        return None

    def move_leader(self):
        """Another member leads."""
        leader = self.leader()
        ids = [each["ID"] for each in leader.call("cluster/member/list")["members"]]
        own = leader.call("maintenance/status")["leader"]
        leader.call("maintenance/transfer-leadership", targetID=next(each for each in ids if each != own))

    def replace(self, member):
        """The data of a member is lost: it is removed, and joins again empty."""
        member.kill()
        shutil.rmtree(member.folder / member.name)
        leader = self.leader()
        ids = {each.get("name"): each["ID"] for each in leader.call("cluster/member/list")["members"]}
        leader.call("cluster/member/remove", ID=ids[member.name])
        # etcd refuses a change of members until all that are left have been connected for some seconds.
        until(lambda: self._adds(member), "the member is added")
        member.state = "existing"
        self.start()

    def _adds(self, member):
        try:
            return self.leader().call("cluster/member/add", peerURLs=[member.peer_url])
        except OSError:
            return False

    def compact(self):
        """Removes all old versions of keys."""
        leader = self.leader()
        revision = leader.call("kv/range", key=encoded("none"))["header"]["revision"]
        leader.call("kv/compaction", revision=revision, physical=True)

    def resume(self):
        """Lets all members go on."""
        for member in self.members:
            if member.process:
                member.resume()
