"""Registered services: their names, and the stored policies and tags of their resources."""

import json

import pytest
from support.api import ApiError
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials, client_environment, run

REGION = "eu-central-1"


@pytest.fixture
def album(server, name):
    """The ARN of a unique album."""
    return f"arn:aws:photos:{REGION}:{server.account}:album/{name('album')}"


@pytest.fixture
def prefix(name):
    """A unique service prefix."""
    return name("photos")


def definition(prefix, principal=None, **more):
    """A catalogue file of one service."""
    service = {
        "principals": [principal or f"{prefix}.example.com"],
        "keys": {f"{prefix}:Size": "Numeric"},
        "resources": {"album": {"arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"]}},
        "actions": {
            "GetAlbum": {"access": "Read", "resources": ["album"], "keys": [f"{prefix}:Size"]},
            "ListAlbums": {"access": "List"},
            "PrintAlbum": {"resources": ["album"]},
        },
    }
    return json.dumps({"catalogue": 1, "services": {prefix: service | more}})


def validated(rpc, document, policy_type="IDENTITY_POLICY", **more):
    """The codes of the validation findings of a document."""
    answer = rpc.call("ValidatePolicy", policyDocument=document, policyType=policy_type, **more)
    return [finding["issueCode"] for finding in answer.get("findings", [])]


def as_client(server, *arguments, credentials=None, **more):
    """Runs a command that calls a server."""
    environment = client_environment(server, credentials or server.root)
    return run(*arguments, environment=environment, **more)


def sharing(principal, effect="Allow", **more):
    """A resource policy."""
    return policy({"Effect": effect, "Principal": principal, "Action": "photos:GetAlbum", "Resource": "*"} | more)


def decided(rpc, caller, album, action="photos:GetAlbum", **more):
    return rpc.call("Authorize", caller=caller, action=action, resource=album, **more)["decision"]


def test_a_service_is_registered_shown_listed_and_deleted(rpc, new_user, prefix):
    user, _ = new_user()
    text = definition(prefix)
    made = rpc.call("PutService", servicePrefix=prefix, definition=text, principalArns=[user["Arn"]])["service"]
    assert made["servicePrefix"] == prefix
    assert made["definition"] == text
    assert made["servicePrincipals"] == [f"{prefix}.example.com"]
    assert made["principalArns"] == [user["Arn"]]
    assert rpc.call("GetService", servicePrefix=prefix)["service"] == made
    rpc.call("PutService", servicePrefix=prefix + "-b", definition=definition(prefix + "-b"))
    listed, marker = [], {}
    while True:
        page = rpc.call("ListServices", maxItems=1, **marker)
        listed += page["services"]
        if not page["isTruncated"]:
            break
        marker = {"marker": page["marker"]}
    prefixes = [each["servicePrefix"] for each in listed]
    assert prefixes == sorted(prefixes) and {prefix, prefix + "-b"} <= set(prefixes)
    rpc.call("DeleteService", servicePrefix=prefix)
    refused(rpc, "NoSuchEntity", "GetService", servicePrefix=prefix)
    refused(rpc, "NoSuchEntity", "DeleteService", servicePrefix=prefix)


def test_invalid_definitions(rpc, prefix):
    for wrong in ("{", "{}", definition("other"), definition(prefix, principal="iam.amazonaws.com"), definition(prefix, x=1)):
        refused(rpc, "InvalidInput", "PutService", servicePrefix=prefix, definition=wrong)
    for taken in ("iam", "sts", "bailiwick", "aws"):
        refused(rpc, "InvalidInput", "PutService", servicePrefix=taken, definition=definition(taken))
    refused(rpc, "ValidationError", "PutService", servicePrefix="Photos", definition=definition(prefix))
    refused(rpc, "ValidationError", "PutService", servicePrefix=prefix)
    error = refused(rpc, "InvalidInput", "PutService", servicePrefix=prefix, definition=definition(prefix, actions={"Get": {"access": "Look"}}))
    assert "Permissions management" in error.message and "`Look`" in error.message
    error = refused(rpc, "InvalidInput", "PutService", servicePrefix=prefix, definition='{"catalogue": 2}')
    assert "line 1, column 15" in error.message
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix))
    rival = definition(prefix + "-b", principal=f"{prefix}.example.com")
    refused(rpc, "EntityAlreadyExists", "PutService", servicePrefix=prefix + "-b", definition=rival)


