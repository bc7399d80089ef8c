"""Exports of other systems, as the recipes of docs/guides/import.md read them."""
