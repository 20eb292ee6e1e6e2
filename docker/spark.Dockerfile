# The image of the Spark context job: Python, Java, Spark and its Kafka connector; loads nothing when it runs.
# Build context: the root of the repository. Needs no BuildKit.
ARG BASE=python:3.11-slim-bookworm

FROM maven:3.9-eclipse-temurin-17 AS jars
COPY docker/spark/pom.xml .
RUN mvn -B -q -f pom.xml dependency:copy-dependencies -DoutputDirectory=/jars

FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/dspy-spark
WORKDIR /src
# Third-party packages first: this layer changes only with the lock.
COPY pyproject.toml uv.lock ./
COPY core/pyproject.toml core/
COPY agent/pyproject.toml agent/
COPY operator/pyproject.toml operator/
COPY spark/pyproject.toml spark/
# What a stream from Kafka to Kafka does not touch: Hive, machine learning, graphs, the shell, Spark Connect,
# RocksDB, other machines' libraries; Arrow's server.
RUN uv sync --frozen --no-default-groups --no-install-workspace --package dspy-spark --extra spark \
 && cd /opt/dspy-spark/lib/python3.11/site-packages \
 && (cd pyspark/jars && rm -r hive-* derby-* datanucleus-* spark-hive* spark-mllib* spark-graphx* spark-repl* \
       spark-connect* connect-repl spark-pipelines* spark-yarn* scala-compiler-* breeze* spire* algebra_* cats-kernel_* \
       arpack* blas-* lapack-* JTransforms-* rocksdbjni-* netty-tcnative-*-osx-* netty-tcnative-*-windows-*) \
 && rm -r pyspark/examples pyspark/data pyspark/pandas pyspark/ml pyspark/mllib pandas/tests numpy/*/tests \
 && rm -r pyarrow/include pyarrow/tests pyarrow/*.pyx pyarrow/*.pxi \
 && rm -r pyarrow/*flight* \
 && /opt/dspy-spark/bin/python -c "import pandas, pyarrow, pyspark.sql"
COPY --from=jars /jars/ /opt/dspy-spark/lib/python3.11/site-packages/pyspark/jars/
COPY core core
COPY spark spark
RUN uv sync --frozen --no-default-groups --no-editable --package dspy-spark --extra spark \
 && printf 'import sys\n\nfrom dspy_spark.main import main\n\nsys.exit(main())\n' > /opt/dspy-spark/main.py

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless procps \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc /usr/share/man \
 && groupadd --gid 10001 dspy \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin dspy \
 && install -d -o 10001 -g 10001 /checkpoint
COPY --from=build /opt/dspy-spark /opt/dspy-spark
COPY docker/spark/entrypoint /usr/local/bin/entrypoint
# Bytecode is compiled above, and the root file system is read-only in a cluster.
ENV PATH=/opt/dspy-spark/bin:$PATH \
    HOME=/tmp \
    SPARK_HOME=/opt/dspy-spark/lib/python3.11/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/dspy-spark/bin/python \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dspy-spark" \
      org.opencontainers.image.description="Log lines to contexts, by Spark Structured Streaming" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["entrypoint"]
