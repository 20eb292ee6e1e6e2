"""The one place that imports the official ``kubernetes`` client.

``import kubernetes`` imports every part of it, the OAuth and informer code included: 0.5 s, more than
all the rest of ``connect``. The packages above the modules that we use do nothing but import their
siblings, so those modules are imported below empty stand-ins of them. The stand-ins are gone when
``load`` returns: whoever imports ``kubernetes`` later gets the whole of it, with these same modules.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from threading import Lock

_EAGER_PACKAGES = (
    "kubernetes",
    "kubernetes.client",
    "kubernetes.config",
    "kubernetes.stream",
    "kubernetes.utils",
)
_lock = Lock()


def load(name: str) -> types.ModuleType:
    """Return the module ``kubernetes.<name>``, such as ``stream.ws_client``."""
    full_name = f"kubernetes.{name}"
    with _lock:
        if full_name in sys.modules:
            return sys.modules[full_name]
        stand_ins = _install_stand_ins()
        try:
            return importlib.import_module(full_name)
        finally:
            for package, stand_in in stand_ins.items():
                if sys.modules.get(package) is stand_in:
                    del sys.modules[package]


def _install_stand_ins() -> dict[str, types.ModuleType]:
    spec = importlib.util.find_spec("kubernetes")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'kubernetes'", name="kubernetes")
    root = Path(spec.submodule_search_locations[0])
    stand_ins: dict[str, types.ModuleType] = {}
    for package in _EAGER_PACKAGES:
        if package not in sys.modules:
            stand_in = types.ModuleType(package)
            stand_in.__path__ = [str(root.joinpath(*package.split(".")[1:]))]
            sys.modules[package] = stand_ins[package] = stand_in
    if "requests" not in sys.modules:
        for package in ("requests", "requests.utils"):
            sys.modules[package] = stand_ins[package] = types.ModuleType(package)
        stand_ins["requests.utils"].__dict__["should_bypass_proxies"] = _should_bypass_proxies
    return stand_ins


def _should_bypass_proxies(url: str, no_proxy: str | None) -> bool:
    from requests.utils import should_bypass_proxies

    return bool(should_bypass_proxies(url, no_proxy))
