"""Groups messages by template: a fixed-depth parse tree in bounded memory.

The idea is Drain's (He, Zhu, Zheng, Lyu: *Drain: An Online Log Parsing Approach with Fixed Depth Tree*,
ICWS 2017): messages are led by their number of words to a small set of templates, and never searched
for among all. What differs is how a word becomes a variable. Drain merges a message with the most similar
template above a threshold; here a word is variable

- if it looks like one (``mask``), before the tree is asked, or
- if everything else in a message is the same and the word was seen with several values; fewer are enough
  where a name is expected or the values look like names.

So ``open failed`` and ``close failed`` stay two templates although half of their words are equal. Templates
that turn out to be the same are merged; ``Template.root`` is the one that they have become.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from dspy_agent_core.logs.mask import MASK, mask_words

Words = tuple[str, ...]

_PROSE_VALUES: Final = 5
_NAME_VALUES: Final = 3
_FIRST_VALUES: Final = 20
_MAX_PARTS: Final = 16
_MAX_SHAPES: Final = 32
_MAX_HOLES: Final = 24
_MAX_RECENT: Final = 50
# A name is expected behind one of these.
_NOUNS = """
user for from by to host hostname node named name called service process module device interface file
directory path thread job task pod container image volume table column key id group domain server client
address session queue topic database db package plugin class method function app
"""
_INTRODUCERS: Final = frozenset(_NOUNS.split())


class Template:
    """Messages that say the same.

    ``count`` of them have come, the last one as message number ``last`` of the tree. ``parts`` are the
    texts of some of the templates that were merged into this one.
    """

    __slots__ = ("_root", "count", "last", "parts", "serial", "words")

    def __init__(self, serial: int, words: Words) -> None:
        self.serial = serial
        self.words = words
        self.count = 0
        self.last = 0
        self.parts: tuple[str, ...] = ()
        self._root: Template | None = None

    @property
    def root(self) -> Template:
        """The template that this one has been merged into, or itself."""
        node = self
        while node._root is not None:
            if node._root._root is not None:
                node._root = node._root._root
            node = node._root
        return node

    @property
    def id(self) -> int:
        """The number of the root: ask for it after the last message, as merging changes it."""
        return self.root.serial

    @property
    def text(self) -> str:
        """The words, with ``<*>`` for what varies."""
        return " ".join(self.words)

    def merge_into(self, other: Template) -> None:
        """Become a part of ``other``."""
        self._root = other
        other.count += self.count
        other.last = max(other.last, self.last)
        other.parts = (*other.parts, self.text)[:_MAX_PARTS]


class TemplateTree:
    """Finds the template of each message.

    Args:
        capacity: the most templates that are kept. Beyond it the least valuable quarter goes: the rarest,
            and among those the ones not seen for longest.
        forget: is called with the templates that go.
    """

    def __init__(self, capacity: int = 5000, forget: Callable[[list[Template]], None] | None = None) -> None:
        self._capacity = capacity
        self._forget = forget
        self._exact: dict[Words, Template] = {}
        # By number of words: the sets of variable positions that templates have.
        self._shapes: dict[int, list[tuple[int, ...]]] = {}
        # A template's words without one: the templates that differ in that word alone.
        self._holes: dict[Words, list[Template]] = {}
        # By number of words and first word.
        self._leaves: dict[tuple[int, str], list[Template]] = {}
        self._clock = 0
        self._serial = 0

    def __len__(self) -> int:
        return len(self._exact)

    def templates(self) -> list[Template]:
        """Return the templates, in no special order."""
        return list(self._exact.values())

    def add(self, message: str) -> Template:
        """Count ``message`` in and return its template."""
        self._clock += 1
        words = tuple(mask_words(message))
        template = self._exact.get(words) or self._match(words) or self._learn(words)
        template.count += 1
        template.last = self._clock
        return template

    def _match(self, words: Words) -> Template | None:
        """Return the template with learned variables that fits."""
        for shape in self._shapes.get(len(words), ()):
            found = self._exact.get(_with_holes(words, shape))
            if found is not None:
                return found
        return None

    def _learn(self, words: Words) -> Template:
        if len(self._exact) >= self._capacity:
            self._make_room()
        template = self._new(words)
        while merged := self._merge(template) or self._names_apart(template):
            template = merged
        return template

    def _new(self, words: Words) -> Template:
        self._serial += 1
        template = self._exact[words] = Template(self._serial, words)
        template.last = self._clock
        self._leaves.setdefault(_leaf(words), []).append(template)
        for position in _open_positions(words):
            self._holes.setdefault(_with_holes(words, (position,)), []).append(template)
        return template

    def _merge(self, template: Template) -> Template | None:
        """Merge ``template`` with those that differ from it in one word that has shown to be variable."""
        words = template.words
        for position in _open_positions(words):
            general = _with_holes(words, (position,))
            like = self._holes[general]
            # Where a mask was seen in its place, a word is all but known to vary.
            values = len(like) + 2 * (general in self._exact)
            if values >= _NAME_VALUES and values >= _values_needed(words, position, like):
                return self._combine(general, like)
        return None

    def _names_apart(self, template: Template) -> Template | None:
        """Merge ``template`` with a recent one from which it differs in several names alone."""
        leaf = self._leaves[_leaf(template.words)]
        for other in reversed(leaf[-_MAX_RECENT:]):
            if other is not template and (general := _general(template.words, other.words)):
                return self._combine(general, [template, other])
        return None

    def _combine(self, general: Words, parts: list[Template]) -> Template:
        parts = [part for part in parts if part.words != general]
        for part in parts:
            self._remove(part)
        merged = self._exact.get(general) or self._new(general)
        for part in parts:
            part.merge_into(merged)
        self._remember_shape(general)
        return merged

    def _remember_shape(self, words: Words) -> None:
        shape = tuple(place for place, word in enumerate(words) if word == MASK)
        shapes = self._shapes.setdefault(len(words), [])
        if shape not in shapes:
            shapes.append(shape)
            del shapes[:-_MAX_SHAPES]

    def _remove(self, template: Template) -> None:
        words = template.words
        del self._exact[words]
        _discard(self._leaves, _leaf(words), template)
        for position in _open_positions(words):
            _discard(self._holes, _with_holes(words, (position,)), template)

    def _make_room(self) -> None:
        ranked = sorted(self._exact.values(), key=lambda item: (item.count.bit_length(), item.last))
        gone = ranked[: max(1, self._capacity // 4)]
        for template in gone:
            self._remove(template)
        if self._forget is not None:
            self._forget(gone)


def _discard(lists: dict[Any, list[Template]], key: object, template: Template) -> None:
    others = lists[key]
    others.remove(template)
    if not others:
        del lists[key]


def _leaf(words: Words) -> tuple[int, str]:
    return (len(words), words[0] if words else "")


def _general(left: Words, right: Words) -> Words | None:
    """Return what both have in common if at least two words, all names, differ and more are equal."""
    differing = []
    for place, word in enumerate(left):
        if word != right[place]:
            if not (_is_name(word) and _is_name(right[place])):
                return None
            differing.append(place)
    equal = sum(map(str.isalpha, left)) - sum(left[place].isalpha() for place in differing)
    if len(differing) < 2 or equal < max(2, len(differing)) or differing[0] == 0:
        return None
    return _with_holes(left, tuple(differing))


def _open_positions(words: Words) -> list[int]:
    """Return where ``words`` may turn out to vary: something that says more than a mask must stay."""
    static = [place for place, word in enumerate(words) if any(map(str.isalpha, word))]
    return static[:_MAX_HOLES] if len(static) > 1 else []


def _with_holes(words: Words, places: tuple[int, ...]) -> Words:
    holed = list(words)
    for place in places:
        holed[place] = MASK
    return tuple(holed)


def _values_needed(words: Words, position: int, like: list[Template]) -> int:
    """Return how many values prove that the word at ``position`` varies: the first word is rarely one."""
    if position == 0:
        return _PROSE_VALUES if all(_is_name(template.words[0]) for template in like) else _FIRST_VALUES
    if words[position - 1].lower().rstrip(":") in _INTRODUCERS:
        return _NAME_VALUES
    if all(_is_name(template.words[position]) for template in like):
        return _NAME_VALUES
    return _PROSE_VALUES


@lru_cache(maxsize=4096)
def _is_name(word: str) -> bool:
    """Return whether ``word`` looks like the name of a thing rather than like prose."""
    bare = word.strip("()[]{}<>,.:;!?'\"")
    if MASK in bare or not bare:
        return True
    return any(letter in "._/-@$#" for letter in bare) or (
        not bare.islower() and not bare.isupper() and not bare.istitle()
    )
