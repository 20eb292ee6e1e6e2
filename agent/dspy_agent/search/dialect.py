r"""The one regex dialect of ``grep``: what ripgrep's default engine takes and matching line by line needs.

Literals, ``.``, classes with ranges and POSIX names, ``\w \d \s \W \D \S``, ``^ $ \b \B \< \>``, groups,
alternatives, greedy and lazy repeats, ``(?i)``, ``\t \r \f \v \a \xHH \x{H…} \uHHHH \u{H…}``. Look-around,
back-references, ``\p{…}``, nested classes and other flags are refused with a clear error, since one of the
two engines would not have them.
"""

from __future__ import annotations

from typing import NoReturn

from dspy_agent.search import chars
from dspy_agent.search.syntax import Chars, Choice, Look, Node, Repeat, Sequence, size
from dspy_agent_core.errors import UsageError

MAX_DEPTH = 50
MAX_SIZE = 5000
_HELP = "See https://docs.rs/regex/#syntax, or search for plain text with -F."
_CONTROL = {"t": 0x09, "r": 0x0D, "f": 0x0C, "v": 0x0B, "a": 0x07}
_ANY = chars.without_newline(chars.negate(()))


def bad_pattern(reason: str, help: str = _HELP) -> UsageError:
    """Return the error for a pattern that can't be used."""
    return UsageError(f"Bad pattern: {reason}.", code="BadPattern", next=help)


def parse_pattern(
    pattern: str, *, fixed: bool = False, ignore_case: bool | None = None, whole_words: bool = False
) -> Node:
    """Return the syntax tree of ``pattern``.

    Args:
        pattern: a regex, or plain text if ``fixed``.
        ignore_case: None for smart case: case counts if the pattern has a capital letter.
        whole_words: no word character may stand beside a match.

    Raises:
        UsageError: ``BadPattern``, with the place.
    """
    for char, name in (("\n", "a line break"), ("\0", "a NUL byte")):
        if char in pattern:
            raise bad_pattern(f"it holds {name}, which no line of text does", "Leave it out.")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in pattern):
        raise bad_pattern("it is not UTF-8", "Write it in UTF-8.")
    parser = _Parser(pattern, fixed, ignore_case is True)
    node = parser.parse()
    if ignore_case is None and parser.literals and not parser.capitals:
        node = _Parser(pattern, fixed, True).parse()
    if size(node) > MAX_SIZE:
        raise bad_pattern("it is too large once its repeats are written out", "Use smaller repeats.")
    if whole_words:
        node = Sequence((Look("start-half"), node, Look("end-half")))
    return node


