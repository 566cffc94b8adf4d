"""What tests of the console share."""

import re

from support.totp import Authenticator


def app_of(page):
    """The authenticator app that scanned the page."""
    (seed,) = re.findall(r"<code>([A-Z2-7]{64})</code>", page.html)
    (serial,) = [value for name, value in page.form(do="enable").members if name == "serial"]
    return Authenticator({"SerialNumber": serial, "Base32StringSeed": seed.encode()})
