"""The credential report as a client reads it."""

import csv
import io

from support.totp import blob


def rows(answer):
    """The rows of a report, by user."""
    text = blob(answer["Content"]).decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}
