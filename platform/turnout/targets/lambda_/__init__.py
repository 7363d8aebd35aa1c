"""Lambda: an image function behind the load balancer, or with a URL of its own."""
