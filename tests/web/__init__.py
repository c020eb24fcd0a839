"""The gate and its pages, as a browser or another client meets them."""
