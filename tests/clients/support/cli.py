"""The AWS CLI, many commands in one process: its own driver, without the half second that each start takes.

Run as a program it reads a JSON array of arguments from each line, and writes a JSON object with `code`, `out` and `err`.
"""

import contextlib
import io
import json
import os
import subprocess
import sys

from .server import clean_environment, client_environment


class Cli:
    """A process that runs commands of the AWS CLI with given credentials."""

    def __init__(self, server, credentials):
        environment = clean_environment() | client_environment(server, credentials) | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
            "PYTHONPATH": os.path.dirname(os.path.dirname(__file__)),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.cli"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *arguments):
        """The output of a command, parsed as JSON; None if it prints nothing."""
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        done = json.loads(self.process.stdout.readline())
        assert done["code"] == 0, f"aws {' '.join(arguments)}\n{done['err']}"
        return json.loads(done["out"]) if done["out"].strip() else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def main():
    """Runs the commands of standard input."""
    from awscli.clidriver import create_clidriver

    driver, answers = create_clidriver(), sys.stdout
    for line in sys.stdin:
        # The CLI writes documents to the stream's buffer, and text to the stream.
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = driver.main([*json.loads(line), "--output", "json"])
            except SystemExit as exit:
                code = exit.code
        texts = {name: stream.buffer.getvalue().decode() for name, stream in (("out", out), ("err", err))}
        answers.write(json.dumps({"code": code or 0} | texts) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
