"""Reads every context of an app and says what it holds; runs in a workspace's agent pod.

`python - APP TYPE` prints JSON: how often exceptions of TYPE were told of, the raw records, and whether the
contexts of each partition tile its offsets, with equal bytes for equal ids.
"""

import json
import os
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

app, kind = sys.argv[1], sys.argv[2]
prefix = os.environ.get("DSPY_AGENT_TOPIC_PREFIX", "")
base = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"], "group.id": "e2e-look"}
reader = Consumer({**base, "enable.auto.commit": False, "enable.partition.eof": True})


def ends(topic):
    parts = reader.list_topics(topic, timeout=20).topics[topic].partitions
    return {p: reader.get_watermark_offsets(TopicPartition(topic, p), timeout=20)[1] for p in parts}


ctx = f"{prefix}logs.ctx.{app}"
raw = ends(f"{prefix}logs.raw.{app}")
open_ends = {p: end for p, end in ends(ctx).items() if end}
reader.assign([TopicPartition(ctx, p, OFFSET_BEGINNING) for p in open_ends])
seen: dict[bytes, bytes] = {}
twins = unequal = 0
while open_ends:
    record = reader.poll(20)
    if record is None:
        sys.exit("no answer from the broker")
    if record.error():
        open_ends.pop(record.partition(), None)
        continue
    known = seen.setdefault(record.key(), record.value())
    if known is not record.value():
        twins += 1
        unequal += known != record.value()
contexts = [json.loads(value) for value in seen.values()]
next_offset = dict.fromkeys(raw, 0)
holes = overlaps = 0
for context in sorted(contexts, key=lambda c: (c["partition"], c["first_offset"])):
    expected = next_offset[context["partition"]]
    holes += context["first_offset"] > expected
    overlaps += context["first_offset"] < expected
    next_offset[context["partition"]] = context["last_offset"] + 1
events = [event for context in contexts for event in context["events"]]
print(
    json.dumps(
        {
            "told": sum(event["count"] for event in events if (event.get("type") or "").endswith(kind)),
            "types": sorted({event["type"] for event in events if event.get("type")}),
            "raw": sum(raw.values()),
            "read": sum(context["lines_read"] for context in contexts),
            "open": {p: end - next_offset[p] for p, end in raw.items() if end != next_offset[p]},
            "contexts": len(contexts),
            "twins": twins,
            "unequal": unequal,
            "holes": holes,
            "overlaps": overlaps,
        }
    )
)
