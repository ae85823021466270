"""What the functions and methods of NumPy, pandas, scikit-learn, Keras and torch do to values."""
