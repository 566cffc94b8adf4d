"""Every kind of object that has a name, created by 32 callers at once: one succeeds, and no other call fails otherwise."""

import concurrent.futures
import threading

import pytest
from attacks.helpers import ssh_line
from attacks.watch import well
from support.api import ApiError, AwsApi, GrpcApi
from support.certificates import make_certificate
from support.documents import ALLOW_ALL, trust
from support.saml import make_metadata

AT_ONCE = 32


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


@pytest.fixture(scope="module")
def clients(server):
    """Half of the callers use either front end."""
    return [kind(server, server.root) for _ in range(4) for kind in (AwsApi, GrpcApi)]


def at_once(clients, operation, variants):
    """The error codes of one call by each of many; None for a success."""
    barrier = threading.Barrier(AT_ONCE)

    def run(number):
        barrier.wait()
        try:
            clients[number % len(clients)].call(operation, **variants[number % len(variants)])
        except ApiError as error:
            return error.code
        return None

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def cases(server, name, tmp_path):
    """Operation, members that all name one object (in several cases of letters, where case does not count), refusal."""
    user = name("user")
    yield None, "CreateUser", [{"UserName": user}]
    either = lambda member, value, **more: [{member: value, **more}, {member: value.upper(), **more}]
    body, key = (path.read_text() for path in make_certificate(tmp_path, "race")[:2])
    taken = "EntityAlreadyExists"
    yield taken, "CreateUser", either("UserName", name("u"))
    yield taken, "CreateGroup", either("GroupName", name("g"))
    yield taken, "CreateRole", either("RoleName", name("r"), AssumeRolePolicyDocument=trust(server.account))
    yield taken, "CreatePolicy", [{"PolicyName": name("p"), "PolicyDocument": ALLOW_ALL}]
    yield taken, "CreateInstanceProfile", either("InstanceProfileName", name("i"))
    yield taken, "CreateSAMLProvider", [{"Name": name("s"), "SAMLMetadataDocument": make_metadata(tmp_path)}]
    issuer = {"Url": f"https://{name('o')}.example.com", "ThumbprintList": ["a" * 40], "ClientIDList": ["c"]}
    yield taken, "CreateOpenIDConnectProvider", [issuer]
    certificate = {"CertificateBody": body, "PrivateKey": key}
    yield taken, "UploadServerCertificate", either("ServerCertificateName", name("c"), **certificate)
    yield taken, "CreateVirtualMFADevice", [{"VirtualMFADeviceName": name("m")}]
    yield taken, "CreateLoginProfile", [{"UserName": user, "Password": "correct Horse 7 battery"}]
    yield "DuplicateSSHPublicKey", "UploadSSHPublicKey", [{"UserName": user, "SSHPublicKeyBody": ssh_line()}]
    yield "InvalidInput", "CreateServiceLinkedRole", [{"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "race"}]


def test_one_of_many_creations_succeeds(server, clients, name, tmp_path):
    for expected, operation, variants in cases(server, name, tmp_path):
        if expected is None:
            clients[0].call(operation, **variants[0])
            continue
        codes = at_once(clients, operation, variants)
        assert codes.count(None) == 1, (operation, codes)
        # Computations with the passwords of one account are bounded.
        busy = {"Throttling"} if operation == "CreateLoginProfile" else set()
        assert set(codes) <= {None, expected} | busy, (operation, codes)


def test_one_of_many_deletions_succeeds(clients, name):
    user = name("user")
    clients[0].call("CreateUser", UserName=user)
    codes = at_once(clients, "DeleteUser", [{"UserName": user}, {"UserName": user.upper()}])
    assert codes.count(None) == 1 and set(codes) == {None, "NoSuchEntity"}


def test_calls_that_may_be_repeated_succeed_for_all(clients, name, tmp_path):
    """Attachments, memberships, tags, inline policies and certificates are the same however often they are put."""
    body = make_certificate(tmp_path, "repeated")[0].read_text()
    user, group = name("user"), name("group")
    clients[0].call("CreateUser", UserName=user)
    clients[0].call("CreateGroup", GroupName=group)
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for operation, members in [
        ("AttachUserPolicy", {"UserName": user, "PolicyArn": managed}),
        ("AddUserToGroup", {"UserName": user, "GroupName": group}),
        ("TagUser", {"UserName": user, "Tags": [{"Key": "k", "Value": "v"}]}),
        ("PutUserPolicy", {"UserName": user, "PolicyName": "p", "PolicyDocument": ALLOW_ALL}),
        ("RemoveUserFromGroup", {"UserName": user, "GroupName": group}),
        ("UntagUser", {"UserName": user, "TagKeys": ["k", "K", "k"]}),
        ("UploadSigningCertificate", {"UserName": user, "CertificateBody": body}),
    ]:
        codes = at_once(clients, operation, [members])
        assert set(codes) <= {None, "NoSuchEntity" if operation == "RemoveUserFromGroup" else None}, (operation, codes)
    assert len(clients[0].call("ListSigningCertificates", UserName=user)["Certificates"]) == 1
    assert clients[0].call("ListGroupsForUser", UserName=user)["Groups"] == []
    assert len(clients[0].call("ListAttachedUserPolicies", UserName=user)["AttachedPolicies"]) == 1
