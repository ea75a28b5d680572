"""The command ``mlms``: one file a command, imported when it is called."""
