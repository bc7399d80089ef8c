"""What another project could use: nothing here knows accounts."""