def test_only_listed_actors_act_as_a_registered_service(rpc, new_user, prefix, album):
    user, credentials = new_user(policy("bailiwick:Authorize"))
    service = rpc.signed_by(credentials)
    principal = {"servicePrincipal": f"{prefix}.example.com"}
    rpc.call("PutResourcePolicy", resourceArn=album, policy=sharing({"Service": f"{prefix}.example.com"}))
    question = {"caller": principal, "action": "photos:GetAlbum", "resource": album}
    refused(service, "AccessDenied", "Authorize", **question)
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix), principalArns=[user["Arn"]])
    assert decided(service, principal, album) == "DECISION_ALLOW"
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix))
    refused(service, "AccessDenied", "Authorize", **question)


def test_other_accounts_look_up_and_change_nothing(rpc, new_user, prefix, name, album):
    made = rpc.call("CreateAccount", accountName=name(), email=f"{name()}@example.com")
    _, credentials = new_user(ALLOW_ALL)
    administrator = rpc.signed_by(credentials)
    session = administrator.call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="there")
    other = rpc.signed_by(Credentials.of(session["Credentials"]))
    user, _ = new_user()
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix), principalArns=[user["Arn"]])
    seen = other.call("GetService", servicePrefix=prefix)["service"]
    assert "principalArns" not in seen or not seen["principalArns"]
    refused(other, "AccessDenied", "PutService", servicePrefix=prefix, definition=definition(prefix))
    refused(other, "AccessDenied", "DeleteService", servicePrefix=prefix)
    refused(other, "ValidationError", "PutResourcePolicy", resourceArn=album, policy=sharing("*"))
    # An ARN without an account is separate in each account.
    bucket = f"arn:aws:s3:::{name('bucket')}"
    other.call("PutResourcePolicy", resourceArn=bucket, policy=sharing("*"))
    refused(rpc, "NoSuchEntity", "GetResourcePolicy", resourceArn=bucket)


def test_a_stored_policy_decides(rpc, new_user, album):
    user, _ = new_user()
    principal = {"principalArn": user["Arn"]}
    assert decided(rpc, principal, album) == "DECISION_IMPLICIT_DENY"
    document = sharing({"AWS": user["Arn"]}, Sid="Shared")
    rpc.call("PutResourcePolicy", resourceArn=album, policy=document)
    kept = rpc.call("GetResourcePolicy", resourceArn=album)
    assert kept["policy"] == document and kept["resourceArn"] == album
    answer = rpc.call("Authorize", caller=principal, action="photos:GetAlbum", resource=album)
    assert answer["decision"] == "DECISION_ALLOW"
    assert (answer["statement"]["policy"], answer["statement"]["sid"]) == (album, "Shared")
    assert decided(rpc, principal, album + "x") == "DECISION_IMPLICIT_DENY"
    batch = rpc.call("BatchAuthorize", caller=principal, items=[{"action": "photos:GetAlbum", "resource": album}])
    assert batch["results"][0]["decision"] == "DECISION_ALLOW"
    explained = rpc.call("Explain", request={"caller": principal, "action": "photos:GetAlbum", "resource": album})
    assert explained["result"]["decision"] == "DECISION_ALLOW" and album in explained["text"]
    # A policy in the request replaces the stored one.
    assert decided(rpc, principal, album, resourcePolicy=sharing("*", effect="Deny")) == "DECISION_EXPLICIT_DENY"
    rpc.call("PutResourcePolicy", resourceArn=album, policy=sharing("*", effect="Deny"))
    assert decided(rpc, principal, album) == "DECISION_EXPLICIT_DENY"
    page = rpc.call("ListResourcePolicies", arnPrefix=album)
    assert [each["resourceArn"] for each in page["policies"]] == [album]
    rpc.call("DeleteResourcePolicy", resourceArn=album)
    assert decided(rpc, principal, album) == "DECISION_IMPLICIT_DENY"
    refused(rpc, "NoSuchEntity", "GetResourcePolicy", resourceArn=album)
    refused(rpc, "NoSuchEntity", "DeleteResourcePolicy", resourceArn=album)


