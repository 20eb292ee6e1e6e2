# The operator image. Build context: the root of the repository. Needs no BuildKit.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/dspy-operator
WORKDIR /src
# Third-party packages first: this layer changes only with the lock.
COPY pyproject.toml uv.lock ./
COPY core/pyproject.toml core/
COPY agent/pyproject.toml agent/
COPY operator/pyproject.toml operator/
COPY spark/pyproject.toml spark/
RUN uv sync --frozen --no-default-groups --no-install-workspace --package dspy-operator
COPY core core
COPY operator operator
RUN uv sync --frozen --no-default-groups --no-editable --package dspy-operator

FROM ${BASE}
RUN groupadd --gid 10001 dspy \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin dspy
COPY --from=build /opt/dspy-operator /opt/dspy-operator
# Bytecode is compiled above, and the root file system is read-only in a cluster.
ENV PATH=/opt/dspy-operator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dspy-operator" \
      org.opencontainers.image.description="The operator that runs AgentWorkspaces and RLTrainingJobs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["dspy-operator"]
