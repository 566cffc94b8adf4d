"""`bailiwick whoami`, `authorize` and `explain` against a running server."""

import json

import pytest
from support.api import AwsApi
from support.documents import policy, trust
from support.server import ACCOUNT, Credentials, client_environment, run

BUCKET = "arn:aws:s3:::reports"
OWN = ["--resource-account", ACCOUNT]


@pytest.fixture(scope="module")
def client(server):
    """Runs `authorize` or `explain` with given credentials."""

    def ask(command, *arguments, by=None, stdin=None, **variables):
        environment = client_environment(server, by or server.root) | variables
        return run(command, *arguments, environment=environment, stdin=stdin)

    return ask


def decided(done, code, *words):
    """Asserts that the command ended with this code and these words."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for word in words:
        assert word in done.stdout + done.stderr, (word, done.stdout, done.stderr)
    return done


def test_whoami(server, client, new_user):
    user, credentials = new_user()
    done = decided(client("whoami", by=credentials), 0)
    lines = dict(line.split(None, 1) for line in done.stdout.replace("user id:", "user-id:").replace("access key:", "key:").splitlines())
    assert lines == {
        "arn:": user["Arn"], "account:": ACCOUNT, "user-id:": user["UserId"], "key:": credentials.access_key_id, "server:": server.url,
    }  # fmt: skip
    done = decided(client("whoami", "--json", by=credentials), 0)
    assert json.loads(done.stdout) == {"Arn": user["Arn"], "Account": ACCOUNT, "UserId": user["UserId"]}
    wrong = Credentials(credentials.access_key_id, "x" * 40)
    decided(client("whoami", by=wrong), 1, "SignatureDoesNotMatch")
    decided(client("whoami", by=Credentials("AKIA" + "A" * 16, "x" * 40)), 1, "InvalidClientTokenId")


def test_allowed_denied_and_not_decided(client, new_user):
    rules = policy(
        {"Sid": "Read", "Action": "s3:GetObject"},
        {"Sid": "NoSecrets", "Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/secret/*"},
    )
    user, _ = new_user(rules)
    of_user = ["--principal", user["Arn"], *OWN]
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *of_user), 0, "allowed by statement 1 (Read)", user["Arn"])
    denied = decided(client("authorize", "s3:GetObject", f"{BUCKET}/secret/a", *of_user), 1, "denied explicitly", "(NoSecrets)")
    assert "with an explicit deny in an identity-based policy" in denied.stdout
    decided(client("authorize", "s3:PutObject", f"{BUCKET}/a", *of_user), 1, "denied implicitly", "no identity-based policy allows")
    explained = decided(client("explain", "s3:PutObject", f"{BUCKET}/a", *of_user), 1, "Denied", user["Arn"], '"Action": "s3:PutObject"')
    assert explained.stderr == ""
    decided(client("explain", "s3:GetObject", f"{BUCKET}/a", *of_user), 0, "Allowed")
    # An action that does not exist is allowed by `*`, and both report that it does not exist.
    anything, _ = new_user(policy("*"))
    for command in ("authorize", "explain"):
        wanted = [command, "--principal", anything["Arn"]]
        decided(client(*wanted, "iam:DeletUser", anything["Arn"]), 0, "llowed", "`iam:DeletUser` is not an action", "ou mean `iam:DeleteUser`")
        done = decided(client(*wanted, "iam:DeleteUser", anything["Arn"]), 0, "llowed")
        assert "not an action" not in done.stdout + done.stderr
    # A request that cannot be decided is an error, not a denial.
    for wrong in (["s3", f"{BUCKET}/a", *of_user], ["s3:GetObject", "reports", *of_user], ["s3:GetObject", f"{BUCKET}/a", "--principal", user["Arn"]]):
        for command in ("authorize", "explain"):
            done = decided(client(command, *wrong), 2, "ValidationError")
            assert done.stdout == ""
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *OWN, "--principal", f"arn:aws:iam::{ACCOUNT}:user/nobody"), 2)
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *of_user, "--anonymous"), 2, "cannot be used with")
    decided(client("authorize"), 2, "ACTION")
    _, unauthorized = new_user()
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *of_user, by=unauthorized), 2, "AccessDenied", "bailiwick:Authorize")
    decided(client("authorize", "iam:ListUsers", AWS_ENDPOINT_URL="http://127.0.0.1:1"), 2, "is the server running?")


def test_answers_as_json(client, new_user):
    user, _ = new_user(policy("s3:GetObject"))
    of_user = ["--principal", user["Arn"], *OWN, "--json"]
    answer = json.loads(decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *of_user), 0).stdout)
    assert (answer["decision"], answer["step"]) == ("DECISION_ALLOW", "STEP_IDENTITY_POLICY")
    assert answer["statement"]["attachedTo"] == user["Arn"]
    answer = json.loads(decided(client("explain", "s3:PutObject", f"{BUCKET}/a", *of_user), 1).stdout)
    assert answer["result"]["decision"] == "DECISION_IMPLICIT_DENY"
    assert answer["nearMisses"][0]["element"] == "FAILED_ELEMENT_ACTION"
    assert json.loads(answer["suggestions"][0]["statement"])["Action"] == "s3:PutObject"


def test_context(client, new_user):
    rules = policy(
        {"Action": "s3:GetObject", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Action": "s3:Tag", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}, "Null": {"aws:TagKeys": "false"}}},
        {"Action": "s3:Count", "Condition": {"NumericLessThan": {"s3:n": "10"}}},
    )
    user, _ = new_user(rules)

    def ask(code, action, *context):
        keys = [part for each in context for part in ("--context", each)]
        decided(client("authorize", action, f"{BUCKET}/a", "--principal", user["Arn"], *OWN, *keys), code)

    ask(0, "s3:GetObject", "aws:SourceIp=10.1.2.3,ip")
    ask(1, "s3:GetObject", "aws:SourceIp=127.0.0.1")
    ask(1, "s3:GetObject")
    ask(0, "s3:Tag", "aws:TagKeys=team", "aws:TagKeys=cost")
    ask(0, "s3:Tag", "aws:TagKeys=team,stringList")
    ask(1, "s3:Tag", "aws:TagKeys=team", "aws:TagKeys=other")
    ask(0, "s3:Count", "s3:n=9,numeric")
    ask(1, "s3:Count", "s3:n=10,numeric")
    ask(2, "s3:Count", "s3:n=nine,numeric")
    ask(2, "s3:Count", "s3:n")
    ask(2, "s3:Count", "aws:username=x")


def test_callers_proven_by_a_signature(server, client, aws, new_user, name, tmp_path):
    user, credentials = new_user(policy("s3:GetObject", "bailiwick:Authorize", "bailiwick:Explain"))
    # Without a principal, it is the caller.
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *OWN, by=credentials), 0)
    decided(client("authorize", "s3:PutObject", f"{BUCKET}/a", *OWN, by=credentials), 1, user["Arn"])
    # Profiles with credentials of a session work as well.
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("s3:PutObject"))
    _, other = new_user(policy("sts:AssumeRole"))
    config = tmp_path / "config"
    config.write_text(
        f"[profile other]\naws_access_key_id={other.access_key_id}\naws_secret_access_key={other.secret_access_key}\n"
        f"[profile role]\nrole_arn={role['Arn']}\nsource_profile=other\n"
    )
    files = {"AWS_CONFIG_FILE": str(config)}
    put = ["s3:PutObject", f"{BUCKET}/a", *OWN, "--caller-profile"]
    decided(client("authorize", *put, "role", by=credentials, **files), 0)
    decided(client("authorize", *put, "other", by=credentials, **files), 1)
    decided(client("explain", *put, "role", by=credentials, **files), 0, "assumed-role")
    decided(client("authorize", *put, "nobody", by=credentials, **files), 2, "there is no profile `nobody`")
    # A request as a service received it.
    from support.received import received

    http = received(other, url="https://s3.example.com/reports/a%20b?versions=")["httpRequest"]
    head = f"{http['method']} {http['target']} HTTP/1.1\r\n" + "".join(f"{h['name']}: {h['value']}\r\n" for h in http["headers"])
    get = ["s3:GetObject", f"{BUCKET}/a", *OWN, "--signed-request", "-"]
    decided(client("authorize", *get, by=credentials, stdin=head + "\r\n"), 1, "denied implicitly")
    forged = head.replace("versions", "version")
    decided(client("authorize", *get, by=credentials, stdin=forged + "\r\n"), 2, "SignatureDoesNotMatch")
    decided(client("authorize", *get, by=credentials, stdin="nothing"), 2, "standard input: line 1: expected a request line")


def test_resource_policies_and_anonymous_callers(client, new_user, tmp_path):
    public, broken = tmp_path / "public.json", tmp_path / "broken.json"
    public.write_text(policy({"Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}))
    broken.write_text(policy({"Principal": "*", "Actions": "s3:GetObject", "Resource": f"{BUCKET}/*"}))
    get = ["s3:GetObject", f"{BUCKET}/a", *OWN, "--anonymous"]
    decided(client("authorize", *get), 1)
    decided(client("authorize", *get, "--resource-policy", public), 0)
    decided(client("authorize", *get, "--resource-policy", "-"), 2)
    decided(client("authorize", *get, "--resource-policy", "-", stdin=public.read_text()), 0)
    decided(client("authorize", *get, "--resource-policy", broken), 2, "did you mean `Action`?")
    decided(client("authorize", *get, "--resource-policy", tmp_path / "missing"), 2, "missing")
    decided(client("authorize", "s3:GetObject", f"{BUCKET}/a", *OWN, "--service-principal", "photos.example.com"), 1)


def test_credentials_are_never_shown(server, client, new_user, name, aws):
    user, credentials = new_user(policy("sts:AssumeRole", "bailiwick:*"))
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]
    session = AwsApi(server, credentials).call("AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    for by in (credentials, Credentials.of(session)):
        for command in (["whoami"], ["authorize", "iam:ListUsers"], ["explain", "iam:ListUsers", "--json"]):
            done = client(*command, by=by)
            shown = done.stdout + done.stderr
            assert by.secret_access_key not in shown and (by.session_token or "no token") not in shown
