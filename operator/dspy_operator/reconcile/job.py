"""RLTrainingJob: this version runs none, and the status says so."""

from __future__ import annotations

from dspy_operator.api.training_job import InvalidSpec, parse
from dspy_operator.facts import Facts
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import NotFound
from dspy_operator.kube.kinds import JOB
from dspy_operator.reconcile.base import Clock, Pass, StatusWriter
from dspy_operator.status import job_status


class JobReconciler:
    """Writes the status of training jobs; those with ``managedBy`` belong to somebody else."""

    def __init__(self, client: KubeClient, writer: StatusWriter, now: Clock) -> None:
        self._client = client
        self._writer = writer
        self._now = now

    async def reconcile(self, run: Pass) -> float | None:
        """Write the status of one job, if it changed."""
        try:
            obj = await self._client.get(f"{JOB.path(run.key.namespace)}/{run.key.name}")
        except NotFound:
            self._writer.board.forget(run.key)
            return None
        if "deletionTimestamp" in obj["metadata"]:
            return None
        try:
            job = parse(obj)
        except InvalidSpec:
            return None
        if job.spec.managed_by is None:
            new = job_status(job, Facts(self._now()), obj.get("status") or {})
            await self._writer.write(run, obj, new)
        return None
