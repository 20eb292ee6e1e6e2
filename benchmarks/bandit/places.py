"""Where the peers live: two environments in the cache, of pinned versions; neither is a dependency of
anything here.

obp wants older NumPy, pandas and scikit-learn than the others, and a Python before 3.11: it is installed
without asking for that, and its tests of that version are ours to trust (the estimators used are 20 lines
of NumPy).
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from benchmarks.code_search.places import data_folder

PEERS: Final = (
    *("numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1", "pandas==3.1.1"),
    *("vowpalwabbit==9.11.9", "mabwiser==2.7.4"),
)
OBP: Final = (
    *(
        "numpy==1.26.4",
        "pandas==2.2.3",
        "scikit-learn==1.5.2",
        "scipy==1.14.1",
        "torch==2.13.0",
        "pyyaml==6.0.4",
    ),
    *("tqdm==4.70.1", "mypy-extensions==1.2.0", "matplotlib==3.11.2", "seaborn==0.13.2", "pingouin==0.5.5"),
    *("pyieoe==0.1.1", "setuptools==84.2.1", "obp==0.5.7"),
)
ROOT: Final = Path(__file__).parents[2]


def cache() -> Path:
    """Return the folder of this benchmark within the cache."""
    return data_folder() / "bandit"


def peers_python() -> Path:
    """Return the Python that has the peers."""
    return _environment("peers", PEERS)


def obp_python() -> Path:
    """Return the Python that has obp."""
    return _environment("obp", OBP)


def within(python: Path, module: str, *arguments: str) -> None:
    """Run a module of this benchmark there, with the project's core beside it and one thread."""
    variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    variables["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "core")))
    subprocess.run([str(python), "-m", module, *arguments], env=os.environ | variables, cwd=ROOT, check=True)


def _environment(name: str, wanted: tuple[str, ...]) -> Path:
    folder = cache() / name
    program, done = folder / "bin" / "python", folder / "requirements.txt"
    if not done.exists() or done.read_text(encoding="utf-8") != "\n".join(wanted):
        folder.parent.mkdir(parents=True, exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        options = ("install", "-q", "--ignore-requires-python", *wanted)
        subprocess.run([str(program), "-m", "pip", *options], check=True, stdout=sys.stderr)
        done.write_text("\n".join(wanted), encoding="utf-8")
    return program
