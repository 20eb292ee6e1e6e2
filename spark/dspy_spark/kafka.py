"""Client properties in the words of the Java client: both engines are given the same file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dspy_agent_core.errors import UsageError

# Where librdkafka takes the name of a PEM file, or PEM text, the Java client takes PEM text.
_FILES: Final = {
    "ssl.ca.location": "ssl.truststore.certificates",
    "ssl.certificate.location": "ssl.keystore.certificate.chain",
    "ssl.key.location": "ssl.keystore.key",
}
_TEXTS: Final = {
    "ssl.ca.pem": "ssl.truststore.certificates",
    "ssl.certificate.pem": "ssl.keystore.certificate.chain",
    "ssl.key.pem": "ssl.keystore.key",
    "sasl.mechanisms": "sasl.mechanism",
}
_PACKAGE: Final = "org.apache.kafka.common.security"
_LOGIN: Final = {
    "PLAIN": f"{_PACKAGE}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_PACKAGE}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_PACKAGE}.scram.ScramLoginModule",
}


def java_properties(config: Mapping[str, str]) -> dict[str, str]:
    """Return librdkafka's client properties as the Java client names them; others as they are.

    Raises:
        UsageError: a file that is named can't be read, or a user is named without what belongs to it.
    """
    found = {_TEXTS.get(name, name): value for name, value in config.items()}
    for name, java in _FILES.items():
        if name in found:
            found[java] = _read(name, found.pop(name))
    if "ssl.truststore.certificates" in found:
        found["ssl.truststore.type"] = "PEM"
    if "ssl.keystore.key" in found:
        found["ssl.keystore.type"] = "PEM"
    if found.get("ssl.endpoint.identification.algorithm") == "none":
        found["ssl.endpoint.identification.algorithm"] = ""
    if "sasl.username" in found:
        found["sasl.jaas.config"] = _login(
            found.get("sasl.mechanism"), found.pop("sasl.username"), found.pop("sasl.password", None)
        )
    return found


def _login(mechanism: str | None, user: str, password: str | None) -> str:
    module = _LOGIN.get(mechanism or "")
    if module is None or password is None:
        raise UsageError(
            "The client properties name a user, but not how it logs in.",
            code="BadKafkaConfig",
            next=f"Set sasl.password, and sasl.mechanism to one of {', '.join(_LOGIN)}.",
        )
    return f"{module} required username={_quoted(user)} password={_quoted(password)};"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The file of {name} can't be read: {error}.",
            code="BadKafkaConfig",
            next=f"Correct {name}, or mount the file.",
        ) from None
