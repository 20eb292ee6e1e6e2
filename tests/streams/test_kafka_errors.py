"""A KafkaError that ends a command is told in one sentence with its next step."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from dspy_agent.streams.kafka import check_reachable, cluster_error
from dspy_agent.streams.program import Program
from dspy_agent_core.errors import ClusterError
from tests.support.kafka import settings


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (KafkaError._AUTHENTICATION, "NotAuthorized"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "NotAuthorized"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, "NotAuthorized"),
        (KafkaError._TRANSPORT, "BrokerUnreachable"),
        (KafkaError.INVALID_CONFIG, "KafkaFailed"),
    ],
)
def test_the_code_tells_what_kind_it_is(number: int, code: str) -> None:
    error = cluster_error(KafkaError(number, "Words of the broker."), "kafka:9092")
    assert error.code == code
    assert "Words of the broker" in error.message


def test_a_broker_that_is_away_is_told_soon() -> None:
    with pytest.raises(ClusterError) as told:
        check_reachable(settings("127.0.0.1:1"), 0.5)
    assert told.value.code == "BrokerUnreachable"


def test_what_a_client_throws_in_a_program_becomes_an_error_for_people() -> None:
    fatal = KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no", fatal=True))
    with pytest.raises(ClusterError) as told, Program("stream-tail", settings("127.0.0.1:1")):
        raise fatal
    assert told.value.code == "NotAuthorized"
