"""GetWebIdentityToken: a verifier outside reads the discovery document and the keys, and verifies the token with them."""

import concurrent.futures
import json
import urllib.error
import urllib.request

import jwt
import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import ACCOUNT, Credentials

AUDIENCE = "https://api.example.com"


def get(url):
    """The status, headers and body of a GET without credentials."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def verified(token, issuer, audience=AUDIENCE):
    """The claims of a token, verified as a relying party does: by the issuer that it trusts, and nothing of the token."""
    _, _, discovery = get(f"{issuer}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer
    _, _, keys = get(discovery["jwks_uri"])
    key = {key["kid"]: jwt.PyJWK(key) for key in keys["keys"]}[jwt.get_unverified_header(token)["kid"]]
    required = ["exp", "iat", "iss", "aud", "sub", "jti"]
    return jwt.decode(token, key, algorithms=[key.algorithm_name], audience=audience, issuer=issuer, options={"require": required})


@pytest.fixture
def issuer(api):
    """The issuer of the account, enabled."""
    try:
        return api.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    except ApiError:
        return api.call("GetOutboundWebIdentityFederationInfo")["IssuerIdentifier"]


@pytest.fixture
def caller(api, new_user):
    """A user that may get tokens, and the front end signed by it."""
    user, credentials = new_user(policy("sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"), Tags=[{"Key": "team", "Value": "reeds"}])
    return user, api.signed_by(credentials)


@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
def test_a_verifier_accepts_the_token(server, issuer, caller, algorithm):
    user, mine = caller
    answer = mine.call(
        "GetWebIdentityToken", Audience=[AUDIENCE, "second"], SigningAlgorithm=algorithm, DurationSeconds=120, Tags=[{"Key": "job", "Value": "17"}]
    )
    assert issuer.startswith(server.url + "/tokens/")
    token = answer["WebIdentityToken"]
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    claims = verified(token, issuer)
    assert (claims["sub"], claims["aud"], claims["exp"] - claims["iat"]) == (user["Arn"], [AUDIENCE, "second"], 120)
    aws = claims["https://sts.amazonaws.com/"]
    assert (aws["aws_account"], aws["principal_id"]) == (ACCOUNT, user["Arn"])
    assert (aws["principal_tags"], aws["request_tags"]) == ({"team": "reeds"}, {"job": "17"})
    assert "original_session_exp" not in aws
    with pytest.raises(jwt.InvalidAudienceError):
        verified(token, issuer, "another")


def test_first_calls_at_once_make_one_key(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    issuer = root.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    root.call("CreateUser", UserName="heron")
    root.call("PutUserPolicy", UserName="heron", PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = root.call("CreateAccessKey", UserName="heron")["AccessKey"]
    mine = root.signed_by(Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        tokens = list(pool.map(lambda _: mine.call("GetWebIdentityToken", Audience=[AUDIENCE], SigningAlgorithm="RS256")["WebIdentityToken"], range(16)))
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 1
    assert all(verified(token, issuer) for token in tokens)
    assert len(get(f"{issuer}/.well-known/jwks.json")[2]["keys"]) == 1


def test_a_session_is_named_by_its_role(api, name, issuer, new_user):
    _, key = new_user(policy("sts:AssumeRole"))
    role = api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]
    api.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("sts:GetWebIdentityToken"))
    session = api.signed_by(key).call("AssumeRole", RoleArn=role["Arn"], RoleSessionName="dive", DurationSeconds=900)["Credentials"]
    mine = api.signed_by(Credentials.of(session))
    claims = verified(mine.call("GetWebIdentityToken", Audience=[AUDIENCE], SigningAlgorithm="ES384")["WebIdentityToken"], issuer)
    assert (claims["sub"], claims["aud"], claims["exp"] - claims["iat"]) == (role["Arn"], AUDIENCE, 300)
    assert claims["https://sts.amazonaws.com/"]["original_session_exp"].endswith("Z")
    # The session has 15 minutes, and its tokens no more.
    refused(mine, "SessionDurationEscalationException", "GetWebIdentityToken", Audience=[AUDIENCE], SigningAlgorithm="ES384", DurationSeconds=901)


def test_policies_limit_audience_duration_algorithm_and_tags(api, issuer, new_user):
    condition = {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": [AUDIENCE]},
        "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
        "StringEquals": {"sts:SigningAlgorithm": "ES384"},
    }
    _, credentials = new_user(policy({"Action": "sts:GetWebIdentityToken", "Condition": condition}))
    mine = api.signed_by(credentials)
    good = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384"}
    assert mine.call("GetWebIdentityToken", **good)["WebIdentityToken"]
    for what, members in {
        "another audience": {"Audience": ["https://evil.example.com"]},
        "one audience too many": {"Audience": [AUDIENCE, "https://evil.example.com"]},
        "too long": {"DurationSeconds": 301},
        "another algorithm": {"SigningAlgorithm": "RS256"},
        "tags without the permission": {"Tags": [{"Key": "a", "Value": "b"}]},
    }.items():
        error = refused(mine, "AccessDenied", "GetWebIdentityToken", **good | members)
        assert ("sts:TagGetWebIdentityToken" in error.message) == (what == "tags without the permission")


def test_refusals(api, issuer, caller):
    _, mine = caller
    good = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384"}
    for code, members in [
        ("ValidationError", {"SigningAlgorithm": "HS256"}),
        ("ValidationError", {"SigningAlgorithm": "es384"}),
        ("ValidationError", {"SubjectMode": "OriginIdentity"}),
        ("ValidationError", {"Scope": "read"}),
        ("ValidationError", {"DurationSeconds": 59}),
        ("ValidationError", {"DurationSeconds": 3_601}),
        ("ValidationError", {"Audience": ["a"] * 11}),
        ("JWTPayloadSizeExceededException", {"Tags": [{"Key": f"{n}{'k' * 100}", "Value": "v" * 256} for n in range(50)]}),
    ]:
        refused(mine, code, "GetWebIdentityToken", **good | members)
    refused(api, "AccessDenied", "GetWebIdentityToken", **good)


def test_a_token_of_one_account_fails_at_the_issuer_of_another(api, rpc, name, issuer, caller, new_user):
    account = rpc.call("CreateAccount", accountName=name("account"), email=f"{name('a')}@example.com")
    _, key = new_user(policy("sts:AssumeRole"))
    session = api.signed_by(key).call("AssumeRole", RoleArn=account["roleArn"], RoleSessionName="session")
    member = api.signed_by(Credentials.of(session["Credentials"]))
    good = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384"}
    refused(member, "OutboundWebIdentityFederationDisabledException", "GetWebIdentityToken", **good)
    other = member.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    token = member.call("GetWebIdentityToken", **good)["WebIdentityToken"]
    assert verified(token, other)["iss"] == other != issuer
    caller[1].call("GetWebIdentityToken", **good)
    with pytest.raises(KeyError):
        verified(token, issuer)
    rpc.call("SuspendAccount", accountId=account["account"]["accountId"])
    assert get(f"{other}/.well-known/jwks.json")[0] == 404


def test_a_disabled_issuer_issues_nothing_and_keeps_its_keys(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    issuer = root.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    assert get(f"{issuer}/.well-known/jwks.json")[2] == {"keys": []}
    root.call("CreateUser", UserName="Ann")
    root.call("PutUserPolicy", UserName="Ann", PolicyName="p", PolicyDocument=ALLOW_ALL)
    ann = AwsApi(server, Credentials.of(root.call("CreateAccessKey", UserName="Ann")["AccessKey"]))
    good = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384"}
    token = ann.call("GetWebIdentityToken", **good)["WebIdentityToken"]
    root.call("DisableOutboundWebIdentityFederation")
    refused(ann, "OutboundWebIdentityFederationDisabledException", "GetWebIdentityToken", **good)
    assert verified(token, issuer)["sub"].endswith(":user/Ann")
    # The issuer and its keys stay, also through a restart.
    server.stop()
    server.start()
    root, ann = AwsApi(server, server.root), AwsApi(server, ann.credentials)
    issuer = root.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    later = ann.call("GetWebIdentityToken", **good)["WebIdentityToken"]
    assert jwt.get_unverified_header(later)["kid"] == jwt.get_unverified_header(token)["kid"]
    # Nothing private is in what is published, and nothing is in the clear at rest.
    [key] = get(f"{issuer}/.well-known/jwks.json")[2]["keys"]
    assert set(key) == {"kid", "use", "alg", "kty", "crv", "x", "y"}


def test_paths_under_issuers(server, issuer, caller):
    caller[1].call("GetWebIdentityToken", Audience=[AUDIENCE], SigningAlgorithm="ES384")
    status, headers, _ = get(f"{issuer}/.well-known/jwks.json")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "public, max-age=900")
    base, unknown = f"{server.url}/tokens", "00000000-0000-4000-8000-000000000000"
    for path in [
        f"{base}/", f"{base}/{unknown}/.well-known/jwks.json", f"{base}/{unknown}/.well-known/openid-configuration", f"{issuer}", f"{issuer}/",
        f"{issuer}/.well-known/", f"{issuer}/.well-known/jwks.json/", f"{issuer.upper().replace('HTTP', 'http')}/.well-known/jwks.json",
        f"{base}/../healthz", f"{base}/%2e%2e/{unknown}", f"{base}/{'x' * 4000}/.well-known/jwks.json",
    ]:  # fmt: skip
        assert get(path)[0] in (400, 404), path


def test_the_public_url_names_the_server(new_server):
    server = new_server(arguments=["--public-url", "https://iam.example.com/base/"]).start()
    rpc = GrpcApi(server, server.root)
    issuer = rpc.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    assert issuer.startswith("https://iam.example.com/base/tokens/")
    path = issuer.removeprefix("https://iam.example.com/base")
    _, _, discovery = get(f"{server.url}{path}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer
    assert discovery["jwks_uri"] == f"{issuer}/.well-known/jwks.json"
