"""Heron Mail: a small fictional e-mail platform with its own API, DNS and TLS, real down to the sockets."""
