"""GetSessionToken, GetFederationToken, AssumeRoot, GetAccessKeyInfo, and what temporary credentials may call."""

import datetime
import json

import pytest
from support.api import moment
from support.cli import Cli
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials
from support.totp import Authenticator

WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code."
WITH_MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
TASK = "arn:aws:iam::aws:policy/root-task/"
ISSUED = [("GetSessionToken", {}), ("GetFederationToken", {"Name": "guest"})]


def session_of(api, answer):
    """The same front end, with issued credentials."""
    return api.signed_by(Credentials.of(answer["Credentials"]))


def lasts(answer):
    """How long credentials last, in minutes."""
    left = moment(answer["Credentials"]["Expiration"]) - datetime.datetime.now(datetime.timezone.utc)
    return round(left.total_seconds() / 60)


@pytest.fixture
def ana(api, new_user):
    """A user who may do everything, through the front end under test."""
    user, credentials = new_user(ALLOW_ALL)
    ana = api.signed_by(credentials)
    ana.user, ana.key = user, credentials
    return ana


@pytest.fixture
def phone(api, name, ana):
    """Ana's authenticator app. Its codes up to the current one are used."""
    app = Authenticator(api.call("CreateVirtualMFADevice", VirtualMFADeviceName=name("phone"))["VirtualMFADevice"])
    api.call("EnableMFADevice", UserName=ana.user["UserName"], SerialNumber=app.serial, **app.pair())
    return app


def factor(app, steps=0):
    return {"SerialNumber": app.serial, "TokenCode": app.code(steps)}


def test_a_session_of_a_user_is_the_user(api, ana):
    for members, minutes in (({}, 720), ({"DurationSeconds": 900}, 15), ({"DurationSeconds": 129_600}, 2160)):
        answer = ana.call("GetSessionToken", **members)
        assert lasts(answer) == minutes
        assert session_of(api, answer).call("GetCallerIdentity")["Arn"] == ana.user["Arn"]
    for seconds in (899, 129_601):
        refused(ana, "ValidationError", "GetSessionToken", DurationSeconds=seconds)
    long = ana.call("GetSessionToken", MinimumSessionTokenSize=3_000)
    assert 3_000 <= len(long["Credentials"]["SessionToken"]) == long["SessionTokenSize"] < 3_010
    session_of(api, long).call("GetCallerIdentity")


def test_a_session_of_root_lasts_an_hour(api):
    answer = api.call("GetSessionToken", DurationSeconds=129_600)
    assert lasts(answer) == 60
    assert session_of(api, answer).call("GetCallerIdentity")["Arn"].endswith(":root")


def test_only_a_right_code_of_ones_own_device_proves_mfa_and_only_once(api, ana, phone, new_user):
    without = session_of(api, ana.call("GetSessionToken"))
    error = refused(without, "InvalidClientTokenId", "GetUser")
    assert error.message.startswith("The security token included in the request is invalid")
    wrong = f"{(int(phone.code()) + 1) % 1_000_000:06}"
    assert refused(ana, "AccessDenied", "GetSessionToken", SerialNumber=phone.serial, TokenCode=wrong).message == WRONG_CODE
    _, other = new_user(ALLOW_ALL)
    assert refused(api.signed_by(other), "AccessDenied", "GetSessionToken", **factor(phone, 1)).message == WRONG_CODE
    for member in ("SerialNumber", "TokenCode"):
        refused(ana, "AccessDenied", "GetSessionToken", **{member: factor(phone, 1)[member]})
    given = factor(phone, 1)
    proven = session_of(api, ana.call("GetSessionToken", **given))
    assert proven.call("GetUser")["User"]["Arn"] == ana.user["Arn"]
    assert refused(ana, "AccessDenied", "GetSessionToken", **given).message == WRONG_CODE


