"""Joins lines into records: a log line with what hangs below it, or a whole stack trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from dspy_agent_core.logs import levels
from dspy_agent_core.logs.lines import Line, completed
from dspy_agent_core.logs.times import Stamp
from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.joiner import OpenTrace
from dspy_agent_core.logs.traces.kinds import is_frame, trace_kind

_MAX_CONTINUATION: Final = 200
_MAX_TEXTS: Final = 3000
_MAX_STREAMS: Final = 512
_MAX_RECENT: Final = 40
_MAX_WORDS: Final = 20
_ASIDE: Final = 20  # lines of others that an error without frames waits through
_PATIENCE: Final = 100  # lines of others that an open trace waits through
_UNCAUGHT = ("Exception in thread ", "Uncaught ", "Unhandled exception.")  # of no log line
_RESTATED: Final = frozenset("FETeca=*!")  # how lines begin that name no file and `syntax.RESTATED` matches
_HEADLINES = ("Caused by", "Suppressed", "During handling", "The above exception", "Traceback", "goroutine ")


@dataclass(slots=True)
class Record:
    """Lines that belong together: ``texts`` without prefixes.

    ``start`` is the number of the first line, ``offset`` where it begins.
    """

    start: int
    headed: bool
    stamp: Stamp | None
    level: int | None
    texts: list[str]
    lines: int = 1
    open: OpenTrace | None = None
    trace_text: str | None = None
    offset: int | None = None
    per_line: bool = False
    waited: int = 0
    context: list[str] | None = None

    @property
    def is_bare(self) -> bool:
        """Whether it is one line, and nothing says that it tells of an exception."""
        return self.lines == 1 and self.open is None and self.trace_text is None

    def add(self, text: str) -> None:
        """Append a line; of a huge record the frames in the middle go, the exceptions stay."""
        self.texts.append(text)
        self.lines += 1
        if len(self.texts) >= _MAX_TEXTS:
            self.texts[500:2000] = _condense(self.texts[500:2000])


def _condense(texts: list[str]) -> list[str]:
    """Keep each exception of a long trace with the lines around it, where its innermost frames are."""
    kept: set[int] = set()
    for number, text in enumerate(texts):
        if len(kept) < 900 and _is_headline(text):
            kept.update(range(max(0, number - 10), min(len(texts), number + 20)))
    return [texts[number] for number in sorted(kept)]


def _is_headline(text: str) -> bool:
    bare = text.lstrip(" \t|+")
    return bool(bare) and (
        text[0] not in " \t" or bare.startswith(_HEADLINES) or bool(syntax.HEAD.match(bare))
    )


@dataclass(slots=True)
class _Stream:
    plain: Record | None = None
    trace: Record | None = None
    partial: str = ""
    partial_offset: int | None = None
    recent: list[str] = field(default_factory=list)
    among_words: bool = False  # the last plain line had no header
    failed: bool = False  # there was a trace
    aside: Record | None = None  # an error whose frames may come behind lines of others
    aside_waited: int = 0


class Joiner:
    """Keeps the open records of each stream and hands out those that are complete."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._count = 0

    def feed(self, line: Line) -> list[Record]:
        """Take one line and return the records that it completes."""
        self._count += 1
        done: list[Record] = []
        stream = self._streams.get(line.stream)
        if stream is None:
            if len(self._streams) >= _MAX_STREAMS:
                oldest = next(iter(self._streams))
                done += _close(self._streams.pop(oldest))
            stream = self._streams[line.stream] = _Stream()
        if line.partial:
            if not stream.partial:
                stream.partial_offset = line.offset
            stream.partial = (stream.partial + line.text)[: 1 << 20]
            return done
        if stream.partial:
            line, stream.partial = completed(line, stream.partial), ""
            line.offset = stream.partial_offset
            stream = self._streams.setdefault(line.stream, stream)
        self._place(stream, line, done)
        return done

    def in_trace(self) -> bool:
        """Return whether the last line of some stream was of a trace that may go on."""
        for stream in self._streams.values():
            if stream.partial or (stream.trace is not None and not stream.trace.waited):
                return True
        return False

    def lacks_end(self) -> bool:
        """Return whether the last line of some stream was of a trace that surely goes on."""
        traces = (stream.trace for stream in self._streams.values())
        return any(one and not one.waited and one.open and one.open.wants_final for one in traces)

    def may_take(self, line: Line) -> bool:
        """Return whether ``line``, which has no header, may belong to a record that is still open."""
        stream = self._streams.get(line.stream)
        if stream is None:
            return False
        if stream.partial or (stream.trace is not None and not stream.trace.waited):
            return True
        return stream.plain is not None and (stream.plain.headed or line.text[:1] in (" ", "\t", ""))

    def finish(self) -> list[Record]:
        """Return all records that are still open."""
        done: list[Record] = []
        streams, self._streams = list(self._streams.values()), {}
        for stream in streams:
            if stream.partial:
                self._place(stream, completed(Line("", ""), stream.partial), done)
            done += _close(stream)
        return done

    def _place(self, stream: _Stream, line: Line, done: list[Record]) -> None:
        """Put ``line`` where it belongs and append the records that it completes to ``done``."""
        text = line.text
        if stream.trace is not None and _goes_on(stream, stream.trace, line, done):
            return
        if stream.aside is not None and _was_awaited(stream, stream.aside, line, done):
            return
        plain = stream.plain
        level = line.level
        calm = level is not None and level < levels.WARNING
        kind = None if line.trace else trace_kind(text, quiet=calm)
        if not line.headed:
            if plain is not None and _hangs_below(plain, text, kind):
                plain.add(text)
                _remember(stream, text)
                if kind or (is_frame(text) and not _tells_where_made(plain)):
                    stream.plain = None
                    done += _open(stream, plain, kind or _kind_of_frame(text))
                return
            if not text.strip():
                return
        if plain is not None:
            _end(stream, plain, done)
        record = Record(self._count, line.headed, line.stamp, level, [text], 1, None, line.trace, line.offset)
        if kind is None:
            stream.plain = record
            stream.among_words = not line.headed
            if _is_restated(text, stream.failed):
                record.level = levels.INFO
            _remember(stream, text)
            return
        done += _open(stream, record, kind)


