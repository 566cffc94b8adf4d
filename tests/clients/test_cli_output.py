"""What the unmodified AWS CLI prints for every handled operation: the members of AWS's model, and expected values.

The rows run in order against one account, since later ones need what earlier ones made. Each has the command, and the part
of the output that is the same in every run; `save` keeps a value for the rows below it. An operation with a handler and
without a row fails the test.
"""

import functools
import shlex
import string
from dataclasses import dataclass, field
from pathlib import Path

import botocore.session
import jmespath
import pytest
from botocore import xform_name
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.api import GrpcApi, service_of
from support.certificates import make_certificate
from support.cli import Cli
from support.coverage import handled_operations
from support.delegation import trade_in_token
from support.documents import policy, trust
from support.saml import make_metadata
from support.server import Credentials
from support.shapes import problems
from support.totp import Authenticator
from support.waiting import until

READ = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DELEGATION = (
    "--description d --session-duration 3600 --permissions PolicyTemplateArn=arn:aws:iam:::delegation-template/IdentityReview "
    "--notification-channel arn:aws:sns:eu-central-1:${ACCOUNT}:topic"
)


@dataclass
class Row:
    """A command, without `aws iam`."""

    line: str
    # The part of the output that is checked: members of objects, and the first items of arrays.
    expected: dict | None = None
    # Values of the output, as JMESPath, by the names under which later rows have them.
    save: dict = field(default_factory=dict)
    # The part of the output for which the command is repeated.
    until: dict | None = None
    service: str = "iam"
    # Whether the user that the rows make calls, instead of root.
    as_bob: bool = False


