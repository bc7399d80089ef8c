"""Sequences that several flows share. A step never commits: the flow that calls it does."""
