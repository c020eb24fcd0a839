"""What tests of hosts and of third-party stores need: fakes and conformance suites."""
