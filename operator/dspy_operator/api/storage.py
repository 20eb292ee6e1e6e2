"""Volumes: what both resources say about them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dspy_operator.api.types import Model, ObjectName, Size

AccessMode = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany"]


class VolumeSpec(Model):
    """A volume that the operator claims."""

    size: Size = Field("10Gi", description="Size of the volume; it may only grow.")
    storage_class_name: ObjectName | None = Field(
        None, description="StorageClass; the cluster's default where it is left out."
    )
    access_modes: list[AccessMode] = Field(
        ["ReadWriteOnce"],
        min_length=1,
        max_length=4,
        description="Access modes of the claim.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class StorageSpec(VolumeSpec):
    """The workspace's volume."""

    retain_policy: Literal["Retain", "Delete"] = Field(
        "Delete", description="Whether volumes outlive the workspace (Retain), or go with it (Delete)."
    )
