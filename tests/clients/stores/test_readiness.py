"""What callers see of a database that refuses a server: one of a few sentences, without a name of the database."""

import secrets

import pytest
from stores.test_wrong_master_key import probe
from support.api import ApiError, AwsApi, GrpcApi
from support.waiting import until

NAME = "warden"


@pytest.fixture
def database(postgres):
    """The name of a database that belongs to a user of its own."""
    name = f"vault{secrets.token_hex(4)}"
    if not postgres.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{NAME}'"):
        postgres.sql(f"CREATE ROLE {NAME}")
    postgres.sql(f"ALTER ROLE {NAME} LOGIN CONNECTION LIMIT -1")
    postgres.sql(f"CREATE DATABASE {name} OWNER {NAME}")
    return name


def refusal(call, *arguments, **parameters):
    """The text of a call's error, with all that the front end adds."""
    with pytest.raises(ApiError) as error:
        call(*arguments, **parameters)
    return f"{error.value} {error.value.code} {error.value.message}"


# `/readyz` showed the message of the driver, such as the names of the user and of the database.
@pytest.mark.parametrize(
    ("refuse", "accept", "sentence", "logged"),
    [
        ("ALTER ROLE {user} NOLOGIN", "ALTER ROLE {user} LOGIN",
         "the database refuses the credentials of this server", "is not permitted to log in"),
        ("ALTER ROLE {user} CONNECTION LIMIT 0", "ALTER ROLE {user} CONNECTION LIMIT -1",
         "there are too many connections to the database", "too many connections for role"),
        ("ALTER DATABASE {database} ALLOW_CONNECTIONS false", "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
         "the store failed; the log says why", "is not currently accepting connections"),
    ],
)  # fmt: skip
def test_answers_do_not_name_the_database(new_servers, postgres, database, refuse, accept, sentence, logged):
    hidden = [NAME, database, "127.0.0.1", str(postgres.port), "bailiwick_head", "bailiwick_rows"]
    address = f"postgres://{NAME}@127.0.0.1:{postgres.port}/{database}"
    [server] = new_servers(1, address, ["--max-staleness", "2"])
    server.start()
    aws, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    pages = [server.url + "/readyz", server.metrics_url + "/readyz"]
    postgres.sql(refuse.format(user=NAME, database=database))
    postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    texts = [refusal(each.call, "CreateUser", UserName="alice") for each in (aws, rpc)]
    for page in pages:
        until(lambda: probe(page) == (503, f"decisions are refused: {sentence}\n"), lambda: probe(page))
    for each in (aws, rpc):
        texts += [refusal(each.call, "ListUsers"), refusal(each.call, "CreateUser", UserName="alice")]
    texts.append(probe(server.metrics_url + "/metrics")[1])
    assert "bailiwick_store_writable 0" in texts[-1]
    for text in texts:
        assert not [word for word in hidden if word in text], text
    until(lambda: logged in server.output, "the log says why")
    postgres.sql(accept.format(user=NAME, database=database))
    until(lambda: probe(pages[0]) == (200, "ready\n"), "it is ready again")
    aws.call("CreateUser", UserName="alice")
