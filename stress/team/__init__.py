"""A team of simulated machines whose processes, servers and network are disturbed."""