def test_resource_policies_come_in_pages(rpc, album):
    arns = sorted(f"{album}/{number}" for number in range(5))
    for arn in arns:
        rpc.call("PutResourcePolicy", resourceArn=arn, policy=sharing("*"))
    rpc.call("TagResource", resourceArn=album + "/9", tags=[{"key": "a", "value": "b"}])
    seen, marker = [], {}
    while True:
        page = rpc.call("ListResourcePolicies", arnPrefix=album + "/", maxItems=2, **marker)
        seen += [each["resourceArn"] for each in page["policies"]]
        if not page["isTruncated"]:
            break
        marker = {"marker": page["marker"]}
    assert seen == arns


def test_principals_are_bound_when_a_policy_is_put(rpc, aws, new_user, album):
    user, _ = new_user()
    document = sharing({"AWS": user["Arn"]})
    rpc.call("PutResourcePolicy", resourceArn=album, policy=document)
    renamed = user["UserName"] + "-renamed"
    aws.call("UpdateUser", UserName=user["UserName"], NewUserName=renamed)
    now = user["Arn"].replace(user["UserName"], renamed)
    assert rpc.call("GetResourcePolicy", resourceArn=album)["policy"] == document.replace(user["Arn"], now)
    assert decided(rpc, {"principalArn": now}, album) == "DECISION_ALLOW"
    # A new user of the old name is another principal.
    aws.call("CreateUser", UserName=user["UserName"])
    assert decided(rpc, {"principalArn": user["Arn"]}, album) == "DECISION_IMPLICIT_DENY"
    nobody = sharing({"AWS": user["Arn"] + "-nobody"})
    refused(rpc, "MalformedPolicyDocument", "PutResourcePolicy", resourceArn=album, policy=nobody)


def test_documents_that_are_not_resource_policies(rpc, album):
    for wrong in ("{", "[]", policy("photos:*"), sharing({"AWS": "arn:aws:iam::999999999999:root"}), sharing("*", Effect="Maybe")):
        refused(rpc, "MalformedPolicyDocument", "PutResourcePolicy", resourceArn=album, policy=wrong)
    large = sharing("*", Resource=["arn:aws:photos:::" + "x" * 1000 + str(number) for number in range(25)])
    refused(rpc, "LimitExceeded", "PutResourcePolicy", resourceArn=album, policy=large)
    for arn in ("album/1", album + "*", album.replace("photos", "iam"), album.replace("arn:aws:", "arn:aws-cn:"), album + "x" * 500):
        refused(rpc, "ValidationError", "PutResourcePolicy", resourceArn=arn, policy=sharing("*"))


def test_stored_tags_decide(rpc, new_user, album):
    blue = policy({"Action": "photos:*", "Condition": {"StringEquals": {"aws:ResourceTag/Team": "blue"}}})
    user, _ = new_user(blue)
    principal = {"principalArn": user["Arn"]}
    assert rpc.call("ListTagsForResource", resourceArn=album).get("tags", []) == []
    assert decided(rpc, principal, album) == "DECISION_IMPLICIT_DENY"
    rpc.call("TagResource", resourceArn=album, tags=[{"key": "Team", "value": "blue"}, {"key": "Cost", "value": ""}])
    tags = rpc.call("ListTagsForResource", resourceArn=album)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {"Team": "blue", "Cost": ""}
    assert decided(rpc, principal, album) == "DECISION_ALLOW"
    brought = [{"key": "aws:ResourceTag/Team", "values": ["blue"]}]
    with pytest.raises(ApiError, match="which stores the tags of the resource"):
        decided(rpc, principal, album, context=brought)
    assert decided(rpc, principal, album + "/unknown", context=brought) == "DECISION_ALLOW"
    rpc.call("UntagResource", resourceArn=album, tagKeys=["team"])
    assert decided(rpc, principal, album) == "DECISION_IMPLICIT_DENY"
    twice = [{"key": "a", "value": "1"}, {"key": "A", "value": "2"}]
    refused(rpc, "InvalidInput", "TagResource", resourceArn=album, tags=twice)
    many = [{"key": f"k{number}", "value": "v"} for number in range(50)]
    refused(rpc, "LimitExceeded", "TagResource", resourceArn=album, tags=many)


