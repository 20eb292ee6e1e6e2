"""The light consumer: raw lines of Kafka to contexts, without a cluster of workers."""
