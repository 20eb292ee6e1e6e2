"""What the wordings are filled with: names, files, texts and doings of made-up projects."""

from __future__ import annotations

from typing import Final

_SYMBOLS: Final = """
    parse_date make_response url_for Session.get RetryPolicy load_config flush Client handle_request
    total_refund to_json open_file read_lines Router dispatch on_message create_app validate_token Cache
    merge_sorted WordCount render_template sign_cookie apply_patch connect schedule Pool.acquire encode
    UserStore find_nearest normalise retry_after BatchWriter next_token InvoiceLine sum_lines
"""
_PATHS: Final = """
    src/app.py src/flask/wrappers.py lib/client.go core/index.ts setup.py util/dates.py server/main.rs
    internal/queue/worker.go web/src/App.tsx models.py api/v1/routes.py pkg/cache/lru.go cli.py
    app/models/user.rb src/main/java/Shop.java config/settings.py tests/test_dates.py
    Makefile.am docs/index.md
"""
_FOLDERS: Final = "src lib tests docs internal/queue web/src api pkg app/models config scripts"
_CONSTANTS: Final = """
    SERVER_NAME MAX_RETRIES DEBUG_MODE API_KEY_HEADER USE_TZ LOG_LEVEL default_timeout maxConnections
    SESSION_COOKIE_NAME x_request_id ENABLE_CACHE batch_size
"""
_WORDS: Final = """
    retries invoices timezone payments websocket cookie pagination scheduler checkout kafka throttling
    refunds uploads sessions currency thumbnails heartbeat quota
"""
_DOTTED: Final = "werkzeug.local os.environ http.client json.loads requests.Session app.state np.array"
_DOINGS: Final = (
    "retries a failed request",
    "signs the session cookie",
    "rounds the total of an invoice",
    "reads the settings from a file",
    "splits long lines into tokens",
    "checks whether a user may see a page",
    "closes idle connections",
    "turns a row into json",
    "gives up after too many failures",
    "sorts search results by score",
    "keeps the cache small",
    "converts a date to utc",
    "sends an email to new customers",
    "merges two sorted lists",
    "waits for the broker to answer",
    "limits how many uploads run at once",
    "escapes html in a template",
    "loads plugins at start",
    "computes the shipping price",
    "forgets old sessions",
    "returns the text of each file by its path in the repository",
    "keeps an exception with the lines around it",
    "counts errors by their kind",
    "adds a step that earned `reward` to a plan",
    "finds the lines of a log that match",
    "judges a policy by its ``n`` decisions over ``K`` arms",
    "takes lines with or without their ends, of ``source``",
    "reads what is in a folder, and tells what is missing",
    "groups like messages and returns their template",
    "tells whether an index is stale",
    "calls the handler that a route names",
    "says why a request failed",
    "uses SameSite of the cookie if it is set",
    "opens a resource file relative to `root_path`",
    "creates an instance of :meth:`Blueprint.make_state` at setup",
    "updates the values from the given object",
)
_QUOTES: Final = (
    "list index out of range",
    "could not connect",
    "TODO: remove",
    "no such table",
    "permission denied",
    "a == b",
    "Content-Type",
    "rate limit exceeded",
    "The setup method",
    "missing directory",
    "an error in the log",
    "steps",
)
SYMBOLS: Final = tuple(_SYMBOLS.split())
PATHS: Final = tuple(_PATHS.split())
FOLDERS: Final = tuple(_FOLDERS.split())
CONSTANTS: Final = tuple(_CONSTANTS.split())
WORDS: Final = tuple(_WORDS.split())
DOTTED: Final = tuple(_DOTTED.split())
DOINGS: Final = _DOINGS
QUOTES: Final = _QUOTES


def infinitive(doing: str) -> str:
    """Return ``reads the file`` as ``read the file``."""
    verb, _, rest = doing.partition(" ")
    stem = verb[:-3] + "y" if verb.endswith("ies") else verb.removesuffix("s")
    stem = stem.removesuffix("e") if verb.endswith(("sses", "shes", "ches")) else stem
    return f"{stem} {rest}"
