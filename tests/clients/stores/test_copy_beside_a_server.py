"""`bailiwick store copy` beside a server that was paused when the servers were looked for, and then changes the store."""

import signal
import subprocess
import time

from support.api import ApiError, AwsApi
from support.server import BINARY, clean_environment
from support.shared_store import started


def test_a_store_that_changes_meanwhile_is_not_copied(new_servers, store, tmp_path):
    address = store.database()
    first, second = started(new_servers(2, address=address))
    api = AwsApi(first, first.root)
    for number in range(50):
        api.call("CreateUser", UserName=f"user-{number}")
    second.stop()
    first.signal(signal.SIGSTOP)
    # Its last sign of life is too old.
    time.sleep(4)
    target = tmp_path / "copy"
    command = [BINARY, "store", "copy", "--from", address, "--to", f"redb:{target}", "--master-key-file", tmp_path / "key"]
    copying = subprocess.Popen(command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # The copy is read at one revision once its folder is there.
    end = time.monotonic() + 30
    while not list(tmp_path.glob("copy.restoring*")) and copying.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    copying.send_signal(signal.SIGSTOP)
    first.signal(signal.SIGCONT)
    end = time.monotonic() + 30
    while True:
        try:
            api.call("CreateUser", UserName="later")
            break
        except OSError:
            assert time.monotonic() < end
        except ApiError as error:
            # The server was paused for longer than its view counts as current.
            assert error.code == "ServiceUnavailable" and time.monotonic() < end
    copying.send_signal(signal.SIGCONT)
    output, errors = copying.communicate(timeout=60)
    assert copying.returncode == 1 and output == "", output
    assert "a server changed the store during the copy" in errors and "do not use the copy" in errors, errors