def test_own_devices_change_only_with_a_second_factor(api, name, ana, phone):
    """An access key alone is not enough to replace the device that protects its user."""
    needs = "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user."
    tablet, watch = (Authenticator(ana.call("CreateVirtualMFADevice", VirtualMFADeviceName=name("device"))["VirtualMFADevice"]) for _ in range(2))
    mine = {"UserName": ana.user["UserName"]}
    without = session_of(api, ana.call("AssumeRole", RoleArn=role_of(api, name, ana), RoleSessionName="session"))
    for members in ({**mine, "SerialNumber": phone.serial}, {"SerialNumber": phone.serial}):
        assert refused(ana, "AccessDenied", "DeactivateMFADevice", **members).message == needs
    assert refused(ana, "AccessDenied", "EnableMFADevice", **mine, SerialNumber=tablet.serial, **tablet.pair()).message == needs
    proven = session_of(api, ana.call("GetSessionToken", **factor(phone, 1)))
    proven.call("EnableMFADevice", **mine, SerialNumber=tablet.serial, **tablet.pair())
    proven.call("DeactivateMFADevice", SerialNumber=phone.serial)
    # The rule is for users on themselves: others need the permission alone, and the first device needs no other.
    without.call("DeactivateMFADevice", **mine, SerialNumber=tablet.serial)
    ana.call("EnableMFADevice", **mine, SerialNumber=watch.serial, **watch.pair())


def role_of(api, name, ana):
    """A role of the user with all permissions."""
    role = api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ana.user["Arn"]))["Role"]
    api.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=ALLOW_ALL)
    return role["Arn"]


def test_a_policy_that_denies_without_mfa_holds_for_keys_and_sessions(api, aws, ana, phone):
    deny = {"Effect": "Deny", "Action": "iam:ListUsers", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
    aws.call("PutUserPolicy", UserName=ana.user["UserName"], PolicyName="mfa", PolicyDocument=policy(deny))
    refused(ana, "AccessDenied", "ListUsers")
    session_of(api, ana.call("GetSessionToken", **factor(phone, 1))).call("ListUsers")


def test_assume_role_takes_a_code_for_its_own_decision_only(api, aws, ana, phone, name, server):
    role = name("role")
    trusts = policy({"Principal": {"AWS": ana.user["Arn"]}, "Action": "sts:AssumeRole", **WITH_MFA})
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=policy("iam:ListUsers", {"Action": "iam:ListRoles", **WITH_MFA}))
    ask = {"RoleArn": arn, "RoleSessionName": "session"}
    refused(ana, "AccessDenied", "AssumeRole", **ask)
    wrong = f"{(int(phone.code()) + 1) % 1_000_000:06}"
    assert refused(ana, "AccessDenied", "AssumeRole", **ask, SerialNumber=phone.serial, TokenCode=wrong).message == WRONG_CODE
    session = session_of(api, ana.call("AssumeRole", **ask, **factor(phone, 1)))
    session.call("ListUsers")
    refused(session, "AccessDenied", "ListRoles")
    refused(ana, "AccessDenied", "AssumeRole", **ask, **factor(phone, 1))


