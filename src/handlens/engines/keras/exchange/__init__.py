"""`.keras` files: looked through and opened; networks made of them, and they of networks."""
