"""Commands that ask on the terminal."""

import os
import pty
import subprocess
import sys

from .server import BINARY, PATIENCE, clean_environment

# Makes the inherited terminal the one that controls the process, which then becomes the binary.
CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def on_terminal(arguments, environment, answers, expected=0):
    """Runs the binary with a terminal of its own; standard input and output are elsewhere.

    Each answer is typed when its question is shown. Returns standard output, standard error, and what the terminal showed.
    """
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", CONTROLLED, str(theirs), str(BINARY), *map(str, arguments)], env=clean_environment() | environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, pass_fds=[theirs],
    )  # fmt: skip
    os.close(theirs)
    shown = seen = b""
    for question, answer in answers:
        while question.encode() not in seen:
            try:
                seen += os.read(ours, 1024)
            except OSError:
                out, err = child.communicate(timeout=PATIENCE)
                raise AssertionError(f"it did not ask {question!r}: {out}{err}{(shown + seen).decode()}") from None
        shown, seen = shown + seen, b""
        os.write(ours, answer.encode())
    out, err = child.communicate(timeout=PATIENCE)
    try:
        while chunk := os.read(ours, 1024):
            seen += chunk
    except OSError:
        pass  # the last process closed its end
    os.close(ours)
    shown = (shown + seen).decode()
    assert child.returncode == expected, (child.returncode, out, err, shown)
    return out, err, shown