def test_a_denied_role_reveals_nothing_about_codes(api, aws, phone, ana, name, new_user):
    other, _ = new_user(ALLOW_ALL)
    arn = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(other["Arn"]))["Role"]["Arn"]
    wrong = f"{(int(phone.code()) + 1) % 1_000_000:06}"
    said = {
        refused(ana, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session", SerialNumber=phone.serial, TokenCode=code).message
        for code in (wrong, phone.code(1))
    }
    assert len(said) == 1 and "MultiFactor" not in said.pop()
    # The right code was not used up by the denied call.
    ana.call("GetSessionToken", **factor(phone, 1))


def test_a_federated_user_has_both_the_issuers_and_the_session_policies(api, aws, server, new_user):
    user, credentials = new_user(policy("sts:GetFederationToken", "sts:TagSession", "sts:GetAccessKeyInfo", "bailiwick:Authorize"))
    issuer = api.signed_by(credentials)
    answer = issuer.call("GetFederationToken", Name="guest", Policy=policy("*"), Tags=[{"Key": "team", "Value": "red"}])
    assert lasts(answer) == 720 and answer["PackedPolicySize"] >= 1
    arn = f"arn:aws:sts::{server.account}:federated-user/guest"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{server.account}:guest", "Arn": arn}
    guest = session_of(api, answer)
    identity = guest.call("GetCallerIdentity")
    assert (identity["Arn"], identity["UserId"]) == (arn, f"{server.account}:guest")
    refused(guest, "InvalidClientTokenId", "GetUser", UserName=user["UserName"])
    refused(issuer, "AccessDenied", "GetUser")
    assert lasts(api.call("GetFederationToken", Name="guest", DurationSeconds=129_600)) == 60
    for members in ({"Name": "g"}, {"Name": "x" * 33}, {"DurationSeconds": 899}, {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nothing"}]}):
        refused(issuer, "ValidationError", "GetFederationToken", **{"Name": "guest"} | members)
    refused(issuer, "MalformedPolicyDocument", "GetFederationToken", Name="guest", Policy="{}")
    _, powerless = new_user()
    error = refused(api.signed_by(powerless), "AccessDenied", "GetFederationToken", Name="guest")
    assert error.message.startswith("User: ") and f"sts:GetFederationToken on resource: {arn}" in error.message


def test_what_each_kind_of_credentials_may_call(api, aws, ana, phone, name, server):
    """The answers of AWS: `AccessDenied` for STS, `InvalidClientTokenId` for IAM."""
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=policy("*"))
    ask = {
        "AssumeRole": {"RoleArn": arn, "RoleSessionName": "session"},
        "GetCallerIdentity": {},
        "GetSessionToken": {},
        "GetFederationToken": {"Name": "guest"},
        "GetAccessKeyInfo": {"AccessKeyId": ana.key.access_key_id},
        "ListUsers": {},
    }
    kinds = {
        "a user's key": (ana, "++++++"),
        "AssumeRole": (session_of(api, ana.call("AssumeRole", **ask["AssumeRole"])), "++--++"),
        "GetSessionToken": (session_of(api, ana.call("GetSessionToken")), "++----"),
        "GetSessionToken with MFA": (session_of(api, ana.call("GetSessionToken", **factor(phone, 1))), "++---+"),
        "GetFederationToken": (session_of(api, ana.call("GetFederationToken", Name="guest", Policy=policy("*"))), "-+----"),
    }
    for kind, (caller, row) in kinds.items():
        for (operation, members), allowed in zip(ask.items(), row):
            if allowed == "+":
                caller.call(operation, **members)
            elif operation == "ListUsers":
                refused(caller, "InvalidClientTokenId", operation)
            else:
                error = refused(caller, "AccessDenied", operation, **members)
                assert error.message.startswith(f"Cannot call {operation} with session credentials"), kind
    # Credentials of a session are not better by way of a bearer token.
    bearer = api.signed_by(ana.key)
    assert refused(api, "AccessDenied", "AssumeRole", **ask["AssumeRole"]).message.startswith("Roles may not be assumed by root accounts")
    assert bearer.call("GetCallerIdentity")["Arn"] == ana.user["Arn"]


def test_root_of_a_member_is_bound_to_its_task(api, rpc, aws, ana, name):
    called = name("account")
    member = rpc.call("CreateAccount", accountName=called, email=f"{called}@example.com")["account"]["accountId"]
    ask = {"TargetPrincipal": member, "TaskPolicyArn": {"arn": TASK + "IAMAuditRootUserCredentials"}}
    aws.call("DisableOrganizationsRootSessions")
    assert "EnableOrganizationsRootSessions" in refused(ana, "AccessDenied", "AssumeRoot", **ask).message
    aws.call("EnableOrganizationsRootSessions")
    answer = ana.call("AssumeRoot", **ask)
    assert lasts(answer) == 15
    root = session_of(api, answer)
    assert root.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{member}:root"
    assert root.call("ListAccessKeys")["AccessKeyMetadata"] == []
    error = refused(root, "AccessDenied", "CreateUser", UserName="mine")
    assert "no session policy allows" in error.message
    for operation in ("CreateAccessKey", "ListUsers", "GetAccountAuthorizationDetails"):
        refused(root, "AccessDenied", operation)
    refused(root, "AccessDenied", "GetSessionToken")
    refused(root, "AccessDenied", "AssumeRoot", **ask)
    refused(api, "AccessDenied", "AssumeRoot", **ask)
    refused(ana, "ValidationError", "AssumeRoot", **ask | {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}})
    refused(ana, "ValidationError", "AssumeRoot", **ask, DurationSeconds=901)


def test_a_root_task_is_about_root_alone(api, rpc, aws, ana, name):
    """AWS's task policies deny everything about users of the account."""
    called = name("account")
    member = rpc.call("CreateAccount", accountName=called, email=f"{called}@example.com")["account"]["accountId"]
    role = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
    owner = session_of(api, ana.call("AssumeRole", RoleArn=role, RoleSessionName="owner"))
    user = {"UserName": "victim"}
    owner.call("CreateUser", **user)
    key = owner.call("CreateAccessKey", **user)["AccessKey"]["AccessKeyId"]
    aws.call("EnableOrganizationsRootSessions")
    password = {"Password": "A long enough 1 password!"}
    for task, operations in {
        "IAMAuditRootUserCredentials": [("GetUser", user), ("ListAccessKeys", user), ("GetAccessKeyLastUsed", {"AccessKeyId": key})],
        "IAMCreateRootUserPassword": [("CreateLoginProfile", user | password), ("GetLoginProfile", user)],
        "IAMDeleteRootUserCredentials": [
            ("DeleteAccessKey", user | {"AccessKeyId": key}),
            ("UpdateAccessKey", user | {"AccessKeyId": key, "Status": "Inactive"}),
            ("ListMFADevices", user),
        ],
    }.items():
        root = session_of(api, ana.call("AssumeRoot", TargetPrincipal=member, TaskPolicyArn={"arn": TASK + task}))
        for operation, members in operations:
            assert "session policy" in refused(root, "AccessDenied", operation, **members).message, operation
        for operation in () if "Create" in task else ("GetUser", "ListAccessKeys", "ListMFADevices", "ListSigningCertificates"):
            root.call(operation)
    assert [found["Status"] for found in owner.call("ListAccessKeys", **user)["AccessKeyMetadata"]] == ["Active"]


def test_the_account_of_a_key(api, ana, server):
    for key in (ana.key.access_key_id, ana.call("GetSessionToken")["Credentials"]["AccessKeyId"]):
        assert ana.call("GetAccessKeyInfo", AccessKeyId=key) == {"Account": server.account}
    refused(ana, "ValidationError", "GetAccessKeyInfo", AccessKeyId="0000000000000000")


def test_the_cli_issues_each_kind(server, new_user, aws, name, tmp_path):
    user, credentials = new_user(ALLOW_ALL)
    with Cli(server, credentials) as cli:
        token = cli("sts", "get-session-token", "--duration-seconds", "900")["Credentials"]
        guest = cli("sts", "get-federation-token", "--name", "guest", "--policy", json.loads(json.dumps(policy("s3:*"))))
        info = cli("sts", "get-access-key-info", "--access-key-id", token["AccessKeyId"])
    assert guest["FederatedUser"]["Arn"] == f"arn:aws:sts::{server.account}:federated-user/guest"
    assert info == {"Account": server.account}
    with Cli(server, Credentials.of(token)) as cli:
        assert cli("sts", "get-caller-identity")["Arn"] == user["Arn"]


@pytest.mark.parametrize("issue", ISSUED, ids=lambda issue: issue[0])
def test_altered_and_foreign_tokens_are_refused(api, ana, new_server, issue):
    issued = ana.call(issue[0], **issue[1])["Credentials"]
    token = issued["SessionToken"]
    middle = len(token) // 2
    for bad in (token[:-4], token + "AAAA", token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :], "x" * 400):
        refused(api.signed_by(Credentials.of(issued | {"SessionToken": bad})), "InvalidClientTokenId", "GetCallerIdentity")
    other = ana.call("GetSessionToken")["Credentials"]
    mixed = issued | {"SessionToken": other["SessionToken"]}
    refused(api.signed_by(Credentials.of(mixed)), "InvalidClientTokenId", "GetCallerIdentity")
    wrong = issued | {"SecretAccessKey": other["SecretAccessKey"]}
    refused(api.signed_by(Credentials.of(wrong)), "SignatureDoesNotMatch", "GetCallerIdentity")
    foreign = type(api)(new_server().start(), Credentials.of(issued))
    refused(foreign, "InvalidClientTokenId", "GetCallerIdentity")


