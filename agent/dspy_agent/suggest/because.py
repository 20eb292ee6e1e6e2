"""Why a tool is suggested, in words of people: the features that speak for it more than for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from dspy_agent.suggest import vocabulary
from dspy_agent.suggest.facts import Facts, looks_like_code
from dspy_agent.suggest.features import BIAS
from dspy_agent.suggest.request import Request
from dspy_agent.suggest.seen import OPENS, showed
from dspy_agent.tools.amounts import count

Terms = Mapping[str, float]
_MOST: Final = 3
_FEW: Final = 2
_SHARE: Final = 0.3  # of the strongest reason: less is not worth a word
_FACTS: Final = frozenset(
    {"names_path", "names_folder", "names_symbol", "symbol_coded", "quoted", "showed_symbol", "opened"}
)
_PLAIN: Final = 3.0  # a fact about a name tells people more than what it goes along with
_FALLBACK: Final = "it helps most with tasks like this one"


def because(terms: Terms, others: Terms, facts: Facts, request: Request, *, helped: bool) -> str:
    """Return the reasons.

    Args:
        terms: what each feature adds to the tool's score.
        others: what it adds on average to the tools that could be chosen.
        facts: of the task.
        request: the task, and what was seen.
        helped: whether the tool has earned more here than was expected of it.
    """
    more = {
        name: (term - others.get(name, 0.0)) * (_PLAIN if name in _FACTS else 1.0)
        for name, term in terms.items()
    }
    order = sorted(more, key=lambda name: -more[name])
    strongest = more[order[0]] if order else 0.0
    said: dict[str, None] = {}
    for name in order:
        if len(said) == _MOST or more[name] <= max(_SHARE * strongest, 0.0):
            break
        if name == BIAS and not helped:
            continue
        said |= dict.fromkeys(_phrase(name, facts, request))
    return ", ".join(list(said)[:_MOST]) or _FALLBACK


def _phrase(name: str, facts: Facts, request: Request) -> Iterator[str]:
    kind = name.removeprefix("says_").removeprefix("more_")
    if name.startswith("says_"):
        yield f"you said {', '.join(facts.said[kind][:3])}"
    elif name.startswith("ran_"):
        yield f"{name.removeprefix('ran_')} ran already"
    elif name in _FIXED:
        yield _FIXED[name]
    elif name in _TOLD:
        yield from _TOLD[name](facts, request)


def _text(facts: Facts, request: Request) -> Iterator[str]:
    if facts.rarest:
        word, lines = facts.rarest
        yield f"{count(lines, 'line')} {'has' if lines == 1 else 'have'} {word}, the rarest of your words"


def _words(facts: Facts, request: Request) -> Iterator[str]:
    one = len(facts.words) == 1
    yield f"{len(facts.words)} of your words {'says' if one else 'say'} what the code is about"


def _code(facts: Facts, request: Request) -> Iterator[str]:
    yield from (f"{word} looks like a name" for word in facts.words[:1] if looks_like_code(word))


def _symbol(facts: Facts, request: Request) -> Iterator[str]:
    if facts.symbol and (looks_like_code(facts.symbol) or len(facts.words) <= _FEW):
        yield f"{facts.symbol} is defined here"  # among many words it may be a word like any other


def _showed(facts: Facts, request: Request) -> Iterator[str]:
    if step := showed(request.seen):
        yield f"{step.tool} showed {(*step.symbols, *step.paths, 'places')[0]}"


def _found(facts: Facts, request: Request) -> Iterator[str]:
    found = sum(step.found for step in request.seen)
    yield f"{found} of {count(len(request.seen), 'step')} found something"


def _opened(facts: Facts, request: Request) -> Iterator[str]:
    opened = sum(step.found and step.tool in OPENS for step in request.seen)
    yield f"{count(opened, 'place')} {'was' if opened == 1 else 'were'} opened"


def _failed(facts: Facts, request: Request) -> Iterator[str]:
    yield from (f"{step.tool} found nothing" for step in request.seen[-1:])


_FIXED: Final[Mapping[str, str]] = {
    BIAS: "it has helped here before",
    "no_words": "no word of yours stands for code",
    "traceback": "you pasted an error",
    "names_time": "you name a time",
    "asks_edit": "your task asks for a change",
    "asks_run": "your task asks to run something",
    "asks_undo": "your task asks to undo",
    "has_logs": "there are logs",
    "logs_and_said": "there are logs",
    "logs_fresh": "the logs are fresh",
    "logs_errors": "the logs tell of errors",
    "vectors": "there are vectors",
    "tests_failed": "tests failed",
    "proposal": "a proposal waits",
    "edited": "a change is proposed",
    "landed": "the change is done",
}
_TOLD: Final[Mapping[str, Callable[[Facts, Request], Iterator[str]]]] = {
    "quoted": lambda facts, request: iter([f'you quote "{vocabulary.quoted(facts.text)}"']),
    "names_path": lambda facts, request: iter([f"{facts.path} is a file here"]),
    "names_folder": lambda facts, request: iter([f"{facts.folder} is a folder here"]),
    "names_symbol": _symbol,
    "symbol_coded": _symbol,
    "found_text": _text,
    "rarity": _text,
    "words": _words,
    "code_like": _code,
    "all_code": _code,
    "last_log": _showed,
    "last_search": _showed,
    "showed_symbol": _showed,
    "showed_path": _showed,
    "found": _found,
    "opened": _opened,
    "last_failed": _failed,
}
