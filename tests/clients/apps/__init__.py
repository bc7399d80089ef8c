"""Applications of the tests. Each runs as a process, in the environment of the clients."""