def ended(session, code):
    refused(session, code, "GetCallerIdentity")


def test_sessions_end_with_their_key_and_come_back_with_it(api, aws, ana, name, server):
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    token = session_of(api, ana.call("GetSessionToken"))
    guest = session_of(api, ana.call("GetFederationToken", Name="guest"))
    assumed = session_of(api, ana.call("AssumeRole", RoleArn=arn, RoleSessionName="session"))
    mine = {"UserName": ana.user["UserName"], "AccessKeyId": ana.key.access_key_id}
    api.call("UpdateAccessKey", **mine, Status="Inactive")
    ended(token, "InvalidClientTokenId")
    ended(guest, "InvalidClientTokenId")
    assumed.call("GetCallerIdentity")
    api.call("UpdateAccessKey", **mine, Status="Active")
    token.call("GetCallerIdentity")
    api.call("DeleteAccessKey", **mine)
    ended(token, "InvalidClientTokenId")
    ended(guest, "InvalidClientTokenId")
    assumed.call("GetCallerIdentity")


def test_sessions_are_revoked_one_by_one_by_key_by_user_by_role(api, aws, rpc, ana, name, server):
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=policy("*"))

    def issued():
        return ana.call("GetSessionToken"), ana.call("AssumeRole", RoleArn=arn, RoleSessionName="session")

    (one, first), (two, second) = issued(), issued()
    child = session_of(api, session_of(api, first).call("AssumeRole", RoleArn=arn, RoleSessionName="child"))
    bearer = rpc.signed_by(Credentials.of(first["Credentials"])).call("CreateToken")["token"]
    rpc.call("RevokeSessions", accessKeyId=first["Credentials"]["AccessKeyId"])
    for gone in (session_of(api, first), child, rpc.signed_by(Credentials(bearer=bearer))):
        ended(gone, "ExpiredToken")
    for left in (one, two, second):
        session_of(api, left).call("GetCallerIdentity")
    rpc.call("RevokeSessions", accessKeyId=ana.key.access_key_id)
    for gone in (one, two, second):
        ended(session_of(api, gone), "ExpiredToken")
    (one, first) = issued()
    rpc.call("RevokeSessions", userName=ana.user["UserName"])
    ended(session_of(api, one), "ExpiredToken")
    session_of(api, first).call("GetCallerIdentity")
    rpc.call("RevokeSessions", roleName=role)
    ended(session_of(api, first), "ExpiredToken")
    for left in issued():
        session_of(api, left).call("GetCallerIdentity")


