"""openapi.yaml against itself, the code, the clients and a running server."""
