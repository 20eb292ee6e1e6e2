"""A Spark session with the settings of a small, stateful stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.errors import MissingRequirement

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGING: Final = Path(__file__).with_name("log4j2.properties")
_SETTINGS: Final[Mapping[str, str]] = {
    "spark.app.name": "dspy-spark-ctx",
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOGGING}",
    "spark.sql.adaptive.enabled": "false",  # Spark warns that a stateful stream can't have it
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.minBatchesToRetain": "10",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_CONNECTOR: Final = "org.apache.spark.sql.kafka010.KafkaSourceProvider"


def start_session(master: str | None = None, jars: str | None = None) -> SparkSession:
    """Return a session. What spark-submit or a SparkApplication has set stays as it is.

    Args:
        master: where Spark runs, such as ``local[2]``; None: as spark-submit says, else here.
        jars: a folder with the jars of the Kafka connector, where they are not among Spark's own.

    Raises:
        MissingRequirement: Spark, Java or the folder is missing.
    """
    try:
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingRequirement(
            "Spark is not installed.", code="NoSpark", next="Install it: pip install 'dspy-spark[spark]'."
        ) from None
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if submitted:
        # spark-submit has started the JVM: its settings are read from there.
        SparkContext._ensure_initialized()
    conf = SparkConf()
    for name, value in _SETTINGS.items():
        conf.setIfMissing(name, value)
    # As many state stores as can work at once; the checkpoint keeps the number from its first start on.
    conf.setIfMissing("spark.sql.shuffle.partitions", "2")
    conf.setIfMissing("spark.master", "local[2]")
    if master is not None:
        conf.setMaster(master)
    if jars is not None:
        conf.set("spark.jars", _jars(jars))
    try:
        session = SparkSession.builder.config(conf=conf).getOrCreate()
    except PySparkRuntimeError as error:
        raise MissingRequirement(
            f"Spark does not start: {error}", code="NoJava", next="Install Java 17 or set JAVA_HOME."
        ) from None
    if submitted:
        session.sparkContext.setLogLevel("WARN")
    return session


def check_connector(spark: SparkSession) -> None:
    """Check that the Kafka connector is there.

    Raises:
        MissingRequirement: it is not.
    """
    from py4j.protocol import Py4JJavaError

    jvm: Any = spark.sparkContext._jvm
    try:
        loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        jvm.java.lang.Class.forName(_CONNECTOR, False, loader)
    except Py4JJavaError:
        raise MissingRequirement(
            "The Kafka connector of Spark is not on the class path.",
            code="NoKafkaConnector",
            next="Name a folder with its jars: --jars DIR. docker/spark/pom.xml gets them: "
            "mvn -f docker/spark/pom.xml dependency:copy-dependencies -DoutputDirectory=DIR",
        ) from None


def _jars(folder: str) -> str:
    found = sorted(str(jar) for jar in Path(folder).glob("*.jar"))
    if not found:
        raise MissingRequirement(
            f"There are no jars in {folder}.",
            code="NoKafkaConnector",
            next="Get them: mvn -f docker/spark/pom.xml dependency:copy-dependencies -DoutputDirectory=DIR",
        )
    return ",".join(found)
