"""What lasts: run folders, their manifests, the results gathered from them."""
