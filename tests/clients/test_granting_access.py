"""ListPoliciesGrantingServiceAccess."""

from support.documents import policy
from support.expect import refused


def test_policies_are_listed_by_service(api, name):
    user, group = name("user"), name("group")
    arn = api.call("CreateUser", UserName=user)["User"]["Arn"]
    api.call("CreateGroup", GroupName=group)
    api.call("AddUserToGroup", UserName=user, GroupName=group)
    api.call("PutUserPolicy", UserName=user, PolicyName="mail", PolicyDocument=policy("ses:SendEmail"))
    api.call("PutGroupPolicy", GroupName=group, PolicyName="photos", PolicyDocument=policy("s3:*"))
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    api.call("AttachUserPolicy", UserName=user, PolicyArn=administrator)
    answer = api.call("ListPoliciesGrantingServiceAccess", Arn=arn, ServiceNamespaces=["s3", "ec2"])
    managed = {"PolicyName": "AdministratorAccess", "PolicyType": "MANAGED", "PolicyArn": administrator}
    inline = {"PolicyName": "photos", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": group}
    assert answer["IsTruncated"] is False
    s3, ec2 = answer["PoliciesGrantingServiceAccess"]
    assert s3 == {"ServiceNamespace": "s3", "Policies": [managed, inline]}
    assert ec2 == {"ServiceNamespace": "ec2", "Policies": [managed]}
    missing = arn.replace(user, "nobody-here")
    refused(api, "NoSuchEntity", "ListPoliciesGrantingServiceAccess", Arn=missing, ServiceNamespaces=["s3"])
    wrong = arn.replace(":user/", ":policy/")
    refused(api, "InvalidInput", "ListPoliciesGrantingServiceAccess", Arn=wrong, ServiceNamespaces=["s3"])
    refused(api, "ValidationError", "ListPoliciesGrantingServiceAccess", Arn=arn, ServiceNamespaces=[])


def test_permission_is_asked_on_the_identity(api, new_user, server):
    own = f"arn:aws:iam::{server.account}:user/${{aws:username}}"
    user, credentials = new_user(policy({"Action": "iam:ListPoliciesGrantingServiceAccess", "Resource": own}))
    mine = api.signed_by(credentials)
    me = mine.call("GetCallerIdentity")["Arn"]
    assert mine.call("ListPoliciesGrantingServiceAccess", Arn=me, ServiceNamespaces=["iam"])["PoliciesGrantingServiceAccess"]
    other = me.rsplit("/", 1)[0] + "/other"
    refused(mine, "AccessDenied", "ListPoliciesGrantingServiceAccess", Arn=other, ServiceNamespaces=["iam"])
