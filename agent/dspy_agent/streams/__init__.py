"""Log streams over Kafka."""
