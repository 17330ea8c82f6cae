"""Heads over the one spatial map that any vision tower has: what a backbone without eyes of its own for pointing shares with them."""
