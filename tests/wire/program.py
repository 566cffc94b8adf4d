"""Talks to the example program `wire`: a question per line, an answer per line."""

import json
import subprocess


class Program:
    """The running program, as a context manager."""

    def __init__(self, path: str):
        self.path = path

    def __enter__(self) -> "Program":
        self.process = subprocess.Popen(
            [self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def ask(self, **question: object) -> dict:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the program ended")
        return json.loads(line)