def test_permission_to_put_depends_on_resource_and_tags(rpc, new_user, album):
    rpc.call("TagResource", resourceArn=album, tags=[{"key": "Team", "value": "blue"}])
    only = {"Action": "bailiwick:PutResourcePolicy", "Condition": {"StringEquals": {"aws:ResourceTag/Team": "blue"}}}
    _, credentials = new_user(policy(only))
    blue = rpc.signed_by(credentials)
    blue.call("PutResourcePolicy", resourceArn=album, policy=sharing("*"))
    refused(blue, "AccessDenied", "PutResourcePolicy", resourceArn=album + "x", policy=sharing("*"))
    refused(blue, "AccessDenied", "GetResourcePolicy", resourceArn=album)
    refused(blue, "AccessDenied", "UntagResource", resourceArn=album, tagKeys=["Team"])


def test_a_role_is_passed_to_a_service_that_it_trusts(rpc, aws, new_user, name, server):
    role = name("role")
    trusting = trust({"Service": "photos.example.com"})
    arn = aws.call("CreateRole", RoleName=role, Path="/for/", AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    to_photos = {"StringEquals": {"iam:PassedToService": "photos.example.com"}}
    user, _ = new_user(policy({"Action": "iam:PassRole", "Resource": arn, "Condition": to_photos}))
    powerless, _ = new_user()

    def passed(principal, service="photos.example.com", role_arn=arn):
        answer = rpc.call("AuthorizePassRole", caller={"principalArn": principal["Arn"]}, roleArn=role_arn, servicePrincipal=service)
        assert bool(answer.get("message")) == (answer["decision"] != "DECISION_ALLOW")
        return [part["decision"].removeprefix("DECISION_") for part in (answer, answer["passRole"], answer["trust"])]

    assert passed(user) == ["ALLOW", "ALLOW", "ALLOW"]
    assert passed(powerless) == ["IMPLICIT_DENY", "IMPLICIT_DENY", "ALLOW"]
    assert passed(user, service="films.example.com") == ["IMPLICIT_DENY", "IMPLICIT_DENY", "IMPLICIT_DENY"]
    aws.call("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=trust(server.account))
    assert passed(user) == ["IMPLICIT_DENY", "ALLOW", "IMPLICIT_DENY"]
    assert passed(user, role_arn=arn.replace("/for/", "/"))[0] == "IMPLICIT_DENY"
    refused(rpc, "ValidationError", "AuthorizePassRole", caller={"principalArn": user["Arn"]}, roleArn=user["Arn"], servicePrincipal="a.b")


def test_stored_policies_survive_a_restart(new_server, tmp_path):
    from support.api import GrpcApi

    server = new_server("durable").start()
    rpc = GrpcApi(server, server.root)
    arn = f"arn:aws:photos:{REGION}:{server.account}:album/1"
    rpc.call("PutService", servicePrefix="photos", definition=definition("photos"))
    rpc.call("PutResourcePolicy", resourceArn=arn, policy=sharing("*"))
    server.kill()
    server.start()
    rpc = GrpcApi(server, server.root)
    assert rpc.call("GetService", servicePrefix="photos")["service"]["servicePrefix"] == "photos"
    assert decided(rpc, {"anonymous": {}}, arn) == "DECISION_ALLOW"


def test_validation_knows_registered_names(rpc, prefix, server):
    arn = f"arn:aws:photos:{REGION}:{server.account}:album/1"
    size = {"NumericLessThan": {f"{prefix}:Size": "9"}}
    good = policy({"Action": f"{prefix}:GetAlbum", "Resource": arn, "Condition": size})
    unknown = policy({"Action": f"{prefix}:GetAlbun", "Resource": arn})
    assert validated(rpc, good) == [] and validated(rpc, unknown) == []
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix))
    assert validated(rpc, good) == []
    assert validated(rpc, unknown) == ["INVALID_ACTION"]
    assert validated(rpc, good.replace("Size", "Colour")) == ["INVALID_SERVICE_CONDITION_KEY"]
    assert validated(rpc, good.replace("NumericLessThan", "DateLessThan")) != []
    assert validated(rpc, good.replace("GetAlbum", "ListAlbums")) == ["UNSUPPORTED_ACTION_FOR_CONDITION_KEY"]
    shared = policy({"Action": f"{prefix}:GetAlbum", "Resource": arn, "Principal": {"AWS": server.account}})
    as_resource = {"policy_type": "RESOURCE_POLICY", "validatePolicyResourceType": f"{prefix}:album"}
    assert validated(rpc, shared, **as_resource) == []
    assert validated(rpc, shared.replace(arn, "arn:aws:s3:::b"), **as_resource) == ["UNSUPPORTED_RESOURCE_ARN_IN_POLICY"]
    rpc.call("DeleteService", servicePrefix=prefix)
    assert validated(rpc, unknown) == []
    refused(rpc, "ValidationError", "ValidatePolicy", policyDocument=shared, policyType="RESOURCE_POLICY", validatePolicyResourceType=f"{prefix}:album")


