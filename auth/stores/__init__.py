"""Stores: SQL only. A store never decides and never commits."""
