"""No secret that was issued in a run is in the data folder or in the output of the server."""

import base64
import re

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.delegation import trade_in_token
from support.documents import ALLOW_ALL, policy, trust
from support.server import Credentials
from support.totp import Authenticator


def test_no_secret_is_written_down(new_server):
    server = new_server(environment={"BAILIWICK_LOG": "debug", "RUST_LOG": "debug"}).start()
    root = AwsApi(server, server.root)
    secrets = [server.root.secret_access_key]
    for number in range(5):
        user_name = f"user-{number}"
        root.call("CreateUser", UserName=user_name)
        root.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=ALLOW_ALL)
        for front in (AwsApi, GrpcApi):
            key = Credentials.of(front(server, server.root).call("CreateAccessKey", UserName=user_name)["AccessKey"])
            secrets.append(key.secret_access_key)
            front(server, key).call("GetCallerIdentity")
            token = GrpcApi(server, key).call("CreateToken")["token"]
            GrpcApi(server, Credentials(bearer=token)).call("GetCallerIdentity")
            secrets.append(token)
    for number, front in enumerate((AwsApi, GrpcApi)):
        mine, former, current = f"user-{number}", f"Hidden-Marsh-{number}", f"Hidden-Meadow-{number}"
        front(server, server.root).call("CreateLoginProfile", UserName=mine, Password=former)
        front(server, server.root).call("UpdateLoginProfile", UserName=mine, Password=current)
        made = front(server, server.root).call("CreateVirtualMFADevice", VirtualMFADeviceName=mine)["VirtualMFADevice"]
        app = Authenticator(made)
        front(server, server.root).call("EnableMFADevice", UserName=mine, SerialNumber=app.serial, **app.pair())
        secrets += [former, current, app.text, app.seed.hex()]
        for service, member in {"codecommit": "ServicePassword", "bedrock": "ServiceCredentialSecret"}.items():
            credential = {"UserName": mine, "ServiceName": f"{service}.amazonaws.com"}
            made = front(server, server.root).call("CreateServiceSpecificCredential", **credential)["ServiceSpecificCredential"]
            which = {"UserName": mine, "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
            again = front(server, server.root).call("ResetServiceSpecificCredential", **which)["ServiceSpecificCredential"]
            secrets += [made[member], again[member]]
    arn = root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    root.call("PutRolePolicy", RoleName="role", PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    session = AwsApi(server, key).call("AssumeRole", RoleArn=arn, RoleSessionName="session")["Credentials"]
    secrets += [session["SecretAccessKey"], session["SessionToken"]]
    for operation, members in {"GetSessionToken": {}, "GetFederationToken": {"Name": "guest"}}.items():
        issued = root.call(operation, **members)["Credentials"]
        secrets += [issued["SecretAccessKey"], issued["SessionToken"]]
    trade_in = trade_in_token(server)
    issued = root.call("GetDelegatedAccessToken", TradeInToken=trade_in)["Credentials"]
    secrets += [trade_in, issued["SecretAccessKey"], issued["SessionToken"]]
    with pytest.raises(ApiError):
        root.call("GetDelegatedAccessToken", TradeInToken=trade_in[:-8])
    AwsApi(server, Credentials.of(session)).call("ListUsers")
    with pytest.raises(ApiError):  # errors are written too
        AwsApi(server, Credentials.of(session | {"SessionToken": session["SessionToken"][:-8]})).call("ListUsers")
    with pytest.raises(ApiError):
        AwsApi(server, Credentials(key.access_key_id, "q" * 40)).call("ListUsers")
    door, typed = GrpcApi(server, None), "Hidden-Reeds-9"
    with pytest.raises(ApiError):  # a password where the name should be
        door.call("SignIn", account=server.account, userName=typed, password=typed)
    door.call("SignIn", account=server.account, userName="user-0", password="Hidden-Meadow-0", mfaCode=None)
    root_password = "Hidden-Shore-10"
    GrpcApi(server, server.root).call("PutRootPassword", password=root_password)
    token = door.call("SignIn", account=server.account, root=True, password=root_password)["session"]["token"]
    keys = GrpcApi(server, Credentials(bearer=token)).call("GetSignInCredentials")
    lent = {"accessKeyId": session["AccessKeyId"], "secretAccessKey": session["SecretAccessKey"], "sessionToken": session["SessionToken"]}
    secrets += [typed, root_password, token, keys["secretAccessKey"], keys["sessionToken"], door.call("GetSigninToken", **lent)["signinToken"]]
    master = server.data.with_name(server.data.name + ".key").read_bytes().strip()
    server.stop()
    written = {str(path): path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    assert written and sum(map(len, written.values())) > 1000
    written["what it said"] = server.output.encode()
    assert b"user-1" in b"".join(written.values()), "names are there, so secrets would be found too"
    for secret in secrets:
        plain = secret.encode()
        raw = bytes.fromhex(secret) if re.fullmatch("[0-9a-f]{32,}", secret) else plain
        for form in (plain, raw, base64.b64encode(plain).rstrip(b"=")[:-1], plain.hex().encode(), plain[:20]):
            for where, content in written.items():
                assert form not in content, f"a secret is in {where}"
    for where, content in written.items():
        assert master not in content, f"the master key is in {where}"


def test_secrets_are_shown_once(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    secret = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]["SecretAccessKey"]
    made = api.call("CreateServiceSpecificCredential", UserName=user_name, ServiceName="codecommit.amazonaws.com")
    password = made["ServiceSpecificCredential"]["ServicePassword"]
    for operation, members in {
        "ListAccessKeys": {"UserName": user_name},
        "ListServiceSpecificCredentials": {"UserName": user_name},
        "GetUser": {"UserName": user_name},
        "GetAccountAuthorizationDetails": {},
    }.items():
        answer = str(api.call(operation, **members))
        assert secret not in answer and password not in answer
