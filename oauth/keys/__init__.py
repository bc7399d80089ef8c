"""The keys that sign tokens for clients: the ring of a process, their rotation, their publication."""
