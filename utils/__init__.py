"""Code that does not depend on accounts; another project could use it."""
