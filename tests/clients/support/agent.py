"""`bailiwick agent` as a process, and a port that can be connected to a server or not."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from .server import BINARY, PATIENCE, clean_environment
from .terminal import Conversation

AWS = Path(sys.executable).with_name("aws")


class Agent:
    """One agent on a free port. `variables` are what its clients have to set.

    With `answers` it has a terminal, on which they are typed.
    """

    def __init__(self, folder, environment, *arguments, answers=()):
        folder.mkdir(exist_ok=True)
        self.token_file = folder / "agent.token"
        self.log = folder / "agent.log"
        self.variables = {}
        nothing = {"NO_COLOR": "1", "HOME": str(folder), "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        command = [BINARY, "agent", "--listen", "127.0.0.1:0", "--token-file", self.token_file, *arguments]
        self.talk = Conversation(command, nothing | environment, stderr=self.log.open("w"))
        self.process = self.talk.process
        for question, text in answers:
            self.talk.answer(question, text)
        for _ in range(3 if "--imds" in arguments else 2):
            line = self.process.stdout.readline()
            assert line.startswith("export "), f"the agent ended with {self.process.wait(PATIENCE)}: {self.said()}"
            name, _, value = line.removeprefix("export ").partition("=")
            (self.variables[name],) = shlex.split(value)

    @property
    def port(self):
        """The port that it listens on."""
        return int(self.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"].split(":")[2].split("/")[0])

    @property
    def token(self):
        """The authorization token."""
        return self.token_file.read_text()

    def client_environment(self, server, *kinds):
        """The environment of a client that has nothing but the agent, or but its variables of these kinds."""
        chosen = {name: value for name, value in self.variables.items() if not kinds or any(kind in name for kind in kinds)}
        return clean_environment() | chosen | {
            "AWS_ENDPOINT_URL": server.url, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
        }  # fmt: skip

    def identity(self, server, *kinds):
        """The ARN that the AWS CLI acts as in this environment."""
        command = [sys.executable, str(AWS), "sts", "get-caller-identity"]
        done = subprocess.run(command, env=self.client_environment(server, *kinds), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + self.said()
        return json.loads(done.stdout)["Arn"]

    def said(self):
        """Its log so far."""
        return self.log.read_text()

    def stop(self):
        """Stops it and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        if not self.process.stdout.closed:
            self.process.stdout.close()
            self.talk.close()
        return code


class Relay:
    """A port that passes connections on to a server while it is open."""

    def __init__(self, port, server):
        self.server = server
        self.socket = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.server.port))
            for source, target in ((client, there), (there, client)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Ends it; existing connections stay."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
