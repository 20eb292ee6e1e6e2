"""``stream topics``: what is to be done for topics to be as they should; the words around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.streams.topic_plan import Difference, TopicState, plan
from dspy_agent.streams.topic_specs import AppSpec, choose, parse_config, parse_specs, topics_of
from dspy_agent_core.contracts.cluster import TOPIC_REASONS, Termination
from dspy_agent_core.contracts.topics import Topics, TopicSpec
from dspy_agent_core.errors import UsageError
from tests.support.kafka import mock_cluster

PROGRAM = str(Path(sys.executable).with_name("dspy-agent"))
DEFAULTS = {"retention.ms": "604800000", "cleanup.policy": "delete", "min.cleanable.dirty.ratio": "0.5"}


def _state(partitions: int = 1, replicas: int = 1, **own: str) -> dict[str, TopicState]:
    config = {name.replace("_", "."): value for name, value in own.items()}
    return {"t": TopicState("t", partitions, replicas, {**DEFAULTS, **config}, frozenset(config))}


def _spec(partitions: int = 1, replicas: int = 1, **config: str) -> TopicSpec:
    return TopicSpec("t", partitions, replicas, {n.replace("_", "."): v for n, v in config.items()})


def test_a_topic_that_is_not_there_is_created() -> None:
    (item,) = plan([_spec(3)], {}, reset=False)
    assert item.missing
    assert item.can_be_applied


def test_a_topic_as_it_should_be_needs_nothing() -> None:
    (item,) = plan([_spec(retention_ms="604800000")], _state(), reset=True)
    assert not item


@pytest.mark.parametrize(
    ("found", "wanted"), [("0.5", "0.50"), ("compact,delete", "compact, delete"), ("true", "True")]
)
def test_values_are_compared_as_the_broker_reads_them(found: str, wanted: str) -> None:
    assert not any(plan([_spec(x=wanted)], _state(x=found), reset=False))


def test_partitions_grow_and_never_shrink() -> None:
    (more,) = plan([_spec(3)], _state(2), reset=False)
    assert more.grows
    assert not more.shrinks
    (fewer,) = plan([_spec(1)], _state(2), reset=False)
    assert fewer.shrinks
    assert not fewer.can_be_applied


def test_another_number_of_replicas_is_told_but_not_applied() -> None:
    (item,) = plan([_spec(replicas=3)], _state(), reset=False)
    assert item.differences == (Difference("replicas", "1", "3"),)
    assert not item.can_be_applied


def test_settings_that_nobody_named_stay_unless_the_spec_says_all() -> None:
    found = _state(retention_ms="1000")
    assert not any(plan([_spec()], found, reset=False))
    (item,) = plan([_spec()], found, reset=True)
    assert item.settings == (Difference("retention.ms", "1000", None),)


@given(st.integers(1, 9), st.integers(1, 9), st.dictionaries(st.sampled_from(sorted(DEFAULTS)), st.just("7")))
def test_after_its_differences_are_gone_a_plan_is_empty(
    here: int, there: int, config: dict[str, str]
) -> None:
    spec = TopicSpec("t", max(here, there), 1, config)
    (item,) = plan([spec], _state(here), reset=True)
    mended = {**DEFAULTS, **{one.what: one.wanted or "" for one in item.settings}}
    state = TopicState("t", spec.partitions, 1, mended, frozenset(config))
    assert not any(plan([spec], {"t": state}, reset=True))


def test_the_raw_topic_keeps_the_brokers_time_whatever_the_config_says() -> None:
    app = AppSpec(name="web", config={"message.timestamp.type": "CreateTime"})
    made = {spec.name: spec for spec in topics_of([app], Topics("ns.ws."))}
    assert made["ns.ws.logs.raw.web"].config["message.timestamp.type"] == "LogAppendTime"
    assert made["ns.ws.logs.ctx.web"].config["message.timestamp.type"] == "CreateTime"


def test_dead_letters_may_be_larger_than_their_records() -> None:
    app = AppSpec(name="web", config={"max.message.bytes": "10485760"})
    made = {spec.name: spec for spec in topics_of([app], Topics())}
    assert int(made["logs.raw.web.dlq"].config["max.message.bytes"]) > 10485760


def test_a_spec_is_read_from_json_or_yaml_and_its_values_become_words() -> None:
    text = "[{name: web, partitions: 3, config: {retention.ms: 1000, preallocate: true}}, {name: api}]"
    web, api = parse_specs(text, "-")
    assert web.config == {"retention.ms": "1000", "preallocate": "true"}
    assert (api.partitions, api.replicas) == (1, 1)
    assert parse_specs('[{"name": "web"}]', "-") == [AppSpec(name="web")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{name: Web}]", "'Web'"),
        ("[{name: a}, {name: a}]", "twice"),
        ("[{name: a, partitions: 0}]", "0.partitions"),
        ("[{name: a, partition: 2}]", "0.partition"),
        ("{name: a}", "list"),
        ("[", "expected"),
        ("[" * 100_000, "deep"),
        ("[{name: a, config: {b: [1]}}]", "0.config.b"),
    ],
)
def test_a_wrong_spec_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_specs(text, "topics.yaml")


def test_apps_are_chosen_from_a_spec() -> None:
    specs = parse_specs("[{name: a}, {name: b}]", "-")
    assert [spec.name for spec in choose(specs, ["b"])] == ["b"]
    with pytest.raises(UsageError, match="'c'"):
        choose(specs, ["c"])


def test_config_words_are_name_and_value() -> None:
    assert parse_config(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(UsageError):
        parse_config(["a"])


def _run(*words: str, **env: str) -> tuple[int, Any, str]:
    done = subprocess.run(
        [PROGRAM, "stream", "topics", "--json", *words], capture_output=True, text=True, timeout=60, env=env
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_check_says_what_is_missing() -> None:
    with mock_cluster() as broker:
        code, answer, _ = _run("--app", "web", "--check", "--bootstrap", broker)
    assert code == 1
    missing = [item["topic"] for item in answer["topics"] if item["state"] == "missing"]
    assert {"logs.raw.web", "logs.ctx.web", "agent.results.web", "logs.raw.web.dlq"} <= set(missing)


def test_a_broker_that_does_not_come_is_told_to_the_operator_too(tmp_path: Path) -> None:
    left = tmp_path / "termination-log"
    left.touch()
    code, answer, said = _run(
        "--app", "web", "--bootstrap", "127.0.0.1:1", "--timeout", "4", DSPY_TERMINATION_LOG=str(left)
    )
    assert code == 6
    assert answer["error"]["code"] == "BrokerUnreachable"
    assert "Waiting for Kafka at 127.0.0.1:1" in said
    told = Termination.loads(left.read_text())
    assert told is not None
    assert told.reason == "BrokerUnreachable"
    assert told.reason in TOPIC_REASONS


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "NoApps"),
        (("--app", "Web"), "BadApp"),
        (("--app", "web", "--config", "x"), "BadUsage"),
        (("--spec", "/nowhere"), "BadTopicsSpec"),
        (("--app", "web", "--topic-prefix", "ä."), "BadTopicName"),
        (("--app", "web", "--topic-prefix", "a" * 240), "BadTopicName"),
    ],
)
def test_wrong_words_are_refused_before_the_broker_is_asked(words: tuple[str, ...], code: str) -> None:
    exit_code, answer, _ = _run(*words, "--bootstrap", "127.0.0.1:1")
    assert exit_code == 2
    assert answer["error"]["code"] == code
