"""The pages, the gate and the JSON answers: HTTP in, service calls, HTTP out."""
