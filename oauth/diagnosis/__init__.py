"""`flask auth doctor --client`: checks of one client, and a rehearsed login."""
