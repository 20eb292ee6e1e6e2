"""Gets packages with the ordinary clients and unpacks them into the cache; what is there is not got again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

_WHEELS = ("--only-binary=:all:", "--python-version=3.13", "--implementation=cp")
_TAGS = [f"--abi={abi}" for abi in ("cp313", "abi3", "none")] + [
    f"--platform={platform}"
    for platform in ("any", *(f"manylinux_2_{minor}_x86_64" for minor in (5, 12, 17, 24, 26, 27, 28)))
]


class FetchError(Exception):
    """A package could not be had; its text says which and what the client said."""


def wheel(name: str, version: str, folder: Path) -> Path:
    """Return the folder with the unpacked wheel."""
    target = folder / f"{name}-{version}"
    if target.is_dir():
        return target
    downloads = folder / "downloads"
    command = ["download", "-q", "--no-deps", *_WHEELS, *_TAGS, "-d", str(downloads), f"{name}=={version}"]
    _call([sys.executable, "-m", "pip", *command] if _has_pip() else ["pip", *command], name)
    stem = re.sub(r"[-_.]+", "[-_.]", name)
    found = [file for file in downloads.iterdir() if re.match(f"(?i){stem}-{version}-", file.name)]
    if not found:
        raise FetchError(f"{name} {version}: no wheel came")
    part = target.with_name(f".part-{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(found[0]) as archive:
        archive.extractall(part)
    for folder_name in (*part.glob("*.dist-info"), *part.glob("*.libs")):
        shutil.rmtree(folder_name)
    part.rename(target)
    return target


def npm(name: str, version: str, folder: Path) -> Path:
    """Return the folder with the unpacked npm package."""
    target = folder / f"{name.replace('/', '+')}-{version}"
    if target.is_dir():
        return target
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    said = _call(["npm", "pack", "--silent", f"{name}@{version}"], name, downloads)
    part = target.with_name(f".part-{target.name}")
    with tarfile.open(downloads / said.split()[-1]) as archive:
        archive.extractall(part, filter="data")
    part.rename(target)
    return target


def debian(name: str, version: str, folder: Path) -> Path:
    """Return the folder with the upstream source, no patch applied, and ``debian/`` within it."""
    target = folder / f"{name}-{version.rpartition(':')[2]}"
    if target.is_dir():
        return target
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    options = _source_lists(folder)
    _call(["apt-get", *options, "-q", "source", "--download-only", f"{name}={version}"], name, downloads)
    (description,) = downloads.glob(f"{name}_{version.rpartition(':')[2]}.dsc")
    part = target.with_name(f".part-{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    _call(
        ["dpkg-source", "--skip-patches", "--no-check", "--no-copy", "-x", str(description), str(part)], name
    )
    part.rename(target)
    return target


def debian_binary(name: str, version: str, folder: Path) -> Path:
    """Return the folder with the files that an installed package would put into the system."""
    target = folder / f"{name}-{version.rpartition(':')[2]}"
    if target.is_dir():
        return target
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    _call(["apt-get", "-q", "-oAPT::Sandbox::User=root", "download", f"{name}={version}"], name, downloads)
    (archive,) = downloads.glob(f"{name}_{version.replace(':', '%3a')}_*.deb")
    part = target.with_name(f".part-{target.name}")
    _call(["dpkg-deb", "-x", str(archive), str(part)], name)
    part.rename(target)
    return target


def _source_lists(folder: Path) -> list[str]:
    """Let apt know of sources without a change to the machine's own lists."""
    home = folder / "apt"
    if not (home / "sources.sources").exists():
        for name in ("lists/partial", "cache/archives/partial"):
            (home / name).mkdir(parents=True, exist_ok=True)
        own = Path("/etc/apt/sources.list.d/debian.sources").read_text(encoding="utf-8")
        (home / "sources.sources").write_text(
            re.sub(r"(?m)^Types: .*", "Types: deb-src", own), encoding="utf-8"
        )
    options = [
        f"-oDir::Etc::sourcelist={home / 'sources.sources'}",
        "-oDir::Etc::sourceparts=-",
        f"-oDir::State::lists={home / 'lists'}",
        f"-oDir::Cache={home / 'cache'}",
        "-oAPT::Sandbox::User=root",
    ]
    if not any((home / "lists").glob("*Sources*")):
        _call(["apt-get", *options, "-q", "update"], "the list of Debian's sources")
    return options


def _has_pip() -> bool:
    return (
        subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode
        == 0
    )


def _call(command: list[str], what: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError(f"{what}: {command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
