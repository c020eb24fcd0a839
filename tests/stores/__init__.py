"""The stores under their shared suite and their faults."""