def test_findings_have_the_form_of_aws(rpc, new_user):
    document = '{"Version": "2012-10-17",\n "Statement": {"Effect": "Allow", "Action": "iam:ListUser", "Resource": "*"}}'
    findings = rpc.call("ValidatePolicy", policyDocument=document, policyType="IDENTITY_POLICY")["findings"]
    assert len(findings) == 1
    assert (findings[0]["findingType"], findings[0]["issueCode"]) == ("ERROR", "INVALID_ACTION")
    assert findings[0]["findingDetails"] and findings[0]["learnMoreLink"].startswith("https://")
    location = findings[0]["locations"][0]
    assert location["path"] == [{"value": "Statement"}, {"value": "Action"}]
    begin = document.index('"iam:ListUser"')
    column = begin - document.index("\n") - 1
    assert location["span"]["start"] == {"line": 2, "column": column, "offset": begin}
    refused(rpc, "ValidationError", "ValidatePolicy", policyDocument=document)
    refused(rpc, "ValidationError", "ValidatePolicy", policyDocument=document, policyType="POLICY")
    refused(rpc, "ValidationError", "ValidatePolicy", policyDocument="x" * 131073, policyType="IDENTITY_POLICY")
    _, credentials = new_user(policy("bailiwick:Get*"))
    refused(rpc.signed_by(credentials), "AccessDenied", "ValidatePolicy", policyDocument=document, policyType="IDENTITY_POLICY")
    _, credentials = new_user(policy("bailiwick:ValidatePolicy"))
    assert validated(rpc.signed_by(credentials), document) == ["INVALID_ACTION"]


def test_findings_come_in_pages(rpc):
    document = policy({"Action": [f"iam:No{number}" for number in range(7)], "Resource": "*"})
    whole = rpc.call("ValidatePolicy", policyDocument=document, policyType="IDENTITY_POLICY")["findings"]
    seen, token = [], {}
    while True:
        page = rpc.call("ValidatePolicy", policyDocument=document, policyType="IDENTITY_POLICY", maxResults=3, **token)
        seen += page["findings"]
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    assert len(whole) == 7 and seen == whole


