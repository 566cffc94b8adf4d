"""Checks of a running server: it runs, answers, and keeps within its memory."""

import re
from pathlib import Path

from support.api import AwsApi

MEBIBYTE = 1024 * 1024
MOST = 256 * MEBIBYTE


def memory(server, what="VmHWM"):
    """The peak memory of the process, in bytes; `VmRSS` is the present memory."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024


def well(server):
    """The server answers, did not fail, did not panic, and keeps within its memory."""
    assert AwsApi(server, server.root).call("GetCallerIdentity")["Account"] == server.account
    assert server.process.poll() is None
    assert "panicked" not in server.output, server.output[-4000:]
    assert " ERROR " not in server.output, [line for line in server.lines if " ERROR " in line][:5]
    assert memory(server) < MOST, f"{memory(server) // MEBIBYTE} MiB"


def everything(server):
    """The account as root sees it: names, ids, policies, keys. Two such views are equal if nothing changed."""
    root = AwsApi(server, server.root)
    pages = root.pages("GetAccountAuthorizationDetails", Filter=["User", "Group", "Role", "LocalManagedPolicy"])
    seen = {key: [item for page in pages for item in page[key]] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
    for role in seen["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    users = [user["UserName"] for user in seen["UserDetailList"]]
    seen["keys"] = {user: root.call("ListAccessKeys", UserName=user)["AccessKeyMetadata"] for user in users}
    seen["aliases"] = root.call("ListAccountAliases")["AccountAliases"]
    return seen
