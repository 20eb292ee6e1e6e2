"""The words of ``dspy-spark-ctx``, before Spark is started."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dspy_spark.main import main

BROKER = ("--bootstrap", "localhost:1")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("KAFKA_BOOTSTRAP", "DSPY_AGENT_APPS", "DSPY_AGENT_CHECKPOINT", "DSPY_AGENT_KAFKA_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "NoBroker"),
        (BROKER, "NoCheckpoint"),
        ((*BROKER, "--app", "No App"), "BadApp"),
        ((*BROKER, "--kafka-config", "/does/not/exist"), "BadKafkaConfig"),
    ],
)
def test_what_is_missing_is_told_with_the_next_step(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = json.loads(capsys.readouterr().err)
    assert said["code"] == code
    assert said["message"]
    assert said["next"]


def test_apps_come_from_the_environment_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSPY_AGENT_APPS", "web No")
    assert main(BROKER) == 2
    assert "'No'" in json.loads(capsys.readouterr().err)["message"]


def test_a_folder_without_jars_is_told_before_spark_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main((*BROKER, "--checkpoint", str(tmp_path / "c"), "--jars", str(tmp_path))) == 4
    assert json.loads(capsys.readouterr().err)["code"] == "NoKafkaConnector"


def test_no_java_is_told(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "dspy_spark.main", *BROKER, "--checkpoint", str(tmp_path / "c")]
    done = subprocess.run(words, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert json.loads(done.stderr.splitlines()[-1])["code"] == "NoJava"


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "examples:" in capsys.readouterr().out
