"""What a workspace has learned, and what its topics tell; runs in the workspace's agent pod.

Prints JSON: ids of the lines of the event log (``own``: not from others) and of ``agent.learning``, sources
of ``agent.metrics``; what the policy learned of each tool, and how many events its state file lacks.
"""

import json
import os
import sys
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from dspy_agent.learning.policy_state import Policies

prefix = os.environ["DSPY_AGENT_TOPIC_PREFIX"]
source = Path(os.environ["DSPY_AGENT_WORKSPACE"])
log = source / ".dspy_rl_events.jsonl"


def records(topic):
    base = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"], "group.id": "e2e-look"}
    reader = Consumer({**base, "enable.auto.commit": False, "enable.partition.eof": True})
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found = []
    while (record := reader.poll(20)) is not None and not record.error():
        found.append(json.loads(record.value()))
    if record is None:
        sys.exit("no answer from the broker")
    reader.close()
    return found


lines = [json.loads(line) for line in log.read_bytes().splitlines()] if log.exists() else []
policies = Policies(source, sys.stderr.write)
print(
    json.dumps(
        {
            "log": [line["id"] for line in lines],
            "own": [line["id"] for line in lines if not line.get("shared")],
            "topic": [record["id"] for record in records(f"{prefix}agent.learning")],
            "metrics": sorted({record["source"] for record in records(f"{prefix}agent.metrics")}),
            "unsaved": policies.unsaved,
            "uses": policies.learner.uses,
        }
    )
)
