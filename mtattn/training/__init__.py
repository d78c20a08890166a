"""Training: its data (`preparation`), its loop (`trainer`), its optimizer, what is saved and shown."""
