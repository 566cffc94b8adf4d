"""ValidatePolicy and saving refuse the same documents: one corpus, sent to both.

The corpus is that of the checks in `crates/policy-lang`; `VALIDATION.md` there lists the errors that can be saved.
"""

import json
import re

import pytest
from support.api import ApiError
from support.documents import trust
from support.server import ACCOUNT, ROOT

CRATE = ROOT / "crates" / "policy-lang"
DESPITE = set(re.findall(r"`([A-Z_]+)`", (CRATE / "VALIDATION.md").read_text().split("## Errors that can be saved\n")[1]))
PHOTOS = """{"catalogue": 1, "services": {"photos": {
    "resources": {"album": {"arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"]}},
    "actions": {"GetAlbum": {"resources": ["album"]}}
}}}"""
ALBUM = f"arn:aws:photos:eu-central-1:{ACCOUNT}:album/1"


def corpus():
    """Every document of the vectors, and a few at the limits of saving."""
    documents = set()
    for path in sorted((CRATE / "tests" / "vectors" / "lint").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            vector = json.loads(line)
            whole = vector.get("document") or {"Version": "2012-10-17", "Statement": vector.get("statement")}
            documents.add(vector["text"] if "text" in vector else json.dumps(whole))
    for count in (20, 60, 110, 200, 500, 700):
        names = [f"arn:aws:s3:::bucket-{number:08}" for number in range(count)]
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": names}
        documents.add(json.dumps({"Version": "2012-10-17", "Statement": statement}))
        documents.add(json.dumps({"Version": "2012-10-17", "Statement": statement | {"Principal": "*"}}))
        accounts = {"AWS": [f"{number:012}" for number in range(1, count)]}
        documents.add(json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": {"Service": "a.example.com"},
                                                                          "Action": ["sts:AssumeRole"] * count}}))  # fmt: skip
        documents.add(json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": accounts, "Action": "sts:AssumeRole"}}))
    return sorted(text for text in documents if text)


@pytest.fixture(scope="module")
def savers(aws, rpc):
    """By policy type, a function that saves a document, and removes it again."""
    aws.call("CreateRole", RoleName="holder", AssumeRolePolicyDocument=trust(ACCOUNT))
    rpc.call("PutService", servicePrefix="photos", definition=PHOTOS)

    def managed(document):
        arn = aws.call("CreatePolicy", PolicyName="managed", PolicyDocument=document)["Policy"]["Arn"]
        aws.call("DeletePolicy", PolicyArn=arn)

    return {
        "IDENTITY_POLICY": lambda document: aws.call("PutRolePolicy", RoleName="holder", PolicyName="p", PolicyDocument=document),
        "PERMISSIONS_BOUNDARY": managed,
        "TRUST_POLICY": lambda document: aws.call("UpdateAssumeRolePolicy", RoleName="holder", PolicyDocument=document),
        "RESOURCE_POLICY": lambda document: rpc.call("PutResourcePolicy", resourceArn=ALBUM, policy=document),
    }


@pytest.mark.parametrize("kind", ["IDENTITY_POLICY", "PERMISSIONS_BOUNDARY", "TRUST_POLICY", "RESOURCE_POLICY"])
def test_documents_without_errors_are_saved_and_others_are_not(rpc, savers, kind):
    saved = refused = 0
    wrong = []
    for document in corpus():
        findings = rpc.call("ValidatePolicy", policyDocument=document, policyType=kind, maxResults=1000).get("findings", [])
        errors = {finding["issueCode"] for finding in findings if finding["findingType"] == "ERROR"}
        try:
            savers[kind](document)
        except ApiError as error:
            assert error.code in ("MalformedPolicyDocument", "LimitExceeded", "ValidationError"), error
            refused += 1
            # Only the server knows whether a principal exists.
            if not errors and not error.message.startswith("Invalid principal in policy"):
                wrong.append(f"refused, but no error: {error.code} {error.message[:200]}: {document[:200]}")
        else:
            saved += 1
            if errors - DESPITE:
                wrong.append(f"saved, but {errors - DESPITE}: {document[:200]}")
    assert not wrong, "\n".join(wrong)
    assert saved > 20 and refused > 50, (saved, refused)


def test_a_bare_star_is_not_a_principal_of_a_trust_policy(api, name):
    bare = trust({"AWS": "*"}).replace('{"AWS": "*"}', '"*"')
    role = name("role")
    for operation, members in [
        ("CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": bare}),
        ("CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": bare.replace("Allow", "Deny")}),
    ]:
        with pytest.raises(ApiError) as caught:
            api.call(operation, **members)
        assert caught.value.code == "MalformedPolicyDocument"
        assert caught.value.message.startswith('AssumeRolepolicy contained an invalid principal: "STAR":"*".')
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust({"AWS": "*"}))
    with pytest.raises(ApiError):
        api.call("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=bare)


@pytest.mark.parametrize(
    ("document", "meant"),
    [
        ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Actions": "*", "Resource": "*"}}', "Action"),
        ('{"Version": "2012-10-17", "Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}', "Allow"),
        ('{"Version": "2012-10-17", "Statements": []}', "Statement"),
        ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Conditions": {}}}', "Condition"),
        (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", '
            '"Condition": {"StringEqual": {"aws:username": "x"}}}}', "StringEquals",
        ),
        ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "CreateUser", "Resource": "*"}}', "iam:CreateUser"),
        (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:GetUser", '
            '"Resource": "arn:aws:iam::111122223333:users/x"}}', "user/",
        ),
    ],
)  # fmt: skip
def test_a_refusal_suggests_a_correction(api, name, document, meant):
    user = name("user")
    api.call("CreateUser", UserName=user)
    for operation, members in [
        ("CreatePolicy", {"PolicyName": name("policy"), "PolicyDocument": document}),
        ("PutUserPolicy", {"UserName": user, "PolicyName": "p", "PolicyDocument": document}),
    ]:
        with pytest.raises(ApiError) as caught:
            api.call(operation, **members)
        assert caught.value.code == "MalformedPolicyDocument"
        assert f"did you mean `{meant}`" in caught.value.details["explained"], caught.value.details
