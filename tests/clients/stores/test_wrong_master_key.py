"""Servers whose master key is not that of their store."""

import secrets
import urllib.error
import urllib.request

from support.api import AwsApi
from support.server import run
from support.shared_store import started
from support.waiting import until


def key_file(path):
    path.write_text(secrets.token_hex(32) + "\n")
    path.chmod(0o400)
    return path


def probe(url):
    """The status and the text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def refuses(server, wrong):
    """Whether a server does not start with a key, and says which key the store needs."""
    server.arguments = [*server.arguments, "--master-key-file", str(wrong)]
    server.spawn()
    assert server.wait() == 1
    assert f"the master key {wrong} does not open this store: " in server.output, server.output
    return "the store needs the key " in server.output


def test_a_server_with_another_key_does_not_start(new_servers, new_server, tmp_path):
    wrong = key_file(tmp_path / "wrong")
    first, second = new_servers(2)
    first.start()
    second.arguments = []
    assert refuses(second, wrong)
    AwsApi(first, first.root).call("ListUsers")
    embedded = new_server().start()
    embedded.stop()
    assert refuses(embedded, wrong)


# A server went on as ready without the master key of its store, until the token keys were replaced: then it refused the
# sessions that the other servers began.
def test_a_server_whose_key_was_replaced_elsewhere_is_not_ready(new_servers, tmp_path):
    first, second = started(new_servers(2))
    key, old = tmp_path / "key", tmp_path / "old"
    new = key_file(tmp_path / "new")
    done = run("rotate-master-key", "--data-dir", first.data, "--new-master-key-file", new, "--master-key-file", key)
    assert done.returncode == 0, done.stderr
    pages = [second.url + "/readyz", second.metrics_url + "/readyz"]
    for page in pages:
        status, why = until(lambda: (found := probe(page))[0] == 503 and found, "the server is not ready")
        assert "this server does not have the master key of the store, which was replaced" in why
        assert str(tmp_path) not in why
    assert probe(second.url + "/healthz") == (200, "ok\n")
    assert probe(first.url + "/readyz") == (200, "ready\n")
    AwsApi(second, second.root).call("ListUsers")
    key.rename(old)
    new.rename(key)
    for page in pages:
        assert until(lambda: (found := probe(page))[0] == 200 and found, "the new key is read") == (200, "ready\n")
