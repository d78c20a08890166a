"""Where sentence pairs come from: reading, cleaning and splitting them into parts."""
