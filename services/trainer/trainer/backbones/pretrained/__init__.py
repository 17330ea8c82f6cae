"""What every published language model shares once it is tuned with task tokens and heads: words, lessons, objective, speech, export."""
