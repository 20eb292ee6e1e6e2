# The agent image: the command line, the programs of the agent pod, git and ripgrep.
# Build context: the root of the repository. Needs no BuildKit.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/dspy-agent
WORKDIR /src
# Third-party packages first: this layer changes only with the lock.
COPY pyproject.toml uv.lock ./
COPY core/pyproject.toml core/
COPY agent/pyproject.toml agent/
COPY operator/pyproject.toml operator/
COPY spark/pyproject.toml spark/
ARG EXTRAS="--extra ripgrep --extra streams --extra vectors --extra milvus --extra milvus-lite"
RUN uv sync --frozen --no-default-groups --no-install-workspace --package dspy-agent ${EXTRAS}
COPY core core
COPY agent agent
RUN uv sync --frozen --no-default-groups --no-editable --package dspy-agent ${EXTRAS} \
 && cd /opt/dspy-agent/lib/python3.11/site-packages \
# 150 MB that nothing here imports: the Kubernetes client's asyncio half, Arrow's servers and S3, tests, headers.
 && rm -r kubernetes/aio pandas/tests pyarrow/include pyarrow/tests pyarrow/*flight* pyarrow/*_s3*

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc /usr/share/man \
 && groupadd --gid 10001 dspy \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /workspace --shell /bin/bash dspy \
 && install -d -o 10001 -g 10001 /workspace
COPY --from=build /opt/dspy-agent /opt/dspy-agent
# Bytecode is compiled above, and the root file system is read-only in a cluster.
ENV PATH=/opt/dspy-agent/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dspy-agent" \
      org.opencontainers.image.description="A coding agent that lives beside a team's code and logs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /workspace
ENTRYPOINT ["dspy-agent"]