def test_the_command_validates_on_a_server(rpc, server, new_user, prefix, tmp_path):
    path = tmp_path / "policy.json"
    path.write_text('{"Version": "2012-10-17",\n "Statement": {"Sid": "é", "Effect": "Allow", "Action": ["%s:Gone", "iam:Gone"], "Resource": "*"}}' % prefix)
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix))
    alone, asked = run("policy", "validate", path), as_client(server, "policy", "validate", "--server", path)
    assert alone.stdout.count("INVALID_ACTION") == 1 and asked.stdout.count("INVALID_ACTION") == 2, asked.stderr
    assert (alone.returncode, asked.returncode) == (1, 1)
    # Common findings have the same message and location.
    catalogue = tmp_path / "services.json"
    catalogue.write_text(definition(prefix))
    for form in ([], ["--json"], ["--sarif"]):
        offline = run("policy", "validate", *form, "--catalogue", catalogue, path)
        assert as_client(server, "policy", "validate", "--server", *form, path).stdout == offline.stdout
    for kind in ("resource", "trust", "boundary", "session", "scp", "rcp", "endpoint"):
        usual = ["policy", "validate", "--json", "--type", kind]
        offline = run(*usual, "--catalogue", catalogue, path)
        asked = as_client(server, *usual, "--server", path)
        assert json.loads(asked.stdout) == json.loads(offline.stdout), kind
    attached = as_client(server, "policy", "validate", "--server", "--type", "resource", "--resource-type", f"{prefix}:film", path)
    assert attached.returncode == 2 and "AWS::S3::Bucket" in attached.stderr
    assert run("policy", "validate", "--server", "--catalogue", catalogue, path).returncode == 2
    unsigned = run("policy", "validate", "--server", path, environment={"AWS_ENDPOINT_URL": server.url})
    assert unsigned.returncode == 2 and "AWS_ACCESS_KEY_ID" in unsigned.stderr
    _, credentials = new_user()
    denied = as_client(server, "policy", "validate", "--server", path, credentials=credentials)
    assert denied.returncode == 2 and "AccessDenied" in denied.stderr and "policy.json" in denied.stderr


def test_services_are_exported_and_imported(server, new_server, new_user, rpc, prefix, tmp_path):
    from support.api import AwsApi, GrpcApi

    user, _ = new_user()
    other = prefix + "-b"
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix), principalArns=[user["Arn"]])
    rpc.call("PutService", servicePrefix=other, definition=definition(other))
    exported = as_client(server, "catalogue", "export", prefix, other)
    assert exported.returncode == 0, exported.stderr
    services = json.loads(exported.stdout)["services"]
    said = json.loads(definition(prefix))["services"][prefix]
    assert services[prefix] == {key: value for key, value in said.items() if value} | {"actors": [user["Arn"]]}
    assert services[other]["actors"] == []
    everything = json.loads(as_client(server, "catalogue", "export").stdout)["services"]
    assert services.items() <= everything.items()
    names = json.loads(as_client(server, "catalogue", "export", "--without-actors", prefix).stdout)["services"]
    assert "actors" not in names[prefix]
    missing = as_client(server, "catalogue", "export", prefix, prefix + "-c")
    assert missing.returncode == 1 and prefix + "-c" in missing.stderr and missing.stdout == ""

    second = new_server("second", account=server.account).start()
    path = tmp_path / "services.json"
    path.write_text(exported.stdout)
    # The actors must exist; the other service is registered nevertheless.
    done = as_client(second, "catalogue", "import", path)
    assert done.returncode == 1 and user["Arn"] in done.stderr
    assert done.stdout.splitlines() == [f"{other}: created", "1 created, 0 updated, 0 unchanged, 1 refused"]
    AwsApi(second, second.root).call("CreateUser", UserName=user["UserName"])
    tried = as_client(second, "catalogue", "import", "--dry-run", path)
    assert tried.returncode == 0 and f"{prefix}: would be created" in tried.stdout
    done = as_client(second, "catalogue", "import", "-", stdin=exported.stdout)
    assert done.stdout.splitlines() == [f"{prefix}: created", f"{other}: unchanged", "1 created, 0 updated, 1 unchanged, 0 refused"]
    assert as_client(second, "catalogue", "export").stdout == exported.stdout
    again = as_client(second, "catalogue", "import", path)
    assert again.returncode == 0 and again.stdout.endswith("0 created, 0 updated, 2 unchanged, 0 refused\n")
    # A file without actors does not change them.
    del services[prefix]["actors"]
    services[prefix]["actions"]["ListAlbums"] = {"access": "Read"}
    path.write_text(json.dumps({"catalogue": 1, "services": services}))
    done = as_client(second, "catalogue", "import", path)
    assert f"{prefix}: updated" in done.stdout.splitlines()
    made = GrpcApi(second, second.root).call("GetService", servicePrefix=prefix)["service"]
    assert made["principalArns"] == [user["Arn"]]


