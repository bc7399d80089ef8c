"""Authorization: roles, their permissions, and the rules for changing them."""
