"""The Spark context job: raw log lines to contexts, by the reducer that ``ctx`` uses."""
