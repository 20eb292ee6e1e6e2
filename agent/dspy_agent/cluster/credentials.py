"""Turns the ``user`` and ``cluster`` of a kubeconfig into what a request needs: headers and TLS files."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any

from dspy_agent.cluster.kubeconfig import Access
from dspy_agent.cluster.official import load
from dspy_agent_core.errors import ClusterError


class Credentials:
    """The credentials of one access; ``folder`` (mode 0700) takes the keys that libraries want as files."""

    def __init__(self, access: Access, folder: Path) -> None:
        self._access = access
        self._folder = folder
        self._user: dict[str, Any] = dict(access.user)
        self.refresh()

    def refresh(self) -> bool:
        """Ask the credential plugin again; return False if there is none to ask."""
        if "exec" in self._access.user:
            status = self._run_plugin()
            for key, ours in (
                ("token", "token"),
                ("clientCertificateData", "client-certificate-data"),
                ("clientKeyData", "client-key-data"),
            ):
                if key in status:
                    value = status[key]
                    self._user[ours] = value if ours == "token" else _encoded(value)
            return True
        if "auth-provider" in self._access.user:
            self._user["token"] = self._token_of_auth_provider()
            return True
        return False

    def headers(self) -> dict[str, str]:
        """Return the headers that authorize a request; a token file is read anew each time."""
        user = self._user
        token = user.get("token")
        if not token and user.get("tokenFile"):
            try:
                token = Path(user["tokenFile"]).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise _unusable(f"the token file {user['tokenFile']} can't be read") from error
        if token:
            return {"authorization": f"Bearer {token}"}
        if user.get("username") is not None:
            pair = f"{user['username']}:{user.get('password', '')}".encode()
            return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}

    def configuration(self) -> Any:
        """Return the official client's ``Configuration`` for this access."""
        cluster = self._access.cluster
        configuration = load("client.configuration").Configuration(
            host=self._access.server, proxy=cluster.get("proxy-url")
        )
        configuration.verify_ssl = not cluster.get("insecure-skip-tls-verify")
        configuration.tls_server_name = cluster.get("tls-server-name")
        configuration.ssl_ca_cert = self._file(dict(cluster), "certificate-authority")
        configuration.cert_file = self._file(self._user, "client-certificate")
        configuration.key_file = self._file(self._user, "client-key")
        configuration.retries = False  # api.py retries, knowing what is safe to repeat
        return configuration

    def _file(self, section: dict[str, Any], key: str) -> str | None:
        data = section.get(f"{key}-data")
        if data:
            path = self._folder / key
            try:
                content = base64.b64decode(data, validate=False)
            except (binascii.Error, ValueError) as error:
                raise _unusable(f"`{key}-data` is not base64") from error
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            return str(path)
        named = section.get(key)
        if named and not os.access(named, os.R_OK):
            raise _unusable(f"the file {named} (`{key}`) can't be read")
        return named

    def _run_plugin(self) -> dict[str, Any]:
        provider = load("config.exec_provider").ExecProvider
        plugin = _Node(self._access.user["exec"])
        try:
            status = provider(plugin, None, _Node(self._access.cluster)).run()
        except FileNotFoundError as error:
            hint = plugin.get("installHint") or f"Install {plugin.get('command')} and put it on the PATH."
            raise _unusable(
                f"its credential plugin `{plugin.get('command')}` is not installed", hint
            ) from error
        except Exception as error:  # the official ConfigException, or whatever the plugin's words break
            raise _unusable(
                f"its credential plugin failed: {str(error).strip() or type(error).__name__}"
            ) from error
        return dict(status)

    def _token_of_auth_provider(self) -> str:
        import kubernetes.config.kube_config

        entry = {"name": "only"}
        loader: Any = kubernetes.config.kube_config.KubeConfigLoader(  # type: ignore[no-untyped-call]
            {
                "current-context": "only",
                "contexts": [{**entry, "context": {"cluster": "only", "user": "only"}}],
                "clusters": [{**entry, "cluster": dict(self._access.cluster)}],
                "users": [{**entry, "user": dict(self._access.user)}],
            }
        )
        try:
            loader._load_authentication()
            return str(loader.token).removeprefix("Bearer ")
        except Exception as error:
            name = self._access.user["auth-provider"].get("name")
            raise _unusable(f"its auth provider `{name}` gave no token") from error


class _Node(dict[str, Any]):
    """A mapping in the dress of the official client's ConfigNode."""

    safe_get = dict.get

    @property
    def value(self) -> dict[str, Any]:
        return self


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def _unusable(
    why: str, next: str = "Mend the user of this context in the kubeconfig, or log in anew."
) -> ClusterError:
    return ClusterError(
        f"The kubeconfig's credentials can't be used: {why}.", code="InvalidCredentials", next=next
    )
