"""The context job by Spark: as a plain pod, or as a SparkApplication where the cluster has that API.

The SparkApplication asks for nothing of Kubeflow's webhook: what Spark has no setting for is in its pod
templates. Its driver makes the executors' pods, so its ServiceAccount needs the rights to do that.
"""

from __future__ import annotations

import math
from typing import Any, Final

from dspy_agent_core.contracts.cluster import STREAM_PORT
from dspy_operator import quantity
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.api.types import Resources
from dspy_operator.children import SPARK_APPLICATION, Child, checkpoints_claim, context_name
from dspy_operator.desired.common import CONTEXT, Context, child, labels
from dspy_operator.desired.kafka import stream_variables
from dspy_operator.desired.pods import TMP_MOUNT, TMP_VOLUME, harden, pod_defaults
from dspy_operator.desired.storage import checkpoint_volume

CHECKPOINT_MOUNT: Final[dict[str, Any]] = {"name": "checkpoints", "mountPath": "/checkpoint"}
_ARGUMENTS: Final = ("--checkpoint", "/checkpoint/ctx", "--http-port", str(STREAM_PORT))
_SPARK_VERSION: Final = "4.2.0"
_MAIN: Final = "local:///opt/dspy-spark/main.py"
_MEBI: Final = 1 << 20


def spark_image(context: Context) -> dict[str, str]:
    """Return the image of the Spark job, and when it is pulled."""
    policy = context.settings.image_pull_policy
    return {"image": context.settings.spark_image, "imagePullPolicy": policy}


def spark_command(master: str) -> tuple[str, ...]:
    """Return the command of a driver that runs by itself."""
    return ("dspy-spark-ctx", "--master", master, *_ARGUMENTS)


def checkpoint_mount_volume(context: Context) -> dict[str, Any]:
    """Return the pod's volume with the checkpoints."""
    claim = {"claimName": checkpoints_claim(context.name)}
    return {"name": CHECKPOINT_MOUNT["name"], "persistentVolumeClaim": claim}


def takes_application(context: Context, streaming: StreamingSpec) -> bool:
    """Whether Spark runs as a SparkApplication: its pods, on many nodes, must share the checkpoints."""
    volume = checkpoint_volume(context.spec)
    shared = volume is not None and "ReadWriteMany" in volume.access_modes
    auto = streaming.context_job.spark_application == "Auto"
    return auto and shared and SPARK_APPLICATION in context.facts.served


def build_application(context: Context, streaming: StreamingSpec) -> list[Child]:
    """Return the SparkApplication; none while it should not run, as that API knows no such state."""
    job = streaming.context_job
    if context.suspended or not job.replicas:
        return []
    image = spark_image(context)
    memory, cores = _memory(job.resources), _cores(job.resources)
    account = context.spec.service_account_name
    spec = {
        "type": "Python",
        "pythonVersion": "3",
        "mode": "cluster",
        "sparkVersion": _SPARK_VERSION,
        **image,
        "mainApplicationFile": _MAIN,
        "arguments": list(_ARGUMENTS),
        "restartPolicy": {"type": "Always", "onFailureRetryInterval": 10},
        "sparkConf": {
            "spark.sql.shuffle.partitions": str(job.replicas * cores),
            "spark.jars.ivy": "/tmp/.ivy2",  # noqa: S108  an emptyDir of the pod
            "spark.ui.enabled": "false",
        },
        "driver": {
            "cores": 1,
            "memory": memory,
            **({"serviceAccount": account} if account else {}),
            "template": _template(context, "spark-kubernetes-driver", token=True),
        },
        "executor": {
            "instances": job.replicas,
            "cores": cores,
            "memory": memory,
            "template": _template(context, "spark-kubernetes-executor", token=False),
        },
    }
    if context.spec.image_pull_secrets:
        spec["imagePullSecrets"] = [secret.name for secret in context.spec.image_pull_secrets]
    return [child(context, SPARK_APPLICATION, context_name(context.name), CONTEXT, {"spec": spec})]


def _template(context: Context, container: str, *, token: bool) -> dict[str, Any]:
    values = {**stream_variables(context), "HOME": TMP_MOUNT["mountPath"]}
    pod = {
        **pod_defaults(context),
        "automountServiceAccountToken": token,
        "containers": [
            {
                "name": container,
                "env": [{"name": name, "value": value} for name, value in values.items()],
                "volumeMounts": [TMP_MOUNT, CHECKPOINT_MOUNT],
            }
        ],
        "volumes": [TMP_VOLUME, checkpoint_mount_volume(context)],
    }
    del pod["serviceAccountName"]
    return {"metadata": {"labels": labels(context.name, CONTEXT)}, "spec": harden(pod)}


def _memory(asked: Resources | None) -> str:
    """Return the JVM's memory in Spark's unit; Spark adds its overhead to it."""
    dumped = asked.model_dump(exclude_none=True) if asked else {}
    text = (
        (dumped.get("limits") or {}).get("memory") or (dumped.get("requests") or {}).get("memory") or "768Mi"
    )
    return f"{max(512, int(quantity.parse(str(text)) / _MEBI))}m"


def _cores(asked: Resources | None) -> int:
    dumped = asked.model_dump(exclude_none=True) if asked else {}
    return max(1, math.ceil(quantity.parse(str((dumped.get("requests") or {}).get("cpu", 1)))))
