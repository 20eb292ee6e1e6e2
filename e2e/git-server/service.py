"""Reads settings with tomli as a service would, and logs what really goes wrong; the log goes to stdout."""

import logging
import sys

import tomli

INPUTS = (
    ("tenants/ok.toml", 'name = "a"\nretries = 3\n'),
    ("tenants/quote.toml", 'name = "a\n'),
    ("tenants/twice.toml", "retries = 3\nretries = 4\n"),
    ("tenants/date.toml", "since = 2024-13-01\n"),
    ("tenants/quote.toml", 'name = "a\n'),
)


class SettingsError(RuntimeError):
    """A tenant's settings can't be read."""


def read(path: str, text: str) -> dict[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise SettingsError(f"settings of {path} can't be read") from error


def main() -> None:
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    log = logging.getLogger("service")
    for number in range(200):
        path, text = INPUTS[number % len(INPUTS)]
        log.info("reading %s (%d bytes)", path, len(text))
        try:
            read(path, text)
        except SettingsError:
            log.exception("tenant %s is off", path)
    log.warning("cache is %d%% full", 91)


if __name__ == "__main__":
    main()
