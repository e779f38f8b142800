"""The first program in a sandbox: takes rights away from itself, and then becomes the next one.

Runs as a script and imports nothing of genomark, nor of any installed package. What it takes away
cannot be had back: limits of the system are lowered for good, and root becomes a user that owns
nothing. Its one argument is JSON: ``limits``, numbers by the name of a limit without its
``RLIMIT_``; ``user``, the user to become, or null; ``run``, the program to become; ``environment``.
"""

import json
import os
import resource
import sys

#: The kernel ends these first when the machine itself is out of memory, unless they set it back.
_FIRST_TO_GO = "1000"


def _main() -> None:
    told = json.loads(sys.argv[1])
    with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib takes its time
        file.write(_FIRST_TO_GO)
    for name, most in told["limits"].items():
        limit = getattr(resource, f"RLIMIT_{name}", None)
        if limit is None:
            continue
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    user = told["user"]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if os.getresuid() != (user, user, user) or os.getresgid() != (user, user, user):
            sys.exit("the sandbox could not give up the rights of root")
    os.umask(0o077)
    os.execve(told["run"][0], told["run"], told["environment"])


_main()
