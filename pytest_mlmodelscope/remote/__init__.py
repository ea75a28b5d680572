"""Another machine, reached by SSH: its address, the connection, and the programs that run there."""
