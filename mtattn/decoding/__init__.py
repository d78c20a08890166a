"""From token ids to token ids (`search`), and from text to text (`translator`)."""
