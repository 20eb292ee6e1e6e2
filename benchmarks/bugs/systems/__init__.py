"""What is compared: each is given a task and a folder, and returns where and how it would change it."""