def test_files_that_are_not_catalogues_of_services(server, tmp_path):
    path = tmp_path / "services.json"
    built_in = run("catalogue", "export", "--built-in")
    assert built_in.returncode == 0 and set(json.loads(built_in.stdout)["services"]) == {"bailiwick", "cloudtrail", "iam", "sts"}
    for text, said in (
        ('{"catalogue": 1, "services": {"photos": {"action": {}}}}', "line 1, column 42"),
        (built_in.stdout, "global `keys`"),
    ):
        path.write_text(text)
        done = as_client(server, "catalogue", "import", path)
        assert done.returncode == 2 and said in done.stderr and "services.json" in done.stderr, done.stderr
    path.write_text('{"catalogue": 1, "services": {"iam": {}}}')
    done = as_client(server, "catalogue", "import", path)
    assert done.returncode == 1 and "is Bailiwick's own" in done.stderr
    assert as_client(server, "catalogue", "import", tmp_path / "missing.json").returncode == 2


def test_only_the_management_account_exports_actors(rpc, server, new_user, prefix, name):
    made = rpc.call("CreateAccount", accountName=name(), email=f"{name()}@example.com")
    _, credentials = new_user(ALLOW_ALL)
    session = rpc.signed_by(credentials).call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="there")
    there = Credentials.of(session["Credentials"])
    rpc.call("PutService", servicePrefix=prefix, definition=definition(prefix))
    done = as_client(server, "catalogue", "export", prefix, credentials=there)
    assert done.returncode == 1 and "--without-actors" in done.stderr and done.stdout == ""
    done = as_client(server, "catalogue", "export", "--without-actors", prefix, credentials=there)
    assert done.returncode == 0 and prefix in json.loads(done.stdout)["services"]


def test_resources_have_the_arns_that_their_service_registered(rpc, server, prefix):
    own = definition(prefix).replace(":photos:", f":{prefix}:")
    album, film = (f"arn:aws:{prefix}:{REGION}:{server.account}:{kind}/1" for kind in ("album", "film"))
    tags = [{"key": "a", "value": "b"}]
    rpc.call("TagResource", resourceArn=film, tags=tags)
    rpc.call("PutService", servicePrefix=prefix, definition=own)
    rpc.call("PutResourcePolicy", resourceArn=album, policy=sharing("*"))
    for operation, members in {"PutResourcePolicy": {"policy": sharing("*")}, "TagResource": {"tags": tags}}.items():
        error = refused(rpc, "ValidationError", operation, resourceArn=film, **members)
        assert f"arn:${{Partition}}:{prefix}:${{Region}}:${{Account}}:album/${{AlbumId}}" in error.message
    # A service with stored policies of resources is not deleted.
    error = refused(rpc, "DeleteConflict", "DeleteService", servicePrefix=prefix)
    assert "2 resources" in error.message and album in error.message
    rpc.call("UntagResource", resourceArn=film, tagKeys=["a"])
    rpc.call("DeleteService", servicePrefix=prefix, keepResources=True)
    assert rpc.call("GetResourcePolicy", resourceArn=album)["resourceArn"] == album
