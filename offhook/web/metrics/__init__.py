"""`/metrics`: how the queue, the machines and this server are, in the format of Prometheus."""