class _Parser:
    def __init__(self, pattern: str, fixed: bool, fold: bool) -> None:
        self.pattern = pattern
        self.fixed = fixed
        self.fold = fold
        self.at = 0
        self.depth = self.repeats = 0
        self.literals = self.capitals = False

    def fail(self, reason: str, help: str = _HELP, at: int | None = None) -> NoReturn:
        """Refuse the pattern at the index ``at``, by default the one that is read."""
        at = min(self.at if at is None else at, len(self.pattern) - 1)
        raise bad_pattern(f"{reason} at character {at + 1}", help)

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.at : self.at + length]

    def take(self) -> str:
        char = self.peek()
        if not char:
            self.fail("it ends too soon")
        self.at += 1
        return char

    def parse(self) -> Node:
        if self.fixed:
            return Sequence(tuple(self.literal(ord(char)) for char in self.pattern))
        node = self.alternatives()
        if self.peek():
            self.fail("a ')' was never opened", "Escape it as \\), or use -F.")
        return node

    def literal(self, code: int) -> Chars:
        self.literals = True
        self.capitals = self.capitals or chr(code).isupper()
        if code == 0x0A or code == 0:
            self.fail("no line holds this character")
        return self.one_of(((code, code),))

    def one_of(self, ranges: chars.Ranges) -> Chars:
        return Chars(chars.without_newline(chars.fold_case(ranges) if self.fold else ranges))

    def alternatives(self) -> Node:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence())
        if len(branches) == 1:
            return branches[0]
        ranges = [pair for branch in branches if isinstance(branch, Chars) for pair in branch.ranges]
        if all(isinstance(branch, Chars) for branch in branches):
            return Chars(chars.union(ranges))
        return Choice(tuple(branches))

    def sequence(self) -> Node:
        items: list[Node] = []
        while (char := self.peek()) and char not in "|)":
            if char in "*+?{":
                self.repeat(items)
            else:
                item = self.atom()
                if item is not None:
                    items.append(item)
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def repeat(self, items: list[Node]) -> None:
        if not items:
            self.fail("a repeat has nothing to repeat", "Escape it with a backslash, or use -F.")
        char = self.take()
        low, high = self.counts() if char == "{" else {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        if self.peek() == "?":
            self.at += 1  # lazy: the same lines match
        self.repeats = self.repeats + 1 if isinstance(items[-1], Repeat) else 0
        if self.repeats > MAX_DEPTH:
            self.fail("its repeats are nested too deep")
        items[-1] = Repeat(items[-1], low, high)

    def counts(self) -> tuple[int, int | None]:
        body, closed, _ = self.pattern[self.at :].partition("}")
        low, comma, high = (part.strip() for part in body.partition(","))
        valid = low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))
        if not closed or not valid or max(len(low), len(high)) > 5:
            self.fail("a '{' begins no repeat such as {2,5}", "Escape it as \\{, or use -F.")
        bounds = int(low), (int(high) if high else None) if comma else int(low)
        if bounds[1] is not None and bounds[1] < bounds[0]:
            self.fail("a repeat's bounds are reversed")
        self.at += len(body) + 1
        return bounds

    def atom(self) -> Node | None:
        char = self.take()
        if char == "(":
            return self.group()
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        if char == ".":
            return Chars(_ANY)
        if char in "^$":
            return Look(char)
        return self.literal(ord(char))

    def group(self) -> Node | None:
        fold, opened = self.fold, self.at - 1
        if self.peek() == "?":
            self.at += 1
            if self.flags_only():
                return None
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("its groups are nested too deep")
        node = self.alternatives()
        self.fold = fold
        if self.peek() != ")":
            self.fail("a '(' is never closed", "Escape it as \\(, or use -F.", opened)
        self.at += 1
        self.depth -= 1
        return node

    def flags_only(self) -> bool:
        """Read what follows ``(?``; say whether the group ends there, as ``(?i)`` does."""
        if self.peek() in ("=", "!") or self.peek(2) in ("<=", "<!"):
            self.fail("look-around is not supported", "Search for the parts and filter, or use -w for words.")
        if self.peek() == "<" or self.peek(2) == "P<":
            self.at = self.pattern.find("<", self.at) + 1
            name, closed, _ = self.pattern[self.at :].partition(">")
            if not closed or not name.isidentifier():
                self.fail("a group's name is no name")
            self.at += len(name) + 1
            return False
        for flags, fold in (("i", True), ("-i", False), ("", self.fold)):
            for end in ":)" if flags else ":":
                if self.peek(len(flags) + 1) == flags + end:
                    self.at += len(flags) + 1
                    self.fold = fold
                    return end == ")"
        self.fail("this kind of group is not supported")

    def escape(self) -> Node:
        char = self.take()
        ranges = self.shorthand(char)
        if ranges is not None:
            return self.one_of(ranges)
        if char in "bB<>":
            if char == "b" and self.peek() == "{":
                self.fail("\\b{…} is not supported", "Use \\b, \\< or \\>.")
            return Look(char)
        return self.literal(self.escaped_code(char))

    def shorthand(self, char: str) -> chars.Ranges | None:
        """Return the ranges of ``\\w`` and the like, or None if ``char`` is none of them."""
        match char.lower():
            case "w":
                found = chars.word()
            case "d":
                found = chars.digit()
            case "s":
                found = chars.SPACE
            case _:
                return None
        return chars.negate(found) if char.isupper() else found

    def escaped_code(self, char: str) -> int:
        if char in _CONTROL:
            return _CONTROL[char]
        if char in "xuU":
            return self.hexadecimal({"x": 2, "u": 4, "U": 8}[char])
        if char.isdigit():
            self.fail("back-references are not supported", "Write the text out.")
        if char in "AzZG":
            self.fail(f"\\{char} is not supported: lines are matched one by one", "Use ^ and $.")
        if char in "pP":
            self.fail(f"\\{char} is not supported", "Use \\w, \\d, \\s or ranges such as [α-ω].")
        if not char.isascii() or char.isalnum():
            self.fail(f"\\{char} is no escape", f"Write {char} without the backslash.")
        return ord(char)

    def hexadecimal(self, length: int) -> int:
        if self.peek() == "{":
            digits, closed, _ = self.pattern[self.at + 1 :].partition("}")
            taken = len(digits) + 2 if closed else 0
        else:
            digits = self.peek(length)
            taken = len(digits) if len(digits) == length else 0
        valid = taken and len(digits) <= 8 and digits and all(c in "0123456789abcdefABCDEF" for c in digits)
        code = int(digits, 16) if valid else chars.MAX + 1
        if code > chars.MAX or 0xD800 <= code <= 0xDFFF:
            self.fail("a hexadecimal escape names no character")
        self.at += taken
        return code

    def char_class(self) -> Chars:
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self.peek() == "-":
            self.at += 1
            ranges.append((0x2D, 0x2D))
        if not ranges and self.peek() == "]":
            self.at += 1
            ranges.append((0x5D, 0x5D))
        while (char := self.take_in_class()) != "]":
            ranges += self.class_item(char)
        found = chars.union(ranges)
        if self.fold:
            found = chars.fold_case(found)
        return Chars(chars.without_newline(chars.negate(found) if negated else found))

    def take_in_class(self) -> str:
        if not self.peek():
            self.fail("a '[' is never closed", "Escape it as \\[, or use -F.")
        return self.take()

    def class_item(self, char: str) -> chars.Ranges:
        if char == "[":
            return self.posix()
        if char + self.peek() in ("&&", "--", "~~"):
            self.fail(f"the set operation {char * 2} is not supported", f"Escape it as \\{char}\\{char}.")
        if char == "\\":
            escaped = self.take_in_class()
            ranges = self.shorthand(escaped)
            if ranges is not None:
                return ranges
            low = self.class_code(escaped)
        else:
            low = ord(char)
        high = low
        if self.peek() == "-" and self.peek(2) not in ("-", "-]", "--"):
            self.at += 1
            char = self.take_in_class()
            high = self.class_code(self.take_in_class()) if char == "\\" else ord(char)
            if high < low:
                self.fail("a range in [...] is reversed")
        for code in (low, high):
            self.literals = True
            self.capitals = self.capitals or chr(code).isupper()
        return ((low, high),)

    def class_code(self, char: str) -> int:
        if char in "bBwWdDsS<>":
            self.fail(f"\\{char} can't stand here in [...]")
        return self.escaped_code(char)

    def posix(self) -> chars.Ranges:
        name, closed, _ = self.pattern[self.at :].partition(":]")
        negated = name.startswith(":^")
        found = chars.POSIX.get(name.removeprefix(":").removeprefix("^"))
        if not closed or not name.startswith(":") or found is None:
            self.fail("a '[' in [...] begins no class such as [:alpha:]", "Escape it as \\[.")
        self.at += len(name) + 2
        return chars.negate(found) if negated else found
