"""What is wrong with the pages: pure detectors over values, one file a family, and `run` around them."""