def _goes_on(stream: _Stream, trace: Record, line: Line, done: list[Record]) -> bool:
    """Return whether ``line`` was taken in by the open trace."""
    text = line.text
    if trace.open is None or (trace.waited and _is_first_frame(stream.plain, text)):
        return False
    if _is_of_last(trace, trace.open, text):
        said = Record(trace.start + trace.lines - 1, False, None, None, [trace.texts.pop(), text], 2)
        trace.lines -= 1
        done += _open(stream, said, "frames")
        return True
    headed = line.headed and not (trace.per_line and line.level is None)
    if trace.open.takes(text, headed):
        trace.per_line = trace.per_line or (line.headed and trace.lines == 1)
        trace.add(text)
        trace.waited = 0
        return True
    trace.waited += 1
    trace.open.interrupted = True
    if trace.waited > _PATIENCE:
        done.append(trace)
        stream.trace = None
    return False


def _was_awaited(stream: _Stream, aside: Record, line: Line, done: list[Record]) -> bool:
    """Return whether ``line`` was taken for the first frame of the error that waits for it."""
    if _is_of(aside, stream.plain, line):
        stream.aside = None
        aside.add(line.text)
        done += _open(stream, aside, _kind_of_frame(line.text))
        return True
    stream.aside_waited += 1
    if stream.aside_waited > _ASIDE:
        done.append(aside)
        stream.aside = None
    return False


def _is_restated(text: str, failed: bool) -> bool:
    """Return whether ``text`` only says what traces tell, or is the rule above them."""
    if text[:1] in (">", "I", "c") and syntax.FORETOLD.match(text):
        return True
    if text[:1] in ("=", "_") and syntax.PYTEST_SECTION.match(text):
        return failed or not syntax.RESTATED.match(text)
    return (
        failed
        and (".py" in text or text[:1] in _RESTATED or text[:1].isdigit())
        and syntax.RESTATED.match(text) is not None
    )


def _open(stream: _Stream, record: Record, kind: str) -> Iterator[Record]:
    """Make ``record``, whose last line has shown that it is one, the open trace."""
    if stream.trace is not None:
        yield stream.trace
    among_words = stream.among_words and not record.headed
    record.open = OpenTrace(kind, record.texts[-1], among_words=among_words)
    record.context, stream.recent = stream.recent, []
    stream.trace, stream.failed = record, True


def _end(stream: _Stream, plain: Record, done: list[Record]) -> None:
    """Hand out the plain record that has ended, unless frames of its may still come."""
    stream.plain = None
    severe = plain.level >= levels.ERROR if plain.level is not None else not plain.headed and _names(plain)
    if not severe or plain.lines > 1 or plain.trace_text:
        done.append(plain)
        return
    if stream.aside is not None:
        done.append(stream.aside)
    stream.aside, stream.aside_waited = plain, 0


