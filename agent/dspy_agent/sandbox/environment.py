"""What a command in the sandbox gets of our environment and home: an allow list, so that no key slips by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HOME: Final = "home"  # in the private temporary folder

_ALLOWED: Final = frozenset(
    (
        *("PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL", "LD_LIBRARY_PATH", "SSL_CERT_FILE"),
        *(
            "VIRTUAL_ENV",
            "PYTHONPATH",
            "PYTHONHASHSEED",
            "CONDA_PREFIX",
            "PYENV_ROOT",
            "NODE_PATH",
            "NVM_DIR",
        ),
        *("JAVA_HOME", "MAVEN_HOME", "M2_HOME", "GOROOT", "GOPATH", "GOMODCACHE", "GOFLAGS", "CARGO_HOME"),
        *("RUSTUP_HOME", "GEM_HOME", "GEM_PATH", "DOTNET_ROOT", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS"),
        "PKG_CONFIG_PATH",
    )
)
_SET: Final = {
    "CARGO_NET_OFFLINE": "true",
    "GOPROXY": "off",
    "NO_COLOR": "1",
    "PIP_NO_INDEX": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TERM": "dumb",
    "UV_OFFLINE": "1",
}
# Where toolchains keep what they need to run, since HOME is another one inside.
_TOOL_HOMES: Final = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup", "GOMODCACHE": "go/pkg/mod"}
_SECRETS: Final = (
    *(".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".oci", ".password-store", ".mozilla"),
    *(".config/gcloud", ".config/gh", ".config/op", ".config/git/credentials", ".config/google-chrome"),
    *(".config/anthropic", ".config/openai", ".huggingface", ".cache/huggingface/token", ".vault-token"),
    *(".netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".gem/credentials"),
    *(".cargo/credentials", ".cargo/credentials.toml", ".local/share/keyrings"),
    *(".bash_history", ".zsh_history", ".python_history"),
)
_SYSTEM_SECRETS: Final = ("/var/run/secrets", "/etc/kubernetes", "/etc/shadow", "/etc/ssh")


def scrubbed(environ: Mapping[str, str], tmp: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command whose private temporary folder is ``tmp``."""
    kept = {name: value for name, value in environ.items() if name in _ALLOWED or name.startswith("LC_")}
    kept.setdefault("PATH", os.defpath)
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    for name, below in _TOOL_HOMES.items():
        if name not in kept and (home / below).is_dir():
            kept[name] = os.fspath(home / below)
    private = {
        "HOME": f"{tmp}/{HOME}",
        "TMPDIR": tmp,
        "XDG_CACHE_HOME": f"{tmp}/{HOME}/.cache",
        "GOCACHE": f"{tmp}/{HOME}/.cache/go",
    }
    return {**kept, **_SET, **private, **extra}


def secret_places(environ: Mapping[str, str]) -> list[str]:
    """Return the files and folders that hold credentials, as far as they are there."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    places = [home / name for name in _SECRETS] + [Path(name) for name in _SYSTEM_SECRETS]
    found = {os.path.realpath(place) for place in places if os.path.lexists(place)}
    return sorted(path for path in found if os.path.exists(path))
