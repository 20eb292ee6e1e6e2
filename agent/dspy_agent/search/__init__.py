"""Line search: one regex dialect, read by ripgrep where it is there and by an own reader otherwise."""
