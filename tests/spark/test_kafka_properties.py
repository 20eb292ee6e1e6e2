"""One file of client properties serves librdkafka and the Java client."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent_core.errors import UsageError
from dspy_spark.kafka import java_properties


def test_a_login_by_name_and_password() -> None:
    found = java_properties(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": 'a"b',
            "sasl.password": "c\\d",
        }
    )
    assert found == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="a\\"b" password="c\\\\d";',
    }


def test_files_of_certificates_become_their_text(tmp_path: Path) -> None:
    names = {"ssl.ca.location": "ca", "ssl.certificate.location": "cert", "ssl.key.location": "key"}
    for name in names.values():
        (tmp_path / name).write_text(f"-----{name}-----")
    found = java_properties({name: str(tmp_path / file) for name, file in names.items()})
    assert found == {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": "-----ca-----",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "-----cert-----",
        "ssl.keystore.key": "-----key-----",
    }


def test_names_that_both_have_stay() -> None:
    assert java_properties({"client.id": "x", "sasl.jaas.config": "y"}) == {
        "client.id": "x",
        "sasl.jaas.config": "y",
    }


def test_no_check_of_host_names_has_another_word() -> None:
    name = "ssl.endpoint.identification.algorithm"
    assert java_properties({name: "none"}) == {name: ""}


@pytest.mark.parametrize(
    "config",
    [
        {"sasl.username": "a"},
        {"sasl.username": "a", "sasl.password": "b", "sasl.mechanism": "GSSAPI"},
        {"ssl.ca.location": "/does/not/exist"},
    ],
)
def test_what_can_not_work_is_told(config: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        java_properties(config)
    assert caught.value.code == "BadKafkaConfig"
