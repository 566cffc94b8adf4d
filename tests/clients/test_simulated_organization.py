"""The simulator with service control policies, and without some stored policies."""

from support.documents import ALLOW_ALL, policy
from support.expect import refused


def decisions(answer):
    return [result["EvalDecision"] for result in answer["EvaluationResults"]]


def test_service_control_policies_limit(api):
    custom = {"PolicyInputList": [ALLOW_ALL], "ActionNames": ["s3:GetObject", "sqs:SendMessage"]}
    levels = [{"ServiceControlPolicyInputList": [ALLOW_ALL]}, {"ServiceControlPolicyInputList": [policy("s3:*")]}]
    answer = api.call("SimulateCustomPolicy", **custom, OrderedOrganizationPolicyInputList=levels)
    assert decisions(answer) == ["allowed", "implicitDeny"]
    details = [result["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for result in answer["EvaluationResults"]]
    assert details == [True, False]
    broken = [{"ServiceControlPolicyInputList": ["{}"]}]
    error = refused(api, "InvalidInput", "SimulateCustomPolicy", **custom, OrderedOrganizationPolicyInputList=broken)
    assert "OrderedOrganizationPolicyInputList.1.1" in error.message


def test_excluded_policies_take_no_part(api, name):
    user = name("user")
    arn = api.call("CreateUser", UserName=user)["User"]["Arn"]
    api.call("PutUserPolicy", UserName=user, PolicyName="photos", PolicyDocument=policy("s3:*"))
    api.call("AttachUserPolicy", UserName=user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    simulated = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject", "sqs:SendMessage"]}
    inline = {"InlinePolicyIdentifier": {"PolicyName": "photos", "AttachmentType": "user", "AttachmentName": user}}
    for exclusions, expected in [
        ([], ["allowed", "allowed"]),
        ([{"PolicyArn": "arn:aws:iam::aws:policy/Admin*"}], ["allowed", "implicitDeny"]),
        ([inline], ["allowed", "allowed"]),
        ([inline, {"PolicyType": "aws-managed"}], ["implicitDeny", "implicitDeny"]),
    ]:
        assert decisions(api.call("SimulatePrincipalPolicy", **simulated, PolicyExclusionList=exclusions)) == expected
    # AWS Query does not carry an identifier without members, so it is tested in `authz`.
    for wrong in ({"PolicyType": "inline", "PolicyArn": "arn:aws:iam::aws:policy/Admin*"}, {"PolicyArn": arn}):
        refused(api, "InvalidInput", "SimulatePrincipalPolicy", **simulated, PolicyExclusionList=[wrong])
