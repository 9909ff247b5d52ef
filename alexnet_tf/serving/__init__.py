"""BatchedModel over the network: the server, its page and its clients."""
