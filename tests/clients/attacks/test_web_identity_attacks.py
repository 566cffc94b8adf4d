"""Forged and hostile ID tokens, and issuers that are hostile to the server that fetches their keys."""

import gzip
import json
import threading
import time

import pytest
from attacks.watch import well
from support.api import AwsApi, GrpcApi
from support.documents import trust
from support.expect import refused
from support.issuer import AUDIENCE, Issuer, Key, claims, encode, shared_secret_token
from support.server import ACCOUNT, Credentials, Server

HOST, OTHER = "a.issuer.test", "b.issuer.test"
HOSTILE = "hostile.issuer.test"
UNNAMED = "too.deep.issuer.test"
INVALID = "InvalidIdentityToken"
INVALID_KEY = Credentials("AKIAZZZZZZZZZZZZZZZZ", "x" * 40)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    issuer.key, issuer.rsa, issuer.other = Key("ES256", "one"), Key("RS256", "two"), Key("ES256", "one")
    issuer.publish(HOST, issuer.key, issuer.rsa)
    issuer.publish(OTHER, issuer.other)
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, issuer):
    arguments = issuer.arguments(HOST, OTHER, HOSTILE, UNNAMED)
    environment = {"BAILIWICK_FAILED_AUTHENTICATIONS": "0"}
    server = Server(tmp_path_factory.mktemp("server"), arguments=arguments, environment=environment).start()
    aws = AwsApi(server, server.root)
    for url in (HOST, OTHER):
        register(aws, url)
    statement = {"Federated": [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url}" for url in (HOST, OTHER)]}
    aws.call("CreateRole", RoleName="target", AssumeRolePolicyDocument=trust(statement, action="sts:AssumeRoleWithWebIdentity"))
    yield server
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


@pytest.fixture(params=["aws", "grpc"])
def caller(request, server):
    """A client without valid credentials, through each front end."""
    return {"aws": AwsApi, "grpc": GrpcApi}[request.param](server, INVALID_KEY)


def register(aws, url):
    aws.call("CreateOpenIDConnectProvider", Url=f"https://{url}", ClientIDList=[AUDIENCE])


def outcome(api, token, role="target", **members):
    """The code and message of the refusal; none for credentials."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    try:
        api.call("AssumeRoleWithWebIdentity", RoleArn=arn, RoleSessionName="swim", WebIdentityToken=token, **members)
    except Exception as error:
        return error.code, error.message
    return None


def changed(text, **changes):
    """Changes the claims of a good token as JSON text, where JSON values are given as text."""
    text = json.dumps(claims(text))
    return text[:-1] + "".join(f",{json.dumps(name)}:{value}" for name, value in changes.items()) + "}"


def part(token, number):
    return token.split(".")[number]


def made(issuer):
    """Name → a token and the expected code."""
    key, rsa, other, attacker = issuer.key, issuer.rsa, issuer.other, Key("ES256", "one")
    good = claims(HOST)
    now = int(time.time())
    of = lambda **changes: key.token(claims(HOST, **changes))
    with_header = lambda signer=key, **header: signer.token(good, header, algorithm="ES256")
    unsigned = lambda name: f"{encode({'alg': name, 'typ': 'JWT'})}.{encode(good)}."
    token = key.token(good)
    tokens = {
        "none": unsigned("none"),
        "None": unsigned("None"),
        "NONE": unsigned("NONE"),
        "none with a signature": unsigned("none") + part(token, 2),
        "HS256 with the public key in PEM": shared_secret_token(rsa.pem(), good, "two"),
        "HS256 with the public key as JSON": shared_secret_token(json.dumps(rsa.jwk()).encode(), good, "two"),
        "HS256 with nothing": shared_secret_token(b"", good, "two"),
        "the algorithm of another key": with_header(alg="RS256"),
        "another algorithm with the key id of RSA": with_header(kid="two"),
        "a weaker padding": rsa.token(good, {"alg": "PS256"}, algorithm="PS256"),
        "a key id that is a path": with_header(kid="../../../../dev/null"),
        "a key id that is a statement": with_header(kid="one' OR '1'='1"),
        "a key id that is a URL": with_header(kid="https://attacker.test/keys"),
        "a key id that is a list": with_header(kid=["one"]),
        "the attacker's key": attacker.token(good),
        "jku": with_header(attacker, jku=f"https://{HOSTILE}/keys"),
        "x5u": with_header(attacker, x5u=f"https://{HOSTILE}/cert"),
        "an embedded key": with_header(attacker, jwk=attacker.jwk()),
        "an embedded certificate": with_header(attacker, x5c=["MIIB"]),
        "the key of another issuer": other.token(good),
        "another issuer's token as this one's": other.token(claims(HOST), {"kid": "one"}),
        "another issuer": of(iss="https://c.issuer.test"),
        "an issuer with a slash": of(iss=f"https://{HOST}/"),
        "an issuer without a scheme": of(iss=HOST),
        "an issuer over http": of(iss=f"http://{HOST}"),
        "an issuer with credentials": of(iss=f"https://x@{HOST}"),
        "an issuer with a port": of(iss=f"https://{HOST}:443"),
        "another audience": of(aud="other"),
        "an audience within another": of(aud=f"{AUDIENCE}.attacker.test"),
        "no audience": of(aud=None),
        "an audience that is an object": of(aud={AUDIENCE: 1}),
        "another authorized party": of(azp="other"),
        "no subject": of(sub=None),
        "a subject with a line break": of(sub="a\nb"),
        "a subject of nothing": of(sub=""),
        "a long subject": of(sub="s" * 256),
        "no expiry": of(exp=None),
        "an expiry that is text": of(exp=str(now + 600)),
        "an expiry without end": key.token(changed(HOST).replace(f'"exp": {now + 600}', '"exp": 1e400')),
        "no time of issue": of(iat=None),
        "a claim twice": key.token(changed(HOST, role="1", **{"r\\u006fle": "2"}).replace("\\\\u", "\\u")),
        "the subject twice": key.token(changed(HOST)[:-1] + ',"sub":"root"}'),
        "the subject in two cases": of(SUB="root"),
        "the algorithm twice": key.token(good, '{"alg":"none","alg":"ES256","kid":"one"}'),
        "critical": with_header(crit=["exp"]),
        "not encoded": with_header(b64=False, crit=["b64"]),
        "compressed": with_header(zip="DEF"),
        "nested": key.token(encode(token), {"cty": "JWT"}),
        "encrypted": ".".join([encode({"alg": "RSA-OAEP", "enc": "A256GCM"}), "a", "b", "c", "d"]),
        "an access token": with_header(typ="at+jwt"),
        "an opaque token": "ya29.a0AfH6SMBopaque",
        "deep claims": key.token(changed(HOST, deep="[" * 3000 + "]" * 3000)),
        "claims that are a list": key.token([good]),
        "claims that are text": key.token('"good"'),
        "claims that are empty": key.token(""),
        "other claims": f"{part(token, 0)}.{encode(good | {'sub': 'root'})}.{part(token, 2)}",
        "padding": token + "==",
        "a space": token + " ",
        "no signature": token.rsplit(".", 1)[0] + ".",
        "half a signature": token[:-43],
        "a signature of zeros": f"{part(token, 0)}.{part(token, 1)}." + "A" * 86,
        "in DER instead of fixed size": f"{part(token, 0)}.{part(token, 1)}." + encode(der(key, token)),
    }
    tokens = {name: (token, INVALID) for name, token in tokens.items()}
    return tokens | {
        "expired": (of(exp=now - 301), "ExpiredTokenException"),
        "expired long ago": (of(exp=1), "ExpiredTokenException"),
        "valid tomorrow": (of(nbf=now + 86_400), "IDPRejectedClaim"),
        "issued tomorrow": (of(iat=now + 86_400, exp=now + 90_000), "IDPRejectedClaim"),
        "huge claims": (key.token(good | {"x": "x" * 20_000}), "ValidationError"),
    }


def der(key, token):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return key.private.sign(token.rsplit(".", 1)[0].encode(), ec.ECDSA(hashes.SHA256()))


def test_forged_tokens(caller, issuer):
    """Each is refused with its code, none causes a request to the attacker's host, and the good token still works."""
    assert outcome(caller, issuer.key.token(claims(HOST))) is None
    before = len(issuer.requests)
    tokens = made(issuer)
    assert len(tokens) >= 60
    wrong = {name: found for name, (token, code) in tokens.items() if (found := outcome(caller, token)) is None or found[0] != code}
    assert not wrong, wrong
    assert not any(asked.startswith(HOSTILE) for asked in issuer.requests)
    # Unknown key ids cause a few fetches.
    assert len(issuer.requests) - before <= 2 * 5 * 2
    assert outcome(caller, issuer.key.token(claims(HOST))) is None


def test_refusals_say_nothing_of_the_token(caller, issuer):
    """No value of the token is in a message, except for the issuer that is not registered."""
    secret = "needle-in-the-token"
    for changes in ({"sub": secret + "\n"}, {"aud": secret}, {"azp": secret}, {"exp": secret}, {secret: 1, secret.upper(): 2}):
        code, message = outcome(caller, issuer.key.token(claims(HOST, **changes)))
        assert code == INVALID and secret not in message, message


def test_opaque_tokens_are_refused_by_name(caller, issuer):
    for provider in ("graph.facebook.com", "www.amazon.com"):
        code, message = outcome(caller, issuer.key.token(claims(HOST)), ProviderId=provider)
        assert code == "ValidationError" and provider in message


def test_issuers_that_are_not_registered_are_not_asked(caller, issuer):
    issuer.publish(HOSTILE + "/unregistered", Key())
    code, message = outcome(caller, Key().token(claims(HOSTILE + "/unregistered")))
    assert (code, "No OpenIDConnect provider found" in message) == (INVALID, True)
    assert not any("unregistered" in asked for asked in issuer.requests)
    # Nor for a role of another account, which has no such provider.
    arn = "arn:aws:iam::444455556666:role/target"
    with pytest.raises(Exception, match="No OpenIDConnect provider found"):
        caller.call("AssumeRoleWithWebIdentity", RoleArn=arn, RoleSessionName="swim", WebIdentityToken=issuer.key.token(claims(HOST)))


def test_a_host_without_a_dot_gives_no_keys(caller, aws, issuer):
    """Claims of `https://sts` would be condition keys such as `sts:ExternalId`."""
    for host in ("sts", "aws", "saml"):
        refused(aws, "ValidationError", "CreateOpenIDConnectProvider", Url=f"https://{host}")
        code, message = outcome(caller, issuer.key.token(claims(host)))
        assert (code, "No OpenIDConnect provider found" in message) == (INVALID, True)


ADDRESSES = ["127.0.0.1", "127.1", "0.0.0.0", "0x7f.1", "1.0x7f", "2130706433", "10.0.0.1", "169.254.169.254", "93.184.216.34", "[::1]", "localhost"]


@pytest.mark.parametrize("host", ADDRESSES)
def test_addresses_are_not_issuers(aws, host):
    refused(aws, "ValidationError", "CreateOpenIDConnectProvider", Url=f"https://{host}")


def test_private_addresses(server, aws, issuer):
    host = "localhost.localdomain"
    register(aws, host)
    begun = time.monotonic()
    assert outcome(aws, issuer.key.token(claims(host)))[0] == "IDPCommunicationError"
    assert time.monotonic() - begun < 10
    line = server.wait_for("could not be fetched")
    assert f"issuer={host}" in line and ("no address of the public Internet" in line or "was not found" in line), line



def redirecting(location):
    return lambda handler: handler.answer(302, b"", Location=location)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b" " * 65_536)


