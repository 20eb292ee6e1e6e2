"""Gets the packages' sources and the environment their suites run in: into the cache, with pip, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from benchmarks.bugs.packages import REQUIREMENTS, Package
from benchmarks.code_search.fetch import FetchError
from benchmarks.code_search.places import data_folder

# In place of the settings that a package brings: no coverage, no plugin that is not there.
_PYTEST_INI: Final = """[pytest]
pythonpath = . src
testpaths = {tests}
addopts = {options}
"""


def cache() -> Path:
    """Return the folder of this benchmark within the cache."""
    return data_folder() / "bugs"


def python() -> Path:
    """Return the Python that runs the suites; its environment is made where there is none."""
    environment = cache() / "environment"
    program = environment / "bin" / "python"
    done = environment / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS)
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        cache().mkdir(parents=True, exist_ok=True)
        _call([sys.executable, "-m", "venv", "--clear", str(environment)], "the suites' environment")
        _call([str(program), "-m", "pip", "install", "-q", *REQUIREMENTS], "the suites' environment")
        done.write_text(wanted, encoding="utf-8")
    return program


def source(package: Package) -> Path:
    """Return the folder with the package's unpacked source; it must not be changed."""
    target = cache() / "sources" / f"{package.name}-{package.version}"
    if target.is_dir():
        return target
    archive = _archive(package, cache() / "downloads" / target.name)
    part = target.with_name(f".part-{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(archive) as opened:
        opened.extractall(part, filter="data")
    (top,) = part.iterdir()
    settings = _PYTEST_INI.format(tests=package.tests, options=package.options)
    (top / "pytest.ini").write_text(settings, encoding="utf-8")
    # Bytecode goes along with copies, and is not written in the sandbox.
    _call(
        [str(python()), "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"], package.name, top
    )
    top.rename(target)
    part.rmdir()
    return target


def _archive(package: Package, downloads: Path) -> Path:
    """Return the archive as it was pinned."""
    downloads.mkdir(parents=True, exist_ok=True)
    if not any(downloads.glob("*.tar.gz")):
        wanted = downloads / "requirement.txt"
        pin = f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
        wanted.write_text(pin, encoding="utf-8")
        options = ["--no-deps", "--no-binary", package.name, "--require-hashes", "-d", str(downloads)]
        _call([str(python()), "-m", "pip", "download", "-q", *options, "-r", str(wanted)], package.name)
    (archive,) = downloads.glob("*.tar.gz")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
        raise FetchError(f"{package.name} {package.version}: {archive} is another archive")
    return archive


def _call(command: list[str], what: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError(f"{what}: {command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
