"""What all ledgers have: items, options, events, evidence, scores, handoff. Pure."""
