"""Many workers, several applications, outages, and what all of it costs."""
