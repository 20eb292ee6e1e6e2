"""Run by `helm test`: is the operator ready, and can it list both resources?"""

import os
import pathlib
import ssl
import sys
import time
import urllib.request

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
API = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"


def ask(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    context = ssl.create_default_context(cafile=ACCOUNT / "ca.crt") if token else None
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return answer.read()


def passes(name, check):
    deadline = time.monotonic() + 60
    while True:
        try:
            check()
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"FAILED  {name}: {error}", flush=True)
                return False
            time.sleep(1)
        else:
            print(f"ok      {name}", flush=True)
            return True


token = (ACCOUNT / "token").read_text()
paths = os.environ["WORKSPACES_PATH"]
results = [
    passes(f"{kind} are served", lambda kind=kind: ask(f"{API}{paths}/{kind}?limit=1", token))
    for kind in ("agentworkspaces", "rltrainingjobs")
]
results.append(passes("the operator is ready", lambda: ask(f"{os.environ['OPERATOR_URL']}/readyz")))
sys.exit(0 if all(results) else 1)
