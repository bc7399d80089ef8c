"""The second floor: what is decided, in order. A flow knows no HTTP, calls the stores and commits once."""
