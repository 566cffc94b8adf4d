"""One-time codes as an authenticator app makes them, from the seed that CreateVirtualMFADevice shows."""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30


class Authenticator:
    """An authenticator app. `ahead` is by how many steps its clock differs."""

    def __init__(self, device, ahead=0):
        self.serial = device["SerialNumber"]
        self.text = blob(device["Base32StringSeed"]).decode()
        self.seed = base64.b32decode(self.text)
        self.ahead = ahead

    def code(self, steps=0):
        """The code of this many steps from now."""
        step = int(time.time()) // STEP + self.ahead + steps
        digest = hmac.new(self.seed, struct.pack(">q", step), hashlib.sha1).digest()
        at = digest[-1] & 0xF
        return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"

    def pair(self, steps=0):
        """Two consecutive codes, the second of this many steps from now."""
        return {"AuthenticationCode1": self.code(steps - 1), "AuthenticationCode2": self.code(steps)}


def blob(value):
    """The bytes of a blob, which AWS Query's client decodes and JSON has in base64."""
    return value if isinstance(value, bytes) else base64.b64decode(value)
