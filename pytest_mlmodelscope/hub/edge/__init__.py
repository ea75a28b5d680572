"""What stands between the network and the application: who may ask, how much, how often, and what is told of it."""
