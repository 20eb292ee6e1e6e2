"""What the light consumer and the Spark job share: how a partition's lines become contexts. Pure."""
