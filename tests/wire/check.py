"""Holds the proto and the codecs of AWS's protocols against botocore's service models.

Says nothing of what operations do: only that names, members, constraints, errors and the bytes on the wire are AWS's.
Run by `cargo xtask wire-check`; the first argument is the example program `wire` of `bailiwick-testing`.
"""

import argparse
import random
import sys

import botocore

import describe
import messages
from program import Program


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", help="the example program `wire`")
    arguments.add_argument("--rounds", type=int, default=5, help="random requests and answers per operation")
    arguments.add_argument("--seed", type=int, default=None, help="repeat an earlier run")
    options = arguments.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(2**32)

    with Program(options.program) as program:
        facts, wrong = describe.check(program)
        count, more = messages.check(program, options.rounds, random.Random(seed))
    for line in wrong + more:
        print(line)
    print(
        f"botocore {botocore.__version__}: {facts} facts of the models, {count} random messages (seed {seed}): "
        f"{len(wrong) + len(more)} wrong"
    )
    return 1 if wrong or more else 0


if __name__ == "__main__":
    sys.exit(main())
