"""The revocation feed: which grants ended lately, for resources that verify tokens offline."""
