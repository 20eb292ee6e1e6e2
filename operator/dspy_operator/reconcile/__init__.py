"""The reconcile loop of each kind: read live, compare, apply the difference, write the status."""