def test_no_detour_keeps_a_session_from_the_revocation_of_a_key(api, aws, rpc, ana, name, server):
    called = name("role")
    arn = aws.call("CreateRole", RoleName=called, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=called, PolicyName="p", PolicyDocument=policy("*"))

    def assumed(by):
        return session_of(api, by.call("AssumeRole", RoleArn=arn, RoleSessionName="session"))

    token = session_of(api, ana.call("GetSessionToken"))
    by_token, by_scoped_token = assumed(token), assumed(session_of(api, token.call("GetScopedCredentials", DurationSeconds=900)))
    bearer = rpc.signed_by(Credentials(bearer=rpc.signed_by(ana.key).call("CreateToken")["token"]))
    first = ana.call("AssumeRole", RoleArn=arn, RoleSessionName="session")
    by_scoped = assumed(session_of(api, session_of(api, first).call("GetScopedCredentials", DurationSeconds=900)))
    rpc.call("RevokeSessions", accessKeyId=first["Credentials"]["AccessKeyId"])
    ended(by_scoped, "ExpiredToken")
    for left in (by_token, by_scoped_token, bearer):
        left.call("GetCallerIdentity")
    rpc.call("RevokeSessions", accessKeyId=ana.key.access_key_id)
    for gone in (by_token, by_scoped_token, bearer):
        ended(gone, "ExpiredToken")
    ana.call("GetCallerIdentity")


def test_the_key_that_the_operator_chose_for_root_can_be_revoked(api, rpc, new_server):
    """The id of every other key contains its account."""
    server = new_server().start()
    root, rpc = type(api)(server, server.root), type(rpc)(server, server.root)
    token, guest = (session_of(root, root.call(operation, **members)) for operation, members in ISSUED)
    bearer = type(rpc)(server, Credentials(bearer=rpc.call("CreateToken")["token"]))
    for each in (token, guest, bearer):
        each.call("GetCallerIdentity")
    rpc.call("RevokeSessions", accessKeyId=server.root.access_key_id)
    for each in (token, guest, bearer):
        ended(each, "ExpiredToken")
    session_of(root, root.call("GetSessionToken")).call("GetCallerIdentity")


def test_only_sessions_of_ones_own_account_are_revoked(rpc, new_user, server):
    _, powerless = new_user()
    error = refused(rpc.signed_by(powerless), "AccessDenied", "RevokeSessions", allOfAccount=True)
    assert f"bailiwick:RevokeSessions on resource: arn:aws:iam::{server.account}:root" in error.message
    for members in ({}, {"roleName": "a", "userName": "b"}, {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}, {"allOfAccount": False}):
        refused(rpc, "ValidationError", "RevokeSessions", **members)
    refused(rpc, "NoSuchEntity", "RevokeSessions", roleName="none")
