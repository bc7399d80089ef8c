"""The end of many grants, for the listener and the commands."""