def _names(record: Record) -> bool:
    """Return whether ``record`` names an exception."""
    text = record.texts[0]
    return any(map(text.__contains__, syntax.TYPE_ENDS)) and syntax.EMBEDDED.search(text[:4000]) is not None


def _is_of(aside: Record, plain: Record | None, line: Line) -> bool:
    """Return whether ``line`` is the first frame of ``aside``, and not of the record that came after it."""
    if line.headed or plain is None or plain.lines > 1 or not plain.headed:
        return False
    if (plain.level or levels.INFO) >= levels.WARNING or _names(plain):
        return False
    text = line.text
    return (
        is_frame(text) or (":in " in text and syntax.RUBY_PLAIN.match(text) is not None) or _is_go_call(text)
    )


def _is_go_call(text: str) -> bool:
    return "." in text and " " not in text and syntax.GO_NAME.match(text) is not None


def _kind_of_frame(text: str) -> str:
    if syntax.GO_PLACE.match(text) or _is_go_call(text):
        return "go"
    return "ruby" if syntax.RUBY_PLAIN.match(text) else "frames"


def _is_first_frame(plain: Record | None, text: str) -> bool:
    """Return whether ``text`` is a frame below a line that names an exception of its own."""
    if plain is None or not (text[:1].isspace() or ":in " in text):
        return False
    if text[:1] == " " and _tells_where_made(plain):
        return True
    if not syntax.AT_FRAME.match(text) and not (":in " in text and syntax.RUBY_PLAIN.match(text)):
        return False
    if syntax.OWN_CLASS.match(plain.texts[-1]) or syntax.RUBY_TYPED.match(plain.texts[0]):
        return True
    return any(syntax.HEAD.match(said.strip()) for said in plain.texts[-8:]) or bool(
        syntax.EMBEDDED.search(plain.texts[0])
    )


def _is_of_last(trace: Record, opened: OpenTrace, text: str) -> bool:
    """Return whether ``text`` shows that the last line of a Python message is the head of another trace."""
    if trace.waited or opened.kind != "python" or opened.wants_final or text[:1] != " ":
        return False
    said = trace.texts[-1]
    return (
        said[:1].isalpha()
        and syntax.AT_FRAME.match(text) is not None
        and (syntax.OWN_CLASS.match(said) or syntax.EMBEDDED.search(said[:4000])) is not None
    )


def _tells_where_made(plain: Record) -> bool:
    return any(map(syntax.PY_CREATED.match, plain.texts[:3]))


def _remember(stream: _Stream, text: str) -> None:
    """Keep the last functions and places before a trace: pytest names them only there."""
    if "def " not in text and ".py:" not in text:
        return
    if ("def " in text and syntax.PYTEST_DEF.match(text)) or (
        ".py:" in text and text[-1] in ": " and syntax.PYTEST_WHERE.match(text)
    ):
        stream.recent = [*stream.recent[1 - _MAX_RECENT :], text]


def _hangs_below(record: Record, text: str, kind: str | None) -> bool:
    """Return whether an unmarked line continues a plain record."""
    if record.lines >= _MAX_CONTINUATION or record.trace_text is not None or not text.strip():
        return False
    if kind is not None:
        return _introduces(record, text, kind)
    if text[0] in " \t" or syntax.DETAIL.match(text):
        return True
    if text.startswith("======") and not text.strip("="):
        return False  # the rule above a failure of unittest
    return record.headed and "Warning: " not in text and levels.sounds_like(text) <= levels.INFO


def _introduces(record: Record, text: str, kind: str) -> bool:
    """Return whether ``record`` is the words above the trace that ``text`` begins."""
    if text.startswith(_UNCAUGHT):
        return False
    if record.headed and record.lines == 1:
        return True
    short = record.lines <= _MAX_WORDS or _tells_where_made(record)
    if kind == "python" and text.lstrip().startswith("Traceback ") and short:
        return record.headed or levels.sounds_like(record.texts[0]) >= levels.ERROR
    if kind == "ruby" and syntax.RUBY_NAMED.match(record.texts[-1]):
        return True
    return (
        not record.headed
        and record.texts[-1].endswith(":")
        and levels.sounds_like(record.texts[-1]) >= levels.ERROR
    )


def _close(stream: _Stream) -> Iterator[Record]:
    for record in (stream.aside, stream.plain, stream.trace):
        if record is not None:
            yield record
