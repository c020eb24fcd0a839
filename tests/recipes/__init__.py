"""Each recipe of example_app/recipes as it is, on a real server."""
