"""AssumeRoleWithWebIdentity with tokens of an issuer that signs for real, and the sessions that come of it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import boto3
import jwt
import pytest
from support.api import REGION, AwsApi
from support.audit import records
from support.documents import policy, trust
from support.expect import refused
from support.issuer import ALGORITHMS, AUDIENCE, Issuer, Key, claims
from support.server import ACCOUNT, ROOT, Credentials, Server, clean_environment, run

ACTION = "sts:AssumeRoleWithWebIdentity"
HOST = "a.issuer.test"
HOSTS = [HOST, "path.issuer.test", "turn.issuer.test", "pin.issuer.test", "gone.issuer.test"]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """The issuer, with a key of each algorithm under `HOST`."""
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    issuer.keys = {algorithm: Key(algorithm) for algorithm in ALGORITHMS}
    issuer.publish(HOST, *issuer.keys.values())
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def inline():
    """A key that is given to the server in a file."""
    return Key("ES384", "inline")


@pytest.fixture(scope="module")
def server(tmp_path_factory, issuer, inline):
    """A server that reaches the issuer, with its provider registered."""
    folder = tmp_path_factory.mktemp("server")
    arguments = issuer.arguments(*HOSTS)
    for url, file in (("closed.issuer.test/realm", folder / "keys.json"), ("changing.issuer.test", folder / "changing.json")):
        file.write_text(json.dumps({"keys": [inline.jwk()]}))
        arguments += ["--issuer-keys", f"https://{url}={file}"]
    server = Server(folder, arguments=arguments).start()
    register(AwsApi(server, server.root), HOST)
    yield server
    server.stop()


def arn(url, account=ACCOUNT):
    return f"arn:aws:iam::{account}:oidc-provider/{url}"


def register(aws, url, **members):
    return aws.call("CreateOpenIDConnectProvider", **{"Url": f"https://{url}", "ClientIDList": [AUDIENCE], **members})


def make_role(aws, name, url=HOST, action=ACTION, **more):
    document = trust({"Federated": arn(url)}, action=action, **more)
    return aws.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=document)["Role"]


def assume(api, role, token, **members):
    return api.call("AssumeRoleWithWebIdentity", RoleArn=role["Arn"], RoleSessionName="swim", WebIdentityToken=token, **members)


@pytest.fixture(scope="module")
def role(server):
    """A role that trusts every token of the provider."""
    return make_role(AwsApi(server, server.root), "plain")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(api, issuer, role, algorithm):
    answer = assume(api, role, issuer.keys[algorithm].token(claims(HOST)))
    assert answer["SubjectFromWebIdentityToken"] == "repo:reeds/heron"
    assert (answer["Provider"], answer["Audience"]) == (f"https://{HOST}", AUDIENCE)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/swim"
    session = api.signed_by(Credentials.of(answer["Credentials"]))
    assert session.call("GetCallerIdentity")["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_the_call_is_not_signed(server, issuer, role):
    """boto3 does not sign it, and any signature is ignored."""
    client = boto3.client("sts", endpoint_url=server.url, region_name=REGION, aws_access_key_id="AKIAX", aws_secret_access_key="x")
    answer = client.assume_role_with_web_identity(
        RoleArn=role["Arn"], RoleSessionName="swim", WebIdentityToken=issuer.keys["RS256"].token(claims(HOST)), DurationSeconds=900
    )
    assert answer["Credentials"]["SecretAccessKey"]


CONDITIONS = {
    "the subject": ({"StringEquals": {"{}:sub": "repo:reeds/heron"}}, {}, True),
    "another subject": ({"StringEquals": {"{}:sub": "repo:reeds/pike"}}, {}, False),
    "the subject in another case": ({"StringEquals": {"{}:sub": "REPO:reeds/heron"}}, {}, False),
    "a pattern": ({"StringLike": {"{}:sub": "repo:reeds/*"}}, {}, True),
    "the audience": ({"StringEquals": {"{}:aud": AUDIENCE}}, {}, True),
    "the first registered audience": ({"StringEquals": {"{}:aud": AUDIENCE}}, {"aud": ["x", AUDIENCE]}, True),
    "the authorized party as audience": ({"StringEquals": {"{}:aud": AUDIENCE, "{}:oaud": "backend"}}, {"aud": "backend", "azp": AUDIENCE}, True),
    "a claim": ({"StringEquals": {"{}:repository_owner": "reeds"}}, {"repository_owner": "reeds"}, True),
    "a claim in another case": ({"StringEquals": {"{}:Repository_Owner": "reeds"}}, {"repository_owner": "reeds"}, True),
    "an absent claim": ({"StringEquals": {"{}:repository_owner": "reeds"}}, {}, False),
    "a boolean": ({"Bool": {"{}:email_verified": "true"}}, {"email_verified": True}, True),
    "a false boolean": ({"Bool": {"{}:email_verified": "true"}}, {"email_verified": False}, False),
    "a number": ({"NumericGreaterThan": {"{}:level": "3"}}, {"level": 4}, True),
    "a small number": ({"NumericGreaterThan": {"{}:level": "3"}}, {"level": 3}, False),
    "one of a list": ({"ForAnyValue:StringEquals": {"{}:groups": "admins"}}, {"groups": ["users", "admins"]}, True),
    "none of a list": ({"ForAnyValue:StringEquals": {"{}:groups": "admins"}}, {"groups": ["users"]}, False),
    "a list without a set operator": ({"StringEquals": {"{}:groups": "admins"}}, {"groups": ["users", "admins"]}, False),
    "all of an empty list": ({"ForAllValues:StringEquals": {"{}:groups": "admins"}}, {"groups": []}, True),
    "an object": ({"StringLike": {"{}:kubernetes.io": "*"}}, {"kubernetes.io": {"namespace": "x"}}, False),
    "the key of another provider": ({"StringEquals": {"other.issuer.test:sub": "repo:reeds/heron"}}, {}, False),
    "a claim that is named like a key": ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, {"aws:PrincipalAccount": ACCOUNT}, False),
    "a claim that is named like an external id": ({"StringEquals": {"sts:ExternalId": "x"}}, {"sts:ExternalId": "x"}, False),
    "the session name": ({"StringEquals": {"sts:RoleSessionName": "swim"}}, {}, True),
    "MFA": ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {"aws:MultiFactorAuthPresent": True, "amr": ["mfa"]}, False),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_on_claims(api, aws, issuer, name, case):
    condition, more, allowed = CONDITIONS[case]
    condition = json.loads(json.dumps(condition).replace("{}", HOST))
    role = make_role(aws, name("role"), Condition=condition)
    token = issuer.keys["ES256"].token(claims(HOST, **more))
    if allowed:
        assume(api, role, token)
    else:
        assert denial(api, role, token) == f"Not authorized to perform {ACTION}"


def denial(api, role, token, **members):
    error = refused(api, "AccessDenied", "AssumeRoleWithWebIdentity", RoleArn=role["Arn"], RoleSessionName="swim", WebIdentityToken=token, **members)
    return error.message


def test_only_roles_that_name_the_provider(api, aws, issuer, name):
    token = issuer.keys["ES256"].token(claims(HOST))
    for principal in ({"AWS": "*"}, {"AWS": ACCOUNT}, {"Federated": arn("path.issuer.test")}, {"Federated": arn(HOST, "444455556666")}, {"Service": "ec2.amazonaws.com"}):
        document = trust(principal, action=ACTION)
        try:
            role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=document)["Role"]
        except Exception as error:
            assert "MalformedPolicyDocument" in str(error), error
            continue
        denial(api, role, token)
    denial(api, make_role(aws, name("role"), action="sts:AssumeRole"), token)
    # A role that does not exist looks the same.
    missing = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/missing"}
    assert denial(api, missing, token) == f"Not authorized to perform {ACTION}"


def test_a_deny_by_claim(api, aws, issuer, name):
    statements = [
        {"Principal": {"Federated": arn(HOST)}, "Action": ACTION},
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ACTION, "Condition": {"StringEquals": {f"{HOST}:ref": "refs/heads/wild"}}},
    ]
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=policy(*statements))["Role"]
    assume(api, role, issuer.keys["ES256"].token(claims(HOST, ref="refs/heads/main")))
    denial(api, role, issuer.keys["ES256"].token(claims(HOST, ref="refs/heads/wild")))


def test_an_issuer_with_a_path(api, aws, issuer, name):
    url = f"path.issuer.test/realms/{name('realm')}"
    key = Key("RS256")
    issuer.publish(url, key)
    register(aws, url)
    role = make_role(aws, name("role"), url, Condition={"StringEquals": {f"{url}:sub": "repo:reeds/heron"}})
    assume(api, role, key.token(claims(url)))
    # The host alone is another issuer.
    with pytest.raises(Exception, match="No OpenIDConnect provider found"):
        assume(api, role, key.token(claims("path.issuer.test")))


def test_tags_and_source_identity(api, aws, issuer, name):
    tags = {
        "https://aws.amazon.com/tags": {"principal_tags": {"Team": ["reeds"], "job": ["x"]}, "transitive_tag_keys": ["Team"]},
        "https://aws.amazon.com/source_identity": "heron@example.com",
    }
    token = issuer.keys["ES256"].token(claims(HOST, **tags))
    assert denial(api, make_role(aws, name("role")), token) == "Not authorized to perform sts:TagSession"
    role = make_role(aws, name("role"), action=[ACTION, "sts:TagSession"])
    assert denial(api, role, token) == "Not authorized to perform sts:SetSourceIdentity"
    role = make_role(aws, name("role"), action=[ACTION, "sts:TagSession", "sts:SetSourceIdentity"], Condition={"StringEquals": {"aws:RequestTag/Team": "reeds"}})
    answer = assume(api, role, token)
    assert answer["SourceIdentity"] == "heron@example.com" and answer["PackedPolicySize"] > 0
    document = policy({"Action": "iam:ListUsers", "Condition": {"StringEquals": {
        "aws:PrincipalTag/Team": "reeds", "aws:SourceIdentity": "heron@example.com", "aws:FederatedProvider": arn(HOST), f"{HOST}:sub": "repo:reeds/heron",
    }}})
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=document)
    session = api.signed_by(Credentials.of(answer["Credentials"]))
    session.call("ListUsers")
    # The same role without the tag.
    other = issuer.keys["ES256"].token(claims(HOST))
    denial(api, role, other)


def test_session_policies_and_duration(api, aws, issuer, name):
    role = make_role(aws, name("role"))
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("iam:*"))
    token = issuer.keys["ES256"].token(claims(HOST))
    answer = assume(api, role, token, Policy=policy("iam:ListUsers"), DurationSeconds=900)
    session = api.signed_by(Credentials.of(answer["Credentials"]))
    session.call("ListUsers")
    refused(session, "AccessDenied", "ListRoles")
    refused(api, "ValidationError", "AssumeRoleWithWebIdentity", RoleArn=role["Arn"], RoleSessionName="swim", WebIdentityToken=token, DurationSeconds=7200)


def test_keys_that_turn(api, aws, issuer, name):
    """A key that the issuer adds is fetched when the first token needs it."""
    url = f"turn.issuer.test/{name('turn')}"
    first, second = Key("ES256", "first"), Key("ES256", "second")
    issuer.publish(url, first)
    register(aws, url)
    role = make_role(aws, name("role"), url)
    assume(api, role, first.token(claims(url)))
    issuer.publish(url, second)
    assume(api, role, second.token(claims(url)))
    error = invalid(api, role, first.token(claims(url)))
    assert error.message.startswith("Couldn't retrieve verification key")
    # Many tokens with an unknown key cause a few fetches.
    before = len(issuer.requests)
    for number in range(40):
        invalid(api, role, Key("ES256", f"forged-{number}").token(claims(url)))
    assert len(issuer.requests) - before <= 2 * 5


def invalid(api, role, token, code="InvalidIdentityToken"):
    with pytest.raises(Exception) as caught:
        assume(api, role, token)
    assert caught.value.code == code, caught.value
    return caught.value


def test_thumbprints(api, aws, issuer, name):
    key = Key()
    for thumbprint, accepted in ((issuer.thumbprint(), True), (issuer.thumbprint(authority=True).upper(), True), ("f" * 40, False)):
        url = f"pin.issuer.test/{name('pin')}"
        issuer.publish(url, key)
        register(aws, url, ThumbprintList=[thumbprint])
        role = make_role(aws, name("role"), url)
        if accepted:
            assume(api, role, key.token(claims(url)))
        else:
            invalid(api, role, key.token(claims(url)))


def test_keys_of_a_closed_network(api, aws, issuer, inline, name):
    url = "closed.issuer.test/realm"
    if not any(entry["Arn"] == arn(url) for entry in aws.call("ListOpenIDConnectProviders")["OpenIDConnectProviderList"]):
        register(aws, url)
    role = make_role(aws, name("role"), url)
    assume(api, role, inline.token(claims(url)))
    assert not any(asked.startswith("closed") for asked in issuer.requests)


def test_a_changed_key_file_is_read_again(aws, server, inline, name):
    """A key that the server does not know makes it read the file, without a restart. A broken file has no effect."""
    url, file, newer = "changing.issuer.test", server.folder / "changing.json", Key("ES256", "newer")
    register(aws, url)
    role = make_role(aws, name("role"), url)
    assume(aws, role, inline.token(claims(url)))
    invalid(aws, role, newer.token(claims(url)))
    file.write_text("{")
    invalid(aws, role, newer.token(claims(url)))
    assume(aws, role, inline.token(claims(url)))
    file.write_text(json.dumps({"keys": [newer.jwk()]}))
    assume(aws, role, newer.token(claims(url)))
    invalid(aws, role, inline.token(claims(url)))


def test_a_deleted_role_ends_its_sessions(api, aws, issuer, name):
    role = make_role(aws, name("role"))
    answer = assume(api, role, issuer.keys["ES256"].token(claims(HOST)))
    session = api.signed_by(Credentials.of(answer["Credentials"]))
    session.call("GetCallerIdentity")
    aws.call("DeleteRole", RoleName=role["RoleName"])
    refused(session, "InvalidClientTokenId", "GetCallerIdentity")


def test_a_profile_with_a_token_file(server, issuer, role, tmp_path, monkeypatch):
    """The default chain of boto3, as in a Kubernetes pod with IRSA, and the AWS CLI."""
    token = tmp_path / "token"
    token.write_text(issuer.keys["RS256"].token(claims(HOST)))
    config = tmp_path / "config"
    config.write_text(f"[profile pod]\nrole_arn = {role['Arn']}\nweb_identity_token_file = {token}\nrole_session_name = pod\nregion = {REGION}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    session = boto3.session.Session(profile_name="pod")
    assert session.client("sts").get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/pod"
    environment = clean_environment() | {
        "AWS_ROLE_ARN": role["Arn"], "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_SESSION_NAME": "irsa",
        "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": "/dev/null",
    }  # fmt: skip
    cli = [str(Path(sys.executable).with_name("aws")), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    found = subprocess.run(cli, env=environment, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/irsa", found.stderr


def test_the_record_names_the_caller(new_server, issuer):
    server = new_server(arguments=issuer.arguments(HOST)).start()
    aws = AwsApi(server, server.root)
    register(aws, HOST)
    role = make_role(aws, "recorded")
    token = issuer.keys["ES256"].token(claims(HOST))
    assume(aws, role, token)
    invalid(aws, role, issuer.keys["ES256"].token(claims(HOST, exp=1)), "ExpiredTokenException")
    server.stop()
    good, bad = [record for record in records(server) if record["eventName"] == "AssumeRoleWithWebIdentity"]
    identity = good["userIdentity"]
    assert (identity["type"], identity["userName"], identity["identityProvider"]) == ("WebIdentityUser", "repo:reeds/heron", arn(HOST))
    assert identity["principalId"] == f"{arn(HOST)}:{AUDIENCE}:repo:reeds/heron"
    assert bad["userIdentity"]["accountId"] == "ANONYMOUS_PRINCIPAL" and bad["errorCode"] == "ExpiredTokenException"
    for part in token.split("."):
        assert part not in str([good, bad]) and part not in server.output


# Changes of claims and header, for which this server and PyJWT must agree whether the token is good.
ORACLE = {
    "good": ({}, {}),
    "several audiences": ({"aud": ["x", AUDIENCE]}, {}),
    "another audience": ({"aud": "x"}, {}),
    "no audience": ({"aud": None}, {}),
    "another issuer": ({"iss": "https://b.issuer.test"}, {}),
    "no issuer": ({"iss": None}, {}),
    "no subject": ({"sub": None}, {}),
    "a subject that is a number": ({"sub": 7}, {}),
    "expired": ({"exp": 1}, {}),
    "expired within the leeway": ({"exp": -200}, {}),
    "expired beyond the leeway": ({"exp": -400}, {}),
    "no expiry": ({"exp": None}, {}),
    "an expiry that is text": ({"exp": "soon"}, {}),
    "valid later, within the leeway": ({"nbf": 200}, {}),
    "valid later": ({"nbf": 400}, {}),
    "issued later": ({"iat": 400}, {}),
    "no start": ({"nbf": None}, {}),
    "critical": ({}, {"crit": ["x"], "x": 1}),
    "none": ({}, {"alg": "none"}),
    "the algorithm of another key": ({}, {"alg": "RS256"}),
    "no type": ({}, {"typ": None}),
    "an address of keys": ({}, {"jku": "https://attacker.test/keys"}),
}


@pytest.mark.parametrize("case", ORACLE)
def test_a_library_agrees(aws, issuer, role, case):
    changes, header = ORACLE[case]
    # Small numbers are seconds from now.
    now = int(time.time())
    changes = {name: now + value if isinstance(value, int) and abs(value) in (200, 400) else value for name, value in changes.items()}
    key = issuer.keys["ES256"]
    token = key.token(claims(HOST, **changes), header, algorithm="ES256")
    try:
        jwt.decode(
            token, key.pem(), algorithms=["ES256"], audience=AUDIENCE, issuer=f"https://{HOST}", leeway=300,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )  # fmt: skip
        good = True
    except jwt.PyJWTError:
        good = False
    try:
        assume(aws, role, token)
        accepted = True
    except Exception as error:
        assert error.code in ("InvalidIdentityToken", "ExpiredTokenException", "IDPRejectedClaim"), error
        accepted = False
    assert accepted == good


def test_settings(tmp_path):
    """Mistakes in the settings of issuers are found at the start."""
    (tmp_path / "bad").write_text("{}")
    for arguments, words in (
        (["--issuer-address", "https://idp.test"], "host name"),
        (["--issuer-keys", "idp.test"], "URL"),
        (["--issuer-keys", f"idp.test={tmp_path / 'bad'}"], "no array"),
        (["--issuer-keys", f"idp.test={tmp_path / 'missing'}"], "No such file"),
        (["--issuer-ca", str(tmp_path / "bad")], "certificate"),
    ):
        found = run("serve", "--data-dir", tmp_path / "data", *arguments)
        assert found.returncode != 0 and words in found.stderr, (arguments, found.stderr)
    assert not (tmp_path / "data").exists()


# Claims of a token as each provider of `docs/federation-oidc.md` issues it, and a change for which the role must be denied.
EXAMPLES = {
    "k8s.example.com": ({"sub": "system:serviceaccount:shop:checkout", "kubernetes.io": {"namespace": "shop"}}, {"sub": "system:serviceaccount:shop:default"}),
    "token.actions.githubusercontent.com": ({"sub": "repo:reeds/shop:environment:production", "repository": "reeds/shop"}, {"sub": "repo:pike/shop:environment:production"}),
    "gitlab.example.com": (
        {"aud": "https://bailiwick.example.com", "sub": "project_path:reeds/shop:ref_type:branch:ref:main", "ref_protected": "true"}, {"ref_protected": "false"},
    ),
    "keycloak.example.com/realms/otter": ({"aud": "bailiwick", "azp": "bailiwick", "typ": "ID", "groups": ["/staff", "/administrators"]}, {"groups": ["/staff"]}),
    "reeds.okta.com/oauth2/default": ({"aud": "0oa1b2c3d4e5f6g7h8i9", "groups": ["Everyone", "Operators"]}, {"groups": ["Everyone"]}),
    "login.microsoftonline.com/6f1c2d3e-0000-4000-8000-000000000000/v2.0": (
        {"aud": "0a1b2c3d-0000-4000-8000-000000000000", "roles": ["Operator"], "ver": "2.0"}, {"roles": ["Reader"]},
    ),
}  # fmt: skip


def test_the_examples_of_the_documentation(new_server):
    """Each trust policy can be saved, allows a token as that provider issues it, and denies another one."""
    text = (ROOT / "docs" / "federation-oidc.md").read_text()
    documents = [json.loads(found) for found in re.findall(r"<!-- trust -->\n```json\n(.*?)```", text, re.S)]
    assert len(documents) == len(EXAMPLES)
    server = new_server().start()
    aws = AwsApi(server, server.root)
    made = {}
    for number, (document, (url, (members, other))) in enumerate(zip(documents, EXAMPLES.items())):
        assert document["Statement"][0]["Principal"]["Federated"] == arn(url)
        register(aws, url, ClientIDList=[members.get("aud", AUDIENCE)])
        role = aws.call("CreateRole", RoleName=f"role-{number}", AssumeRolePolicyDocument=json.dumps(document))["Role"]
        key = Key("RS256")
        (server.folder / f"{number}.json").write_text(json.dumps({"keys": [key.jwk()]}))
        made[url] = (role, key, members, other)
    server.stop()
    # The test issuer cannot show certificates for these hosts, so the keys come from files.
    server.arguments = [word for number, url in enumerate(EXAMPLES) for word in ("--issuer-keys", f"https://{url}={server.folder / f'{number}.json'}")]
    server.start()
    aws = AwsApi(server, server.root)
    for url, (role, key, members, other) in made.items():
        assume(aws, role, key.token(claims(url, **members)))
        denial(aws, role, key.token(claims(url, **members | other)))
