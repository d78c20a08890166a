"""From token ids to token ids (`search`, `ctranslate2`), and from text to text (`translator`)."""
