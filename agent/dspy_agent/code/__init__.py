"""Source code of the workspace: parsing it, and finding definitions and uses."""
