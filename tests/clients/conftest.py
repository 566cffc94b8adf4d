"""The fixtures: one server for each file of tests, the root user of its account, and both front ends.

A test that asks for `api` runs twice, through boto3 and through grpcio.
"""

import itertools
import os
import uuid

import pytest
from support import api as api_module
from support.api import AwsApi, GrpcApi
from support.coverage import handled_operations
from support.proto import compile_descriptors, descriptors
from support.server import BINARY, Credentials, Server, run
from support.shared_store import SharedStoreServers, started

_numbers = itertools.count()


def pytest_configure(config):
    """Compiles `proto/` once, before workers start."""
    if not hasattr(config, "workerinput"):
        if not BINARY.exists():
            pytest.exit(f"{BINARY} is not there; `cargo build -p bailiwick-server` makes it", returncode=3)
        compile_descriptors()


# The files that take longest. They come first, so that no worker ends with one of them while the others are idle.
LONGEST = (
    "test_terraform", "test_pages", "test_web_identity_profiles", "test_terraform_roles", "test_administrator", "test_fronts_agree",
    "test_text", "test_ansible", "test_audit_verify", "test_large_answers", "test_floods", "test_audit_sinks",
    "test_disk_floods", "test_profiles", "test_malformed", "test_agent", "test_import_account", "test_faults", "test_full_database",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Sorts the files by the time that they take. The tests of a file keep their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def _descriptors():
    GrpcApi.descriptors = descriptors()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with an empty store, shared by the tests of one file."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()
    # Whatever the tests did, indexes, references and counters agree with the records.
    checked = run("doctor", "--data-dir", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def new_server(tmp_path):
    """Makes servers for one test, not yet started; all are stopped after the test."""
    made = []

    def make(name="server", **settings):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(Server(folder, **settings))
        return made[-1]

    yield make
    for each in made:
        if each.process and each.process.poll() is None:
            each.kill()


@pytest.fixture
def new_servers(tmp_path, store):
    """Makes servers that share a new store, not yet started; all are stopped after the test. `store` is of the folder of the test."""
    made = SharedStoreServers(tmp_path, store.database)
    yield made.make
    made.kill()


@pytest.fixture
def three(new_servers):
    """Three running servers that share a store."""
    return started(new_servers(3))


@pytest.fixture(params=["aws", "grpc"])
def api(request, server):
    """The root user, through each front end in turn."""
    return {"aws": AwsApi, "grpc": GrpcApi}[request.param](server, server.root)


@pytest.fixture(scope="module")
def aws(server):
    """The root user by boto3."""
    return AwsApi(server, server.root)


@pytest.fixture(scope="module")
def rpc(server):
    """The root user by grpcio."""
    return GrpcApi(server, server.root)


@pytest.fixture
def name():
    """Makes unique names."""
    return lambda kind="thing": f"{kind}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def new_user(server, name):
    """Creates a user with an access key and, if given, an inline policy; returns the user and its credentials."""
    root = AwsApi(server, server.root)

    def make(policy=None, path=None, **members):
        user_name = name("user")
        if path:
            members["Path"] = path
        user = root.call("CreateUser", UserName=user_name, **members)["User"]
        if policy is not None:
            root.call("PutUserPolicy", UserName=user_name, PolicyName="inline", PolicyDocument=policy)
        key = root.call("CreateAccessKey", UserName=user_name)["AccessKey"]
        return user, Credentials.of(key)

    return make


def pytest_sessionfinish(session, exitstatus):
    """Sends the called operations to the controller; the controller checks them."""
    config = session.config
    if hasattr(config, "workerinput"):
        config.workeroutput["answered"] = {front: sorted(names) for front, names in api_module.ANSWERED.items()}
        return
    everything = not config.option.keyword and config.args in ([str(config.rootpath)], ["."])
    if everything and exitstatus == 0:
        unseen = [
            f"{name} by {front}"
            for name in handled_operations()
            for front, seen in api_module.ANSWERED.items()
            if name not in seen and not (front == "aws" and api_module.service_of(name) is None)
        ]
        if unseen:
            print("\nhandled operations that no test saw answered:", ", ".join(unseen))
            session.exitstatus = 1


def pytest_testnodedown(node, error):
    """Collects the operations that the workers called."""
    for front, names in getattr(node, "workeroutput", {}).get("answered", {}).items():
        api_module.ANSWERED[front].update(names)


os.environ.pop("AWS_PROFILE", None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the last output of the servers to a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for each in item.funcargs.values():
            if isinstance(each, Server):
                state = each.process.poll() if each.process else "not started"
                report.sections.append((f"server, {state if state is not None else 'running'}", each.output[-4000:]))
