"""The cellar: what would make sense in a project that has no users."""