def slow(handler):
    """Sends a byte now and then, for longer than the server waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.2)


def many_headers(handler):
    handler.answer(200, {"keys": []}, **{f"X-{number}": "x" * 1000 for number in range(2000)})


def hostile(name, key):
    """What the discovery document changes, what is at `/keys`, and the expected code."""
    keys = {"keys": [key.jwk()]}
    url = f"https://{HOSTILE}/{name}"
    body = json.dumps(keys).encode()
    unreachable = "IDPCommunicationError"
    return {
        "elsewhere": ({"jwks_uri": f"https://{OTHER}/keys"}, keys, INVALID),
        "clear": ({"jwks_uri": f"http://{HOSTILE}/{name}/keys"}, keys, INVALID),
        "port": ({"jwks_uri": f"https://{HOSTILE}:8443/{name}/keys"}, keys, INVALID),
        "credentials": ({"jwks_uri": f"https://{HOSTILE}@{OTHER}/keys"}, keys, INVALID),
        "file": ({"jwks_uri": "file:///etc/passwd"}, keys, INVALID),
        "address": ({"jwks_uri": "https://169.254.169.254/keys"}, keys, INVALID),
        "impostor": ({"issuer": f"https://{HOST}"}, keys, INVALID),
        "nameless": ({"issuer": None}, keys, INVALID),
        "redirect": ({}, redirecting(f"{url}/moved"), INVALID),
        "redirected-away": ({}, redirecting("https://169.254.169.254/latest"), INVALID),
        "large": ({}, b'{"keys": [' + b" " * 1_048_600 + b"]}", INVALID),
        "endless": ({}, endless, INVALID),
        "headers": ({}, many_headers, unreachable),
        "slow": ({}, slow, unreachable),
        "failing": ({}, lambda handler: handler.answer(503, b""), unreachable),
        "missing": ({}, None, INVALID),
        "page": ({}, b"<html>", INVALID),
        "twice": ({}, body[:-1] + b',"keys":[]}', INVALID),
        "compressed": ({}, lambda handler: handler.answer(200, gzip.compress(body), Content_Encoding="gzip"), INVALID),
        "many": ({}, {"keys": [key.jwk(kid=str(number)) for number in range(201)]}, INVALID),
        "empty": ({}, {"keys": []}, INVALID),
        "weak": ({}, {"keys": [Key("RS256", key.kid, bits=1024).jwk()]}, INVALID),
        "private": ({}, {"keys": [key.jwk(d="AAAA")]}, INVALID),
        "encryption": ({}, {"keys": [key.jwk(use="enc")]}, INVALID),
        "secret": ({}, {"keys": [{"kty": "oct", "kid": key.kid, "k": encode("secret")}]}, INVALID),
    }[name]


HOSTILE_ISSUERS = [
    "elsewhere", "clear", "port", "credentials", "file", "address", "impostor", "nameless", "redirect", "redirected-away", "large",
    "endless", "headers", "slow", "failing", "missing", "page", "twice", "compressed", "many", "empty", "weak", "private", "encryption",
    "secret",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_ISSUERS)
def test_hostile_issuers(aws, issuer, name):
    key = Key("ES256", "k")
    url = f"{HOSTILE}/{name}"
    changes, keys, code = hostile(name, key)
    issuer.publish(url, key, **changes)
    issuer.documents[f"{url}/keys"] = keys
    issuer.documents[f"{url}/moved"] = {"keys": [key.jwk()]}
    register(aws, url)
    begun = time.monotonic()
    found = outcome(aws, key.token(claims(url)))
    assert found is not None and found[0] == code, found
    assert time.monotonic() - begun < 10
    assert not any(asked.endswith("/moved") for asked in issuer.requests)


def test_a_certificate_for_another_name(aws, issuer):
    """The wildcard of the certificate is for one label."""
    key = Key()
    issuer.publish(UNNAMED, key)
    register(aws, UNNAMED)
    assert outcome(aws, key.token(claims(UNNAMED)))[0] == "IDPCommunicationError"
    assert not any(asked.startswith(UNNAMED) for asked in issuer.requests)


def test_a_slow_issuer_delays_no_other_call(server, aws, issuer):
    """While calls wait for a slow issuer, others are answered; and the slow issuer is asked once."""
    key, url = Key(), f"{HOSTILE}/very-slow"
    begun = threading.Event()

    def slow_after_event(handler):
        begun.set()
        slow(handler)

    issuer.publish(url, key)
    issuer.documents[f"{url}/keys"] = slow_after_event
    register(aws, url)
    ended = []
    token = key.token(claims(url))

    def call():
        ended.append(outcome(AwsApi(server, INVALID_KEY), token))

    started = time.monotonic()
    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert outcome(AwsApi(server, INVALID_KEY), issuer.key.token(claims(HOST))) is None
    aws.call("ListUsers")
    # The server waits five seconds for an issuer; a busy machine can need as long for the calls above.
    assert not ended or time.monotonic() - started > 5, "they were answered before the issuer"
    for thread in threads:
        thread.join(30)
    assert {code for code, _ in ended} == {"IDPCommunicationError"} and len(ended) == 20
    assert sum(asked == f"{url}/keys" for asked in issuer.requests) == 1


def test_many_callers_cause_one_fetch(server, aws, issuer):
    key, url = Key(), f"{HOSTILE}/crowd"
    issuer.publish(url, key)
    register(aws, url)
    token = key.token(claims(url))
    codes = []
    # The role does not trust this provider, which is decided after the token is verified.
    threads = [threading.Thread(target=lambda: codes.append(outcome(AwsApi(server, INVALID_KEY), token)[0])) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes == ["AccessDenied"] * 30
    assert sum(asked == f"{url}/keys" for asked in issuer.requests) == 1


def test_a_deleted_provider_gives_nothing_more(aws, issuer):
    key, url = Key(), f"{HOSTILE}/deleted"
    issuer.publish(url, key)
    register(aws, url)
    token = key.token(claims(url))
    assert outcome(aws, token)[0] == "AccessDenied"
    aws.call("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url}")
    assert outcome(aws, token)[0] == INVALID
