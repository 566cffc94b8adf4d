"""Commands that ask on the terminal."""

import os
import pty
import subprocess
import sys

from .server import BINARY, PATIENCE, clean_environment

# Makes the inherited terminal the one that controls the process, which then becomes the program.
CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Conversation:
    """A process with a terminal of its own; standard input and output are elsewhere."""

    def __init__(self, command, environment, stderr=subprocess.PIPE):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, str(theirs), *map(str, command)], env=clean_environment() | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True, pass_fds=[theirs],
        )  # fmt: skip
        os.close(theirs)
        self.shown = b""
        self._answered = 0

    def answer(self, question, text):
        """Types a text once the terminal has shown the question."""
        while question.encode() not in self.shown[self._answered :]:
            try:
                self.shown += os.read(self.ours, 1024)
            except OSError:
                out, err = self.process.communicate(timeout=PATIENCE)
                raise AssertionError(f"it did not ask {question!r}: {out}{err}{self.shown.decode()}") from None
        self._answered = len(self.shown)
        os.write(self.ours, text.encode())

    def close(self):
        """Reads what the terminal still shows, once the process has ended."""
        try:
            while chunk := os.read(self.ours, 1024):
                self.shown += chunk
        except OSError:
            pass  # the last process closed its end
        os.close(self.ours)
        return self.shown.decode()


def on_terminal(arguments, environment, answers, expected=0, program=(BINARY,)):
    """Runs a command to its end. Returns standard output, standard error, and what the terminal showed."""
    talk = Conversation([*program, *arguments], environment)
    for question, text in answers:
        talk.answer(question, text)
    out, err = talk.process.communicate(timeout=PATIENCE)
    shown = talk.close()
    assert talk.process.returncode == expected, (talk.process.returncode, out, err, shown)
    return out, err, shown
