"""The registry's rows, by the groups in which help tells of them."""
