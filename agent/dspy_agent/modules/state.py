"""What was trained for a module in a workspace: a JSON file of instructions, bound to this user.

The file is data: nothing in it is ever run, and what does not fit is left out as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.modules.seal import Seal, users_key
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular

if TYPE_CHECKING:
    import dspy

FOLDER: Final = ".dspy_gepa"
MAX_INSTRUCTIONS: Final = 2000  # characters; a small model reads fifty tokens a second
_VERSION: Final = 1
_MOST_BYTES: Final = 64 << 10
_PURPOSE: Final = "trained module"


class UnfitState(Exception):
    """The file is there and can't be used; says why."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained module.

    Args:
        module: its name.
        dspy: the version of dspy, ``3.4``: prompts are laid out by it.
        fingerprint: of the module's signatures, as they ship.
        instructions: for each predictor by name.
        before, after: the mean scores on the validation examples.
        examples: how many there were, by the name of the part.
        seen: the groups of examples that it was trained or chosen by: never to be reported on.
        model, reflection_model, dataset, seed: what it was trained with.
        made: when, UTC.
    """

    module: str
    dspy: str
    fingerprint: str
    instructions: Mapping[str, str]
    before: float
    after: float
    examples: Mapping[str, int]
    seen: Sequence[str]
    model: str
    reflection_model: str
    dataset: str
    seed: int
    made: str


def state_file(workspace: Path, module: str) -> Path:
    """Return where what is trained for ``module`` lies."""
    return workspace / FOLDER / f"{module}.json"


def load_state(workspace: Path, module: str) -> Trained | None:
    """Return what was trained for ``module``; None if nothing was.

    Raises:
        UnfitState: the file is damaged, of another version, or not this user's.
    """
    folder = workspace / FOLDER
    try:
        if folder.is_symlink():
            raise UnfitState(f"{FOLDER} is a symbolic link")
        with open_regular(state_file(workspace, module), follow=False) as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnfitState((error.strerror or str(error)).lower()) from None
    return _decode(data, module)


def save_state(workspace: Path, trained: Trained, key: bytes) -> None:
    """Write ``trained`` in place of what was there; the folder is made before.

    Raises:
        OSError: it can't be written.
    """
    body = asdict(trained)
    data = {"version": _VERSION, "trained": body, "seal": Seal(key, _PURPOSE).of(_canonical(body))}
    text = json.dumps(data, ensure_ascii=False, indent=1)
    write_atomic(state_file(workspace, trained.module), [text.encode(), b"\n"])


def make_folder(workspace: Path) -> Path:
    """Make the folder of what is trained, one that git leaves alone, and return it.

    Raises:
        OSError: it can't be made, or is a symlink, which a repository may bring along.
    """
    folder = workspace / FOLDER
    if folder.is_symlink():
        raise NotADirectoryError(20, "a symbolic link", os.fspath(folder))
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not os.path.lexists(ignore):
        write_atomic(ignore, [b"*\n"])
    return folder


def fingerprint(module: dspy.Module) -> str:
    """Return what is equal for modules with the same predictors: fields, their types, and instructions."""
    import hashlib

    said = [
        [
            name,
            predictor.signature.instructions,
            [[key, str(field.annotation), field.json_schema_extra] for key, field in _fields(predictor)],
        ]
        for name, predictor in module.named_predictors()
    ]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:16]


def _fields(predictor: Any) -> list[tuple[str, Any]]:
    return list(predictor.signature.fields.items())


def _canonical(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def _decode(data: bytes, module: str) -> Trained:
    try:
        if len(data) > _MOST_BYTES:
            raise UnfitState("it is too large")
        whole = json.loads(data)
        if whole["version"] != _VERSION:
            raise UnfitState("it is of another version of this program")
        key = users_key()
        if key is None or not Seal(key, _PURPOSE).fits(_canonical(whole["trained"]), whole["seal"]):
            raise UnfitState("it was not trained by you here")
        trained = Trained(**whole["trained"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnfitState("it is damaged") from None
    if trained.module != module:
        raise UnfitState(f"it is of the module {trained.module}")
    if any(len(text) > MAX_INSTRUCTIONS for text in trained.instructions.values()):
        raise UnfitState("its instructions are too long")
    return trained
