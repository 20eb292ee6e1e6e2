"""The streaming query: raw topics to context topics and dead letters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from dspy_agent_core.contracts.topics import Topics
from dspy_agent_core.streams.settings import StreamSettings
from dspy_spark.kafka import java_properties
from dspy_spark.reduce import INPUT, OUTPUT, STATE, Reduce

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

_MAX_RECORD: Final = 64 << 20  # the broker knows what it takes


def raw_lines(spark: SparkSession, settings: StreamSettings, max_offsets: int) -> DataFrame:
    """Return the records of the raw topics, at most ``max_offsets`` a micro-batch, from the earliest on.

    Without apps: of all raw topics with the prefix. Topics that do not exist yet are read once they do.
    """
    apps = "|".join(re.escape(app) for app in settings.apps) or "[a-z0-9-]+"
    names = f"^{re.escape(settings.topics.raw(''))}({apps})$"
    return (
        spark.readStream.format("kafka")
        .options(**_kafka(settings))
        .option("subscribePattern", names)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", max_offsets)
        .option("includeHeaders", True)
        # What the broker has deleted already can't be read by waiting.
        .option("failOnDataLoss", False)
        .load()
    )


def contexts(raw: DataFrame, topics: Topics, *, once: bool = False) -> DataFrame:
    """Return rows for Kafka from rows of the Kafka source; ``once``: open windows end when all is read."""
    from pyspark.sql import functions as F
    from pyspark.sql.streaming.state import GroupStateTimeout
    from pyspark.sql.types import StructType

    lines = raw.withWatermark("timestamp", "0 seconds").withColumn("time", F.unix_millis("timestamp"))
    columns = cast(StructType, StructType.fromDDL(INPUT))
    return (
        lines.select(*columns.names)
        .union(_heartbeat(raw.sparkSession, columns))
        .groupBy("topic", "partition")
        .applyInPandasWithState(
            Reduce(topics, once), OUTPUT, STATE, "append", GroupStateTimeout.ProcessingTimeTimeout
        )
    )


def write(rows: DataFrame, settings: StreamSettings, checkpoint: str, seconds: float) -> StreamingQuery:
    """Start the query; a micro-batch begins every ``seconds``."""
    return (
        rows.writeStream.format("kafka")
        .options(**_kafka(settings))
        .option("kafka.acks", "all")
        .option("kafka.enable.idempotence", True)
        .option("kafka.compression.type", "lz4")
        .option("kafka.linger.ms", 2)
        .option("kafka.max.request.size", _MAX_RECORD)
        .option("checkpointLocation", checkpoint)
        .outputMode("append")
        .queryName("contexts")
        .trigger(processingTime=f"{round(seconds * 1000)} milliseconds")
        .start()
    )


def _heartbeat(spark: SparkSession, columns: Any) -> DataFrame:
    """Return a stream without rows that always has news.

    Spark runs no micro-batch for timeouts alone in a query that was just started: a window that was open
    when the job ended would wait for the next record of any topic.
    """
    from pyspark.sql import functions as F

    beats = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
    nothing = (F.lit(None).cast(field.dataType).alias(field.name) for field in columns.fields)
    return beats.where(F.lit(False)).select(*nothing)


def _kafka(settings: StreamSettings) -> Mapping[str, str]:
    properties = {"bootstrap.servers": settings.bootstrap, **java_properties(settings.config)}
    return {f"kafka.{name}": value for name, value in properties.items()}
