"""Operators: command line, explain, doctor, pruning."""