ROWS = [
    # Managed policies.
    Row(
        "create-policy --policy-name read --path /app/ --description Reads --policy-document $READ --tags Key=a,Value=1",
        {"Policy": {"PolicyName": "read", "Path": "/app/", "DefaultVersionId": "v1", "AttachmentCount": 0, "IsAttachable": True}},
        {"POLICY": "Policy.Arn"},
    ),
    Row("get-policy --policy-arn $POLICY", {"Policy": {"Description": "Reads", "Tags": [{"Key": "a", "Value": "1"}]}}),
    Row("list-policies --scope Local", {"Policies": [{"PolicyName": "read"}]}),
    Row("create-policy-version --policy-arn $POLICY --policy-document $WRITE", {"PolicyVersion": {"VersionId": "v2", "IsDefaultVersion": False}}),
    Row("set-default-policy-version --policy-arn $POLICY --version-id v2"),
    Row("list-policy-versions --policy-arn $POLICY", {"Versions": [{"VersionId": "v2", "IsDefaultVersion": True}, {"VersionId": "v1"}]}),
    Row("get-policy-version --policy-arn $POLICY --version-id v1", {"PolicyVersion": {"Document": {"Version": "2012-10-17"}}}),
    Row("delete-policy-version --policy-arn $POLICY --version-id v1"),
    Row("tag-policy --policy-arn $POLICY --tags Key=b,Value=2"),
    Row("list-policy-tags --policy-arn $POLICY", {"Tags": [{"Key": "a"}, {"Key": "b", "Value": "2"}]}),
    Row("untag-policy --policy-arn $POLICY --tag-keys a b"),
    # Users.
    Row(
        "create-user --user-name bob --path /staff/ --tags Key=a,Value=1 --permissions-boundary $POLICY",
        {"User": {"UserName": "bob", "Path": "/staff/", "PermissionsBoundary": {"PermissionsBoundaryType": "Policy"}}},
        {"BOB": "User.Arn"},
    ),
    Row("get-user --user-name bob", {"User": {"UserName": "bob", "Tags": [{"Key": "a", "Value": "1"}]}}),
    Row("delete-user-permissions-boundary --user-name bob"),
    Row("put-user-permissions-boundary --user-name bob --permissions-boundary $POLICY"),
    Row("list-users", {"Users": [{"UserName": "bob", "Arn": "$BOB"}]}),
    Row("tag-user --user-name bob --tags Key=b,Value="),
    Row("list-user-tags --user-name bob", {"Tags": [{"Key": "a"}, {"Key": "b", "Value": ""}]}),
    Row("untag-user --user-name bob --tag-keys b"),
    Row("update-user --user-name bob --new-path /moved/"),
    Row("put-user-policy --user-name bob --policy-name own --policy-document $WRITE"),
    Row("get-user-policy --user-name bob --policy-name own", {"UserName": "bob", "PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17"}}),
    Row("list-user-policies --user-name bob", {"PolicyNames": ["own"]}),
    Row(f"attach-user-policy --user-name bob --policy-arn {READ}"),
    Row("list-attached-user-policies --user-name bob", {"AttachedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ}]}),
    Row(f"list-entities-for-policy --policy-arn {READ}", {"PolicyGroups": [], "PolicyUsers": [{"UserName": "bob"}], "PolicyRoles": []}),
    Row("list-policies-granting-service-access --arn $BOB_MOVED --service-namespaces s3", {"PoliciesGrantingServiceAccess": [{"ServiceNamespace": "s3"}]}),
    Row("create-access-key --user-name bob", {"AccessKey": {"UserName": "bob", "Status": "Active"}}, {"KEY": "AccessKey.AccessKeyId", "SECRET": "AccessKey.SecretAccessKey"}),
    # Groups.
    Row("create-group --group-name devs --path /staff/", {"Group": {"GroupName": "devs", "Path": "/staff/"}}),
    Row("update-group --group-name devs --new-group-name developers"),
    Row("add-user-to-group --group-name developers --user-name bob"),
    Row("get-group --group-name developers", {"Group": {"GroupName": "developers"}, "Users": [{"UserName": "bob"}]}),
    Row("list-groups", {"Groups": [{"GroupName": "developers"}]}),
    Row("list-groups-for-user --user-name bob", {"Groups": [{"GroupName": "developers"}]}),
    Row("put-group-policy --group-name developers --policy-name own --policy-document $READ"),
    Row("get-group-policy --group-name developers --policy-name own", {"GroupName": "developers", "PolicyName": "own"}),
    Row("list-group-policies --group-name developers", {"PolicyNames": ["own"]}),
    Row(f"attach-group-policy --group-name developers --policy-arn {READ}"),
    Row("list-attached-group-policies --group-name developers", {"AttachedPolicies": [{"PolicyArn": READ}]}),
    # Roles and instance profiles.
    Row(
        "create-role --role-name reader --assume-role-policy-document $TRUST --description Reads --max-session-duration 7200",
        {"Role": {"RoleName": "reader", "Path": "/", "AssumeRolePolicyDocument": {"Version": "2012-10-17"}}},
        {"ROLE": "Role.Arn"},
    ),
    Row("get-role --role-name reader", {"Role": {"MaxSessionDuration": 7200, "Description": "Reads", "RoleLastUsed": {}}}),
    Row("list-roles", {"Roles": [{"RoleName": "reader"}]}),
    Row("update-role --role-name reader --description Other --max-session-duration 3600"),
    Row("update-role-description --role-name reader --description Again", {"Role": {"Description": "Again"}}),
    Row("update-assume-role-policy --role-name reader --policy-document $TRUST"),
    Row("put-role-permissions-boundary --role-name reader --permissions-boundary $POLICY"),
    Row("delete-role-permissions-boundary --role-name reader"),
    Row("tag-role --role-name reader --tags Key=a,Value=1"),
    Row("list-role-tags --role-name reader", {"Tags": [{"Key": "a", "Value": "1"}]}),
    Row("untag-role --role-name reader --tag-keys a"),
    Row("put-role-policy --role-name reader --policy-name own --policy-document $READ"),
    Row("get-role-policy --role-name reader --policy-name own", {"RoleName": "reader", "PolicyName": "own"}),
    Row("list-role-policies --role-name reader", {"PolicyNames": ["own"]}),
    Row(f"attach-role-policy --role-name reader --policy-arn {READ}"),
    Row("list-attached-role-policies --role-name reader", {"AttachedPolicies": [{"PolicyArn": READ}]}),
    Row("create-instance-profile --instance-profile-name web", {"InstanceProfile": {"InstanceProfileName": "web", "Path": "/", "Roles": []}}),
    Row("add-role-to-instance-profile --instance-profile-name web --role-name reader"),
    Row("get-instance-profile --instance-profile-name web", {"InstanceProfile": {"Roles": [{"RoleName": "reader"}]}}),
    Row("list-instance-profiles", {"InstanceProfiles": [{"InstanceProfileName": "web"}]}),
    Row("list-instance-profiles-for-role --role-name reader", {"InstanceProfiles": [{"InstanceProfileName": "web"}]}),
    Row("tag-instance-profile --instance-profile-name web --tags Key=a,Value=1"),
    Row("list-instance-profile-tags --instance-profile-name web", {"Tags": [{"Key": "a", "Value": "1"}]}),
    Row("untag-instance-profile --instance-profile-name web --tag-keys a"),
    Row(
        "create-service-linked-role --aws-service-name autoscaling.amazonaws.com",
        {"Role": {"RoleName": "AWSServiceRoleForAutoScaling", "Path": "/aws-service-role/autoscaling.amazonaws.com/"}},
    ),
    Row("delete-service-linked-role --role-name AWSServiceRoleForAutoScaling", save={"TASK": "DeletionTaskId"}),
    Row("get-service-linked-role-deletion-status --deletion-task-id $TASK", {"Status": "SUCCEEDED"}),
    Row("assume-role --role-arn $ROLE --role-session-name s1", {"AssumedRoleUser": {"Arn": "arn:aws:sts::$ACCOUNT:assumed-role/reader/s1"}}, service="sts", as_bob=True),
    Row("lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreateUser --max-results 1", service="cloudtrail"),
    Row("describe-trails", {"trailList": [{"Name": "bailiwick"}]}, {"TRAIL": "trailList[0].TrailARN"}, service="cloudtrail"),
    Row("get-trail --name $TRAIL", {"Trail": {"Name": "bailiwick", "IsMultiRegionTrail": True}}, service="cloudtrail"),
    Row("get-trail-status --name bailiwick", {"IsLogging": True}, service="cloudtrail"),
    Row("get-event-selectors --trail-name bailiwick", {"EventSelectors": [{"ReadWriteType": "All"}]}, service="cloudtrail"),
    Row("list-trails", {"Trails": [{"TrailARN": "$TRAIL"}]}, service="cloudtrail"),
    Row("decode-authorization-message --encoded-message $ENCODED", service="sts"),
    Row("get-delegated-access-token --trade-in-token $TRADE_IN", {"AssumedPrincipal": "arn:aws:iam::$ACCOUNT:root"}, service="sts"),
    Row("get-caller-identity", {"Account": "$ACCOUNT", "Arn": "arn:aws:iam::$ACCOUNT:root", "UserId": "$ACCOUNT"}, service="sts"),
    # Credentials.
    Row("create-login-profile --user-name bob --password Correct-Horse-9 --password-reset-required", {"LoginProfile": {"UserName": "bob", "PasswordResetRequired": True}}),
    Row("update-login-profile --user-name bob --no-password-reset-required"),
    Row("get-login-profile --user-name bob", {"LoginProfile": {"UserName": "bob", "PasswordResetRequired": False}}),
    Row("change-password --old-password Correct-Horse-9 --new-password Correct-Horse-10", as_bob=True),
    Row("update-access-key --user-name bob --access-key-id $KEY --status Inactive"),
    Row("list-access-keys --user-name bob", {"AccessKeyMetadata": [{"AccessKeyId": "$KEY", "Status": "Inactive"}]}),
    Row("get-access-key-last-used --access-key-id $KEY", {"UserName": "bob", "AccessKeyLastUsed": {"ServiceName": "iam"}}),
    Row(
        "create-virtual-mfa-device --virtual-mfa-device-name phone --outfile $TMP/seed --bootstrap-method Base32StringSeed",
        {"VirtualMFADevice": {"SerialNumber": "arn:aws:iam::$ACCOUNT:mfa/phone"}},
        {"PHONE": "VirtualMFADevice.SerialNumber"},
    ),
    Row("enable-mfa-device --user-name bob --serial-number $PHONE --authentication-code1 $CODE1 --authentication-code2 $CODE2"),
    Row("resync-mfa-device --user-name bob --serial-number $PHONE --authentication-code1 $CODE3 --authentication-code2 $CODE4"),
    Row("list-mfa-devices --user-name bob", {"MFADevices": [{"SerialNumber": "$PHONE", "UserName": "bob"}]}),
    Row("list-virtual-mfa-devices", {"VirtualMFADevices": [{"SerialNumber": "$PHONE", "User": {"UserName": "bob"}}]}),
    Row("tag-mfa-device --serial-number $PHONE --tags Key=a,Value=1"),
    Row("list-mfa-device-tags --serial-number $PHONE", {"Tags": [{"Key": "a", "Value": "1"}]}),
    Row("untag-mfa-device --serial-number $PHONE --tag-keys a"),
    Row(
        "upload-server-certificate --server-certificate-name tls --certificate-body file://$CERTIFICATE --private-key file://$PRIVATE_KEY --tags Key=a,Value=1",
        {"ServerCertificateMetadata": {"ServerCertificateName": "tls", "Path": "/"}, "Tags": [{"Key": "a"}]},
    ),
    Row("update-server-certificate --server-certificate-name tls --new-server-certificate-name web"),
    Row("tag-server-certificate --server-certificate-name web --tags Key=b,Value=2"),
    Row("list-server-certificate-tags --server-certificate-name web", {"Tags": [{"Key": "a"}, {"Key": "b"}]}),
    Row("untag-server-certificate --server-certificate-name web --tag-keys a b"),
    Row("get-server-certificate --server-certificate-name web", {"ServerCertificate": {"ServerCertificateMetadata": {"ServerCertificateName": "web"}}}),
    Row("list-server-certificates", {"ServerCertificateMetadataList": [{"ServerCertificateName": "web"}]}),
    Row("delete-server-certificate --server-certificate-name web"),
    Row("upload-signing-certificate --user-name bob --certificate-body file://$CERTIFICATE", {"Certificate": {"UserName": "bob", "Status": "Active"}}, {"CERT": "Certificate.CertificateId"}),
    Row("update-signing-certificate --user-name bob --certificate-id $CERT --status Inactive"),
    Row("list-signing-certificates --user-name bob", {"Certificates": [{"CertificateId": "$CERT", "Status": "Inactive"}]}),
    Row("upload-ssh-public-key --user-name bob --ssh-public-key-body $SSH", {"SSHPublicKey": {"UserName": "bob", "Status": "Active"}}, {"SSH_ID": "SSHPublicKey.SSHPublicKeyId"}),
    Row("update-ssh-public-key --user-name bob --ssh-public-key-id $SSH_ID --status Inactive"),
    Row("get-ssh-public-key --user-name bob --ssh-public-key-id $SSH_ID --encoding SSH", {"SSHPublicKey": {"Status": "Inactive"}}),
    Row("list-ssh-public-keys --user-name bob", {"SSHPublicKeys": [{"SSHPublicKeyId": "$SSH_ID"}]}),
    Row(
        "create-service-specific-credential --user-name bob --service-name codecommit.amazonaws.com",
        {"ServiceSpecificCredential": {"UserName": "bob", "ServiceName": "codecommit.amazonaws.com", "Status": "Active"}},
        {"CREDENTIAL": "ServiceSpecificCredential.ServiceSpecificCredentialId"},
    ),
    Row("update-service-specific-credential --user-name bob --service-specific-credential-id $CREDENTIAL --status Inactive"),
    Row("reset-service-specific-credential --user-name bob --service-specific-credential-id $CREDENTIAL", {"ServiceSpecificCredential": {"Status": "Inactive"}}),
    Row("list-service-specific-credentials --user-name bob", {"ServiceSpecificCredentials": [{"ServiceSpecificCredentialId": "$CREDENTIAL"}]}),
    # Identity providers.
    Row(
        "create-open-id-connect-provider --url https://id.example.com --client-id-list a --thumbprint-list $THUMB --tags Key=a,Value=1",
        {"OpenIDConnectProviderArn": "arn:aws:iam::$ACCOUNT:oidc-provider/id.example.com", "Tags": [{"Key": "a"}]},
        {"OIDC": "OpenIDConnectProviderArn"},
    ),
    Row("add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn $OIDC --client-id b"),
    Row("remove-client-id-from-open-id-connect-provider --open-id-connect-provider-arn $OIDC --client-id a"),
    Row("update-open-id-connect-provider-thumbprint --open-id-connect-provider-arn $OIDC --thumbprint-list $THUMB"),
    Row("get-open-id-connect-provider --open-id-connect-provider-arn $OIDC", {"Url": "id.example.com", "ClientIDList": ["b"], "ThumbprintList": ["$THUMB"]}),
    Row("list-open-id-connect-providers", {"OpenIDConnectProviderList": [{"Arn": "$OIDC"}]}),
    Row("tag-open-id-connect-provider --open-id-connect-provider-arn $OIDC --tags Key=b,Value=2"),
    Row("list-open-id-connect-provider-tags --open-id-connect-provider-arn $OIDC", {"Tags": [{"Key": "a"}, {"Key": "b"}]}),
    Row("untag-open-id-connect-provider --open-id-connect-provider-arn $OIDC --tag-keys a b"),
    Row(
        "create-saml-provider --name issuer --saml-metadata-document file://$METADATA --tags Key=a,Value=1",
        {"SAMLProviderArn": "arn:aws:iam::$ACCOUNT:saml-provider/issuer", "Tags": [{"Key": "a"}]},
        {"SAML": "SAMLProviderArn"},
    ),
    Row("update-saml-provider --saml-provider-arn $SAML --saml-metadata-document file://$METADATA", {"SAMLProviderArn": "$SAML"}),
    Row("get-saml-provider --saml-provider-arn $SAML", {"AssertionEncryptionMode": "Allowed", "PrivateKeyList": [], "Tags": [{"Key": "a"}]}),
    Row("list-saml-providers", {"SAMLProviderList": [{"Arn": "$SAML"}]}),
    Row("tag-saml-provider --saml-provider-arn $SAML --tags Key=b,Value=2"),
    Row("list-saml-provider-tags --saml-provider-arn $SAML", {"Tags": [{"Key": "a"}, {"Key": "b"}]}),
    Row("untag-saml-provider --saml-provider-arn $SAML --tag-keys a b"),
    # The account.
    Row("create-account-alias --account-alias bailiwick-test"),
    Row("list-account-aliases", {"AccountAliases": ["bailiwick-test"]}),
    Row("delete-account-alias --account-alias bailiwick-test"),
    Row("update-account-password-policy --minimum-password-length 12 --max-password-age 90 --require-symbols"),
    Row("get-account-password-policy", {"PasswordPolicy": {"MinimumPasswordLength": 12, "RequireSymbols": True, "ExpirePasswords": True, "MaxPasswordAge": 90}}),
    Row("delete-account-password-policy"),
    Row("get-account-summary", {"SummaryMap": {"Users": 1, "Groups": 1, "Policies": 1, "MFADevices": 1, "AccessKeysPerUserQuota": 2}}),
    Row("get-account-authorization-details", {"UserDetailList": [{"UserName": "bob", "GroupList": ["developers"]}], "GroupDetailList": [{}], "RoleDetailList": [{"RoleName": "reader"}]}),
    Row("generate-credential-report", until={"State": "COMPLETE"}),
    Row("get-credential-report", {"ReportFormat": "text/csv"}),
    Row("set-security-token-service-preferences --global-endpoint-token-version v2Token"),
    Row("enable-outbound-web-identity-federation", save={"ISSUER": "IssuerIdentifier"}),
    Row("get-outbound-web-identity-federation-info", {"IssuerIdentifier": "$ISSUER", "JwtVendingEnabled": True}),
    Row("disable-outbound-web-identity-federation"),
    Row("enable-organizations-root-credentials-management", {"EnabledFeatures": ["RootCredentialsManagement"]}),
    Row("enable-organizations-root-sessions", {"EnabledFeatures": ["RootCredentialsManagement", "RootSessions"]}),
    Row("list-organizations-features", {"EnabledFeatures": ["RootCredentialsManagement", "RootSessions"]}, {"ORGANIZATION": "OrganizationId"}),
    Row("generate-organizations-access-report --entity-path $ENTITY_PATH", save={"REPORT": "JobId"}),
    Row("get-organizations-access-report --job-id $REPORT", {"NumberOfServicesAccessible": 4}, until={"JobStatus": "COMPLETED"}),
    Row("generate-service-last-accessed-details --arn $BOB_MOVED", save={"JOB": "JobId"}),
    Row("get-service-last-accessed-details --job-id $JOB", {"JobType": "SERVICE_LEVEL"}, until={"JobStatus": "COMPLETED"}),
    Row("get-service-last-accessed-details-with-entities --job-id $JOB --service-namespace iam", {"EntityDetailsList": [{"EntityInfo": {"Name": "bob"}}]}, until={"JobStatus": "COMPLETED"}),
    Row("disable-organizations-root-sessions", {"EnabledFeatures": ["RootCredentialsManagement"]}),
    Row("disable-organizations-root-credentials-management"),
    # Delegation requests.
    Row("create-delegation-request --requestor-workflow-id workflow-1 " + DELEGATION, save={"REQUEST": "DelegationRequestId"}),
    Row("get-delegation-request --delegation-request-id $REQUEST", {"DelegationRequest": {"State": "UNASSIGNED", "RequestorId": "$ACCOUNT"}}),
    Row("associate-delegation-request --delegation-request-id $REQUEST"),
    Row("update-delegation-request --delegation-request-id $REQUEST --notes please"),
    Row("accept-delegation-request --delegation-request-id $REQUEST"),
    Row("send-delegation-token --delegation-request-id $REQUEST"),
    Row("list-delegation-requests", {"DelegationRequests": [{"State": "FINALIZED", "Notes": "please", "SessionDuration": 3600}], "isTruncated": False}),
    Row("get-human-readable-summary --entity-arn arn:aws:iam::${ACCOUNT}:delegation-request/$REQUEST", {"SummaryState": "AVAILABLE", "Locale": "en"}),
    Row("create-delegation-request --requestor-workflow-id workflow-2 " + DELEGATION, save={"REFUSED": "DelegationRequestId"}),
    Row("associate-delegation-request --delegation-request-id $REFUSED"),
    Row("reject-delegation-request --delegation-request-id $REFUSED --notes no"),
    # The simulator.
    Row("get-context-keys-for-custom-policy --policy-input-list $CONDITION", {"ContextKeyNames": ["aws:userid"]}),
    Row("get-context-keys-for-principal-policy --policy-source-arn $ROLE", {"ContextKeyNames": []}),
    Row("simulate-custom-policy --policy-input-list $READ --action-names s3:GetObject s3:PutObject", {"EvaluationResults": [{"EvalDecision": "allowed"}, {"EvalDecision": "implicitDeny"}]}),
    Row("simulate-principal-policy --policy-source-arn $ROLE --action-names s3:GetObject", {"EvaluationResults": [{"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}]}),
    # What was made is deleted.
    Row("delete-saml-provider --saml-provider-arn $SAML"),
    Row("delete-open-id-connect-provider --open-id-connect-provider-arn $OIDC"),
    Row("deactivate-mfa-device --user-name bob --serial-number $PHONE"),
    Row("delete-virtual-mfa-device --serial-number $PHONE"),
    Row("delete-signing-certificate --user-name bob --certificate-id $CERT"),
    Row("delete-ssh-public-key --user-name bob --ssh-public-key-id $SSH_ID"),
    Row("delete-service-specific-credential --user-name bob --service-specific-credential-id $CREDENTIAL"),
    Row("delete-login-profile --user-name bob"),
    Row("delete-access-key --user-name bob --access-key-id $KEY"),
    Row("remove-role-from-instance-profile --instance-profile-name web --role-name reader"),
    Row("delete-instance-profile --instance-profile-name web"),
    Row(f"detach-role-policy --role-name reader --policy-arn {READ}"),
    Row("delete-role-policy --role-name reader --policy-name own"),
    Row("delete-role --role-name reader"),
    Row("remove-user-from-group --group-name developers --user-name bob"),
    Row(f"detach-group-policy --group-name developers --policy-arn {READ}"),
    Row("delete-group-policy --group-name developers --policy-name own"),
    Row("delete-group --group-name developers"),
    Row(f"detach-user-policy --user-name bob --policy-arn {READ}"),
    Row("delete-user-policy --user-name bob --policy-name own"),
    Row("delete-user-permissions-boundary --user-name bob"),
    Row("delete-user --user-name bob"),
    Row("delete-policy --policy-arn $POLICY"),
]  # fmt: skip

# Handled operations of IAM without a row, with the reason.
NO_ROW = dict.fromkeys(
    [
        "acquire-role",
        "get-account-properties",
        "get-role-template-version",
        "put-account-properties",
        "update-open-id-connect-provider",
    ],
    "the pinned AWS CLI has no such command",
) | {"get-mfa-device": "it shows security keys, and none can be enabled"}


@functools.cache
def model(service):
    """A service's model, and its operations by the CLI's names."""
    found = botocore.session.get_session().get_service_model(service)
    return found, {xform_name(name, "-"): name for name in found.operation_names}


def covers(expected, value):
    """Whether a value has the expected members and first items."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(name in value and covers(each, value[name]) for name, each in expected.items())
    if isinstance(expected, list):
        is_long_enough = isinstance(value, list) and len(value) >= len(expected) and (expected or not value)
        return bool(is_long_enough or expected == value) and all(map(covers, expected, value))
    return expected == value


def filled(value, values):
    """A value with the names after `$` replaced."""
    if isinstance(value, dict):
        return {name: filled(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, values) for each in value]
    if not isinstance(value, str):
        return value
    return string.Template(value).substitute(values)


class Values(dict):
    """The values of rows. Some are made when they are asked for."""

    # The codes of a pair, by how many steps from now the second is.
    CODES = {"CODE1": 0, "CODE3": 40}

    def __getitem__(self, name):
        if name in self.CODES:
            seed = Path(self["TMP"], "seed").read_bytes()
            app = Authenticator({"SerialNumber": "", "Base32StringSeed": seed})
            self["CODE2"] = self["CODE4"] = (pair := app.pair(self.CODES[name]))["AuthenticationCode2"]
            return pair["AuthenticationCode1"]
        if name == "ENTITY_PATH":
            # The root of the organization.
            return "{0}/r-{1}".format(self["ORGANIZATION"], self["ORGANIZATION"][2:6])
        return super().__getitem__(name)


def encoded_denial(server):
    """An encoded message about a denial of root, in an account that is not its own."""
    caller = {"principalArn": f"arn:aws:iam::{server.account}:root"}
    question = {"caller": caller, "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "resourceAccount": "999988887777"}
    return GrpcApi(server, server.root).call("Authorize", **question, encodeDenial=True)["encodedMessage"]


@pytest.fixture
def values(server, tmp_path):
    """The values that rows have from the beginning."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    ssh = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    certificate, private_key = make_certificate(tmp_path / "c")
    metadata = tmp_path / "metadata.xml"
    metadata.write_text(make_metadata(tmp_path / "idp"))
    condition = {"Action": "s3:*", "Condition": {"StringEquals": {"aws:userid": "x"}}}
    return Values(
        ACCOUNT=server.account, TMP=str(tmp_path), READ=policy("s3:Get*"), WRITE=policy("s3:Put*", "s3:Get*", "sts:AssumeRole", "iam:ChangePassword"),
        TRUST=trust(server.account), CONDITION=policy(condition), THUMB="a" * 40, SSH=ssh,
        BOB_MOVED=f"arn:aws:iam::{server.account}:user/moved/bob", CERTIFICATE=str(certificate), PRIVATE_KEY=str(private_key),
        METADATA=str(metadata), ENCODED=encoded_denial(server), TRADE_IN=trade_in_token(server),
    )  # fmt: skip


@pytest.mark.parametrize("service", ["cloudtrail", "iam"])
def test_every_handled_operation_has_a_row(service):
    _, names = model(service)
    handled = {name for name, operation in names.items() if operation in handled_operations() and service_of(operation) == service}
    rows = {row.line.split()[0] for row in ROWS if row.service == service}
    assert rows <= set(names)
    assert handled - rows <= set(NO_ROW)
    assert not rows & set(NO_ROW)


def test_the_cli_prints_what_the_model_has(server, values):
    with Cli(server, server.root) as root:
        for row in ROWS:
            if not row.as_bob:
                run_row(root, row, values)
                continue
            with Cli(server, Credentials(values["KEY"], values["SECRET"])) as bob:
                run_row(bob, row, values)


def test_the_cli_prints_what_sts_issues(server, new_user, tmp_path):
    """Rows of STS that need a second factor or a member account."""
    root = GrpcApi(server, server.root)
    user, key = new_user(policy("sts:*"))
    app = Authenticator(root.call("CreateVirtualMFADevice", VirtualMFADeviceName=user["UserName"])["VirtualMFADevice"])
    root.call("EnableMFADevice", UserName=user["UserName"], SerialNumber=app.serial, **app.pair())
    root.call("EnableOrganizationsRootCredentialsManagement")
    root.call("EnableOrganizationsRootSessions")
    root.call("EnableOutboundWebIdentityFederation")
    member = root.call("CreateAccount", accountName="sessions", email="sessions@example.com")["account"]["accountId"]
    trusting = trust(user["Arn"], Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    role = root.call("CreateRole", RoleName="with-code", AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    values = {"ROLE": role, "PHONE": app.serial, "CODE": app.code(1), "MEMBER": member}
    audit = "arn=arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
    rows = [
        Row(f"assume-root --target-principal $MEMBER --task-policy-arn {audit}", service="sts"),
        Row("get-web-identity-token --audience a.example.com --signing-algorithm ES384", service="sts"),
        Row(
            "assume-role --role-arn $ROLE --role-session-name s1 --serial-number $PHONE --token-code $CODE",
            {"AssumedRoleUser": {"Arn": f"arn:aws:sts::{server.account}:assumed-role/with-code/s1"}},
            service="sts",
        ),
    ]
    with Cli(server, key) as cli:
        for row in rows:
            run_row(cli, row, values)


def run_row(cli, row, values):
    """Runs one row, and checks what it prints."""
    arguments = [filled(each, values) for each in shlex.split(row.line)]
    if row.until:
        until(lambda: covers(row.until, cli(row.service, *arguments)), row.line)
    printed = cli(row.service, *arguments)
    found, names = model(row.service)
    shape = found.operation_model(names[arguments[0]]).output_shape
    if shape is None or not shape.members:
        assert printed is None, (row.line, printed)
        return
    assert problems(printed, shape) == [], (row.line, printed)
    assert row.expected is None or covers(filled(row.expected, values), printed), (row.line, printed)
    for name, path in row.save.items():
        values[name] = jmespath.search(path, printed)
