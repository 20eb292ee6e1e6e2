"""Which cluster, which namespace and whose credentials: kubectl's rules for kubeconfig files.

The official loader lets the last file of a ``KUBECONFIG`` list win; kubectl lets the first. We merge as
kubectl does, so that both programs always talk to the same cluster.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dspy_agent_core.errors import ClusterError

SERVICE_ACCOUNT_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SECTIONS = ("clusters", "contexts", "users")
_PATH_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Access:
    """A way into one cluster. Paths in ``cluster`` and ``user`` (kubeconfig's own keys) are absolute."""

    server: str
    namespace: str
    context: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]


def load_access(
    kubeconfig: Path | None = None,
    context: str | None = None,
    namespace: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT_DIR,
) -> Access:
    """Return the access that the options, ``KUBECONFIG``, ``~/.kube/config`` or the pod itself give.

    Raises:
        ClusterError: there is none, or the files or the context can't be used.
    """
    paths = _paths(kubeconfig, environ)
    files = [(path, _read(path)) for path in paths if kubeconfig is not None or path.exists()]
    if not files and context is None and "KUBERNETES_SERVICE_HOST" in environ:
        return _in_cluster(namespace, environ, service_account)
    if not files:
        raise ClusterError(
            f"There is no kubeconfig at {os.pathsep.join(map(str, paths))}.",
            code="NoKubeconfig",
            next="Get one from whoever runs the cluster, then pass --kubeconfig FILE or set KUBECONFIG.",
        )
    return _resolve(_merge(files), context, namespace)


def _paths(kubeconfig: Path | None, environ: Mapping[str, str]) -> list[Path]:
    if kubeconfig is not None:
        return [kubeconfig.expanduser()]
    listed = [Path(part).expanduser() for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader
    except OSError as error:
        raise _invalid(path, error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _invalid(path, "it is not YAML") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _invalid(path, "it is not a mapping")
    for section in _SECTIONS:
        entries = data.get(section) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise _invalid(path, f"`{section}` is not a list of mappings")
    return data


def _invalid(path: Path, why: str) -> ClusterError:
    return ClusterError(
        f"The kubeconfig {path} can't be used: {why}.",
        code="InvalidKubeconfig",
        next="Mend the file, or pass another with --kubeconfig FILE.",
    )


def _merge(files: list[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    merged: dict[str, Any] = {section: {} for section in _SECTIONS}
    for path, data in files:
        if not merged.get("current-context"):
            merged["current-context"] = data.get("current-context")
        for section in _SECTIONS:
            for entry in data.get(section) or []:
                body = entry.get(section[:-1])
                merged[section].setdefault(
                    entry.get("name"), _with_absolute_paths(body if isinstance(body, dict) else {}, path)
                )
    return merged


def _with_absolute_paths(body: dict[str, Any], path: Path) -> dict[str, Any]:
    folder = path.absolute().parent
    absolute: dict[str, Any] = {key: str(folder / body[key]) for key in _PATH_KEYS if body.get(key)}
    plugin = body.get("exec")
    if isinstance(plugin, dict) and "/" in str(plugin.get("command", "")):
        absolute["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return {**body, **absolute}


def _resolve(merged: dict[str, Any], context: str | None, namespace: str | None) -> Access:
    name = context or merged.get("current-context")
    if not name:
        raise ClusterError(
            "The kubeconfig has no current context.",
            code="NoCurrentContext",
            next=f"Pass --context NAME; there are: {_listed(merged['contexts'])}.",
        )
    if name not in merged["contexts"]:
        raise ClusterError(
            f'The kubeconfig has no context "{name}".',
            code="ContextNotFound",
            next=f"Pass --context NAME; there are: {_listed(merged['contexts'], str(name))}.",
        )
    chosen = merged["contexts"][name]
    cluster = merged["clusters"].get(chosen.get("cluster"))
    user = merged["users"].get(chosen.get("user")) if chosen.get("user") else {}
    if cluster is None or user is None:
        kind = "cluster" if cluster is None else "user"
        raise ClusterError(
            f'Context "{name}" names the {kind} "{chosen.get(kind)}", which is not in the kubeconfig.',
            code="InvalidKubeconfig",
            next=f"Add the {kind} to the kubeconfig, or pass another --context.",
        )
    if not cluster.get("server"):
        raise ClusterError(
            f'The cluster "{chosen.get("cluster")}" of context "{name}" has no server address.',
            code="InvalidKubeconfig",
            next="Add `server: https://…` to it in the kubeconfig.",
        )
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        namespace=namespace or chosen.get("namespace") or "default",
        context=str(name),
        cluster=cluster,
        user=user,
    )


def _listed(contexts: Mapping[str, Any], near: str = "") -> str:
    names = sorted(str(name) for name in contexts)
    close = difflib.get_close_matches(near, names, n=3) or names[:10]
    return ", ".join(close) or "none"


def _in_cluster(namespace: str | None, environ: Mapping[str, str], folder: Path) -> Access:
    if not (folder / "token").exists():
        raise ClusterError(
            "This pod has no service account token.",
            code="NoKubeconfig",
            next="Set automountServiceAccountToken on the pod, or pass --kubeconfig FILE.",
        )
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    own = folder / "namespace"
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=namespace or (own.read_text().strip() if own.exists() else "default"),
        context="in-cluster",
        cluster={"certificate-authority": str(folder / "ca.crt")},
        user={"tokenFile": str(folder / "token")},
    )
